package models

import (
	"errors"
	"fmt"
)

// Code names a failure in the platform's own words. Each wire maps it to its result code once (web/api, web/admin); what no wire
// knows is Internal.
type Code string

// The failures of the domain.
const (
	Internal Code = "internal" // ours; the caller is told no more than that

	Invalid            Code = "invalid"              // a parameter is missing, malformed or out of range; Param names it
	PromptMissing      Code = "prompt_missing"       // a named tone file does not exist or is not approved
	NotFound           Code = "not_found"            // no such tenant, app, binding, record
	Conflict           Code = "conflict"             // the thing exists already (admin API)
	UnknownApp         Code = "unknown_app"          // no app has this key
	AppUnavailable     Code = "app_unavailable"      // the app is suspended
	TenantFrozen       Code = "tenant_frozen"        // arrears or complaint
	ModeMismatch       Code = "mode_mismatch"        // the API of another mode
	NumberNotOwned     Code = "number_not_owned"     // X is no number of this app
	NumberAbnormal     Code = "number_abnormal"      // X may take no binding now
	NoNumber           Code = "no_number"            // no free X in the city, or X is full
	NumberBusy         Code = "number_busy"          // an exclusive call holds X
	BoundAlready       Code = "bound_already"        // AX: this A has this X already (1016002)
	NumberTaken        Code = "number_taken"         // AX: X belongs to another A, or A's quota is used (1011005)
	ExtensionTaken     Code = "extension_taken"      // AXE: E is in use, or none is free (1020167)
	NotBound           Code = "not_bound"            // AX: X is the app's, and nobody has it (1011004)
	NumberBound        Code = "number_bound"         // A or B is used on this X already; Param holds the number
	RecordingOff       Code = "recording_off"        // the app may not record
	SMSOff             Code = "sms_off"              // the app has no SMS
	FlowControl        Code = "flow_control"         // too many requests; try again in a minute
	SessionOver        Code = "session_over"         // callStop for a call that has ended
	ReplayedNonce      Code = "replayed_nonce"       // the app forbids a second use of a nonce
	RecordMissing      Code = "record_missing"       // no such recording, or it has been removed
	DisplayNumber      Code = "display_number"       // not a display number of this app (1010023)
	CallerNumber       Code = "caller_number"        // whom click-to-dial calls first cannot be called (1010024)
	CalleeNumber       Code = "callee_number"        // cannot be called (1010025)
	PortsFull          Code = "ports_full"           // all voice ports of the app are in use, and none may wait (1020165)
	TenantTooOften     Code = "tenant_too_often"     // more calls than the tenant may make (1013001)
	AppTooOften        Code = "app_too_often"        // … the app (1013002)
	NumberTooOftenUsed Code = "number_too_often"     // … the display number (1013003)
	NumberOff          Code = "number_off"           // no display number of the app may be used now (1013119)
	InUse              Code = "in_use"               // something live names it (admin API)
	BindingDeadAlready Code = "binding_dead_already" // expired or unbound between two looks
)

// Error is a failure with its code. Param and Detail are shown to the API's caller, so they hold no secret and nothing of another tenant.
type Error struct {
	Code   Code
	Param  string // the offending parameter, by its wire name; or the number in conflict
	Detail string // what is wrong and what would be right
	Err    error  // the cause, for the operator's log only
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Param != "" {
		s += " (" + Mask(e.Param) + ")"
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Fail makes an Error.
func Fail(code Code, param, format string, args ...any) *Error {
	return &Error{Code: code, Param: param, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf gives an error's code: Internal for one that is no Error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
