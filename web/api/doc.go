// Package api is the tenant API on the wire of Huawei Cloud PrivateNumber and VoiceCall: authentication, the bindings of each mode, requests for
// calls of our own, the stop of calls and recordings (spec/privatenumber.md §0, §1, §2, §5, §9.1; spec/voicecall.md §0 to §5, §9.1).
//
// It may assume a store whose operations are atomic and whose answers carry models.Error; what such an error looks like on the wire
// stands in result.go, and where a mode calls it otherwise, with that mode's surface (endpoints.go). It keeps no truth of its own: the
// failures of a source address and the rate of an app live in memory and may be lost. It starts no goroutine; those of the requests belong to
// the server (web/serve).
package api
