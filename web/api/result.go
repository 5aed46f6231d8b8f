package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"maskline/models"
)

// result is a refusal as the wire has it: the HTTP status, resultcode and resultdesc.
type result struct {
	status     int
	code, desc string
}

func (r result) body() []byte {
	return encode(struct {
		Code string `json:"resultcode"`
		Desc string `json:"resultdesc"`
	}{r.code, r.desc})
}

// The refusals that are the same on every interface (spec/privatenumber.md §9.1; wrong method: spec/voicecall.md §0).
var (
	internalError = result{http.StatusInternalServerError, "1010001", "Internal system error."}
	invalidAPI    = result{http.StatusMethodNotAllowed, "1010006", "Invalid Rest API."}
)

// What the door refuses by itself. These stand in the tables beside the domain's failures, since the two products call them otherwise.
const (
	wrongDigest  models.Code = "wrong_digest"
	wrongTime    models.Code = "wrong_time"    // Created is too far from now
	wrongAddress models.Code = "wrong_address" // not on the app's list
	addressHeld  models.Code = "address_held"  // too many failures came from it
)

// domainResults says each failure in the words that most interfaces share, which are AXB's (spec/privatenumber.md §9.1). What a mode
// calls otherwise stands with its surface (endpoints.go). What some rows leave open, resultOf adds.
var domainResults = map[models.Code]result{
	wrongDigest:               {http.StatusUnauthorized, "1010010", "Invalid digest."},
	wrongTime:                 {http.StatusUnauthorized, "1010013", "Time out limit."},
	wrongAddress:              {http.StatusForbidden, "1020166", "The peer app client ip is not in ip white list."},
	addressHeld:               {http.StatusForbidden, "1020176", "Authentication failed, try again later."},
	models.Internal:           internalError,
	models.Invalid:            {http.StatusForbidden, invalidRequest, "Invalid request."},
	models.PromptMissing:      {http.StatusForbidden, invalidRequest, "Invalid request."},
	models.ReplayedNonce:      {http.StatusForbidden, invalidRequest, "Invalid request."},
	models.UnknownApp:         {http.StatusForbidden, "1010003", "Invalid app_key."},
	models.AppUnavailable:     {http.StatusForbidden, "1010008", "The status of the app_key is unavailable."},
	models.TenantFrozen:       {http.StatusForbidden, "1010029", "The subscriber status is frozen."},
	models.ModeMismatch:       {http.StatusForbidden, "1010040", "The app_key is not allowed to invoke the API."},
	models.FlowControl:        {http.StatusForbidden, "1010023", "The flow control upper limit is reached on the platform, try again in one minute."},
	models.NumberNotOwned:     {http.StatusForbidden, "1012001", "Resource of number is not to be applied."},
	models.NotFound:           {http.StatusForbidden, "1012007", "The record does not exist."},
	models.RecordMissing:      {http.StatusForbidden, "1012007", "The record does not exist."},
	models.BindingDeadAlready: {http.StatusForbidden, "1012007", "The record does not exist."},
	models.NoNumber:           {http.StatusForbidden, "1012008", "Insufficient number of resources."},
	models.NumberBound:        {http.StatusForbidden, "1012010", "The relation number has been bound."},
	models.RecordingOff:       {http.StatusForbidden, "1012012", "The application does not open recording function."},
	models.NumberAbnormal:     {http.StatusForbidden, "1012102", "The number status is abnormal."},
	models.SMSOff:             {http.StatusForbidden, "1020179", "Application does not enable sms function."},
}

// resultOf says an error on the wire, in a surface's own words where it has some. What no row knows is internal, and the caller is told no
// more than that.
func resultOf(err error, own map[models.Code]result) result {
	fail, ok := errors.AsType[*models.Error](err)
	if !ok {
		return internalError
	}
	r, ok := own[fail.Code]
	if !ok {
		r, ok = domainResults[fail.Code]
	}
	if !ok {
		return internalError
	}
	switch {
	case r.code == invalidRequest || saysMore[fail.Code]:
		r.desc = clipDesc(r.desc + sentence(fail))
	case fail.Code == models.NumberBound && fail.Param != "":
		r.desc = "The number " + fail.Param + " has been bound."
	}
	return r
}

