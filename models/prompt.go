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
	// Of placed calls.
	PromptTransfer = "transfer.wav" // preVoice of click-to-dial: the call is being put through
	PromptSampled  = "sampled.wav"  // the call may be recorded for random inspection
)

// DigitPrompt is the name of the prompt that reads one digit of a verification code, digits being "0" to "9" and language zh or en. These
// ship in both languages whatever the platform's own is.
func DigitPrompt(language string, digit byte) string {
	return "digit_" + language + "_" + string(digit) + ".wav"
}

// DefaultPrompts lists them.
var DefaultPrompts = []string{PromptNoPermission, PromptAbnormal, PromptNoBinding, PromptBusy, PromptNoAnswer, PromptUnreachable,
	PromptPoweredOff, PromptNotExist, PromptRejected, PromptDirection, PromptRecordHint, PromptLastMinute, PromptSystemBusy,
	PromptExtension, PromptExtensionWrong, PromptExtensionGiveUp, PromptExtensionMissing, PromptWait, PromptTransfer, PromptSampled}
