package api

import (
	"net/http"

	"maskline/models"
)

// voiceResults says failures in the words of VoiceCall (spec/voicecall.md §9.1); what has no row is called as domainResults has it. Two
// resultcodes mean something else than there: 1010010 is flow control and no wrong digest, 1010023 a wrong display number and no flow control.
//
// For a wrong digest the fact sheet names two codes. This is 1020176, whose text is about that alone; 1023006 stays what its text says, a
// missing header.
var voiceResults = map[models.Code]result{
	wrongDigest:               {http.StatusForbidden, "1020176", "Authentication failed."},
	wrongAddress:              {http.StatusForbidden, "1020166", "The app client ip is not in ip white list."},
	models.FlowControl:        {http.StatusForbidden, "1010010", "The flow control upper limit is reached on the platform."},
	models.NotFound:           {http.StatusForbidden, invalidRequest, "Invalid request."}, // of what a parameter names, such as a template
	models.DisplayNumber:      {http.StatusForbidden, "1010023", "Display number invalid."},
	models.CallerNumber:       {http.StatusForbidden, "1010024", "Invalid caller number."},
	models.CalleeNumber:       {http.StatusForbidden, "1010025", "Invalid callee number."},
	models.NumberNotOwned:     {http.StatusForbidden, "1012006", "The service number is not applied."},
	models.RecordingOff:       {http.StatusForbidden, "1012012", "Application does not open recording function."},
	models.TenantTooOften:     {http.StatusForbidden, "1013001", "Calls exceed the SP limit."},
	models.AppTooOften:        {http.StatusForbidden, "1013002", "Calls exceed the APP limit."},
	models.NumberTooOftenUsed: {http.StatusForbidden, "1013003", "Calls exceed the display number limit."},
	models.NumberOff:          {http.StatusForbidden, "1013119", "Service number suspend."},
	models.RecordMissing:      {http.StatusForbidden, "1016002", "The record does not exist."},
	models.SessionOver:        {http.StatusForbidden, "1020152", "Invalid sessionId."},
	models.PortsFull:          {http.StatusForbidden, "1020165", "The appkey call port of using exceeds the limited."},
}