// invalidRequest is the resultcode of which the sentence behind "Invalid request." is all that helps.
const invalidRequest = "1010002"

// saysMore are failures with a resultcode of their own that more than one parameter may cause: the answer names it.
var saysMore = map[models.Code]bool{models.DisplayNumber: true, models.CallerNumber: true, models.CalleeNumber: true}

// clipDesc keeps a resultdesc to its 128 characters (spec/voicecall.md §2).
func clipDesc(s string) string {
	if runes := []rune(s); len(runes) > 128 {
		return string(runes[:127]) + "…"
	}
	return s
}

// sentence is what follows "Invalid request.": it names the parameter and what is wrong with it, as in "lastMinVoice.wav does not
// exist." (spec/privatenumber.md §6).
func sentence(fail *models.Error) string {
	s := fail.Detail
	switch {
	case s == "":
		s = fail.Param
	case fail.Param != "" && !strings.Contains(s, fail.Param):
		s = fail.Param + ": " + s
	}
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// The refusals of the two headers, by scheme (spec/privatenumber.md §1.3). AKSK's code for its missing scheme token and for a malformed
// Created is not known for certain; 1023039 follows the others.
type headerFault int

const (
	noScheme headerFault = iota
	noHeader
	noToken
	noUsername
	noNonce
	noCreated
	noDigest
	badCreated
)

var akskFaults = map[headerFault]result{
	noScheme:   badHeader("1023039", "AKSK not contained in Authorization."),
	noHeader:   badHeader("1023033", "HTTP header not found X-AKSK field."),
	noUsername: badHeader("1023034", "UserName not contained in X-AKSK."),
	noNonce:    badHeader("1023035", "Nonce not contained in X-AKSK."),
	noCreated:  badHeader("1023036", "Created not contained in X-AKSK."),
	noDigest:   badHeader("1023037", "PasswordDigest not contained in X-AKSK."),
	noToken:    badHeader("1023038", "UsernameToken not contained in X-AKSK."),
	badCreated: badHeader("1023039", "The format of Created in X-AKSK is Incorrect."),
}

var wsseFaults = map[headerFault]result{
	noScheme:   badHeader("1023013", "WSSE not contained in Authorization."),
	noHeader:   badHeader("1023026", "X-WSSE not contained in the HTTP header."),
	noUsername: badHeader("1023027", "Username not contained in X-WSSE."),
	noNonce:    badHeader("1023028", "Nonce not contained in X-WSSE."),
	noCreated:  badHeader("1023029", "Created not contained in X-WSSE."),
	noDigest:   badHeader("1023030", "PasswordDigest not contained in X-WSSE."),
	badCreated: badHeader("1023031", "The format of Created in X-WSSE is Incorrect."),
	noToken:    badHeader("1023032", "UsernameToken not contained in X-WSSE."),
}

// The refusals of Authorization that both schemes share.
var (
	noAuthorization = badHeader("1023006", "Authorization not contained in the HTTP header.")
	noRealm         = badHeader("1023007", "realm not contained in Authorization.")
	noProfile       = badHeader("1023008", "profile not contained in Authorization.")
	wrongRealm      = badHeader("1023009", "The value of realm in Authorization must be SDP.")
	wrongProfile    = badHeader("1023010", "The value of profile in Authorization must be UsernameToken.")
	wrongType       = badHeader("1023011", "The value of type in Authorization must be app_key.")
	noType          = badHeader("1023012", "type not contained in Authorization.")
)

func badHeader(code, desc string) result { return result{http.StatusBadRequest, code, desc} }

// encode is v as JSON with &, < and > as they are. The types that come here always encode.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return internalError.body()
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
