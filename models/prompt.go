package models

// Names of the default prompts that ship with the platform (conf/prompts). An app may name its own file for each.
const (
	PromptNoPermission = "no_permission.wav"
	PromptAbnormal     = "abnormal.wav"
	PromptNoBinding    = "no_binding.wav"
	PromptBusy         = "busy.wav"
	PromptNoAnswer     = "no_answer.wav"
	PromptUnreachable  = "unreachable.wav"
	PromptPoweredOff   = "powered_off.wav"
	PromptNotExist     = "not_exist.wav"
	PromptRejected     = "rejected.wav"
	PromptDirection    = "direction_forbidden.wav"
	PromptRecordHint   = "record_hint.wav"
	PromptLastMinute   = "last_minute.wav"
	PromptSystemBusy   = "system_busy.wav"
	// AXE's four, and X's.
	PromptExtension        = "extension_input.wav"
	PromptExtensionWrong   = "extension_wrong.wav"
	PromptExtensionGiveUp  = "extension_giveup.wav"
	PromptExtensionMissing = "extension_missing.wav"
	PromptWait             = "wait.wav"
)

// DefaultPrompts lists them.
var DefaultPrompts = []string{PromptNoPermission, PromptAbnormal, PromptNoBinding, PromptBusy, PromptNoAnswer, PromptUnreachable,
	PromptPoweredOff, PromptNotExist, PromptRejected, PromptDirection, PromptRecordHint, PromptLastMinute, PromptSystemBusy,
	PromptExtension, PromptExtensionWrong, PromptExtensionGiveUp, PromptExtensionMissing, PromptWait}
