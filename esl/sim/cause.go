package sim

import (
	"strconv"
	"strings"

	"maskline/esl"
)

// codes are FreeSWITCH's causes with their numbers (switch_types.h, switch_call_cause_t).
var codes = map[esl.Cause]int{
	"NONE": 0, "UNALLOCATED_NUMBER": 1, "NO_ROUTE_TRANSIT_NET": 2, "NO_ROUTE_DESTINATION": 3, "CHANNEL_UNACCEPTABLE": 6,
	"CALL_AWARDED_DELIVERED": 7, "NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_USER_RESPONSE": 18, "NO_ANSWER": 19,
	"SUBSCRIBER_ABSENT": 20, "CALL_REJECTED": 21, "NUMBER_CHANGED": 22, "REDIRECTION_TO_NEW_DESTINATION": 23,
	"EXCHANGE_ROUTING_ERROR": 25, "DESTINATION_OUT_OF_ORDER": 27, "INVALID_NUMBER_FORMAT": 28, "FACILITY_REJECTED": 29,
	"RESPONSE_TO_STATUS_ENQUIRY": 30, "NORMAL_UNSPECIFIED": 31, "NORMAL_CIRCUIT_CONGESTION": 34, "NETWORK_OUT_OF_ORDER": 38,
	"NORMAL_TEMPORARY_FAILURE": 41, "SWITCH_CONGESTION": 42, "ACCESS_INFO_DISCARDED": 43, "REQUESTED_CHAN_UNAVAIL": 44, "PRE_EMPTED": 45,
	"FACILITY_NOT_SUBSCRIBED": 50, "OUTGOING_CALL_BARRED": 52, "INCOMING_CALL_BARRED": 54, "BEARERCAPABILITY_NOTAUTH": 57,
	"BEARERCAPABILITY_NOTAVAIL": 58, "SERVICE_UNAVAILABLE": 63, "BEARERCAPABILITY_NOTIMPL": 65, "CHAN_NOT_IMPLEMENTED": 66,
	"FACILITY_NOT_IMPLEMENTED": 69, "SERVICE_NOT_IMPLEMENTED": 79, "INVALID_CALL_REFERENCE": 81, "INCOMPATIBLE_DESTINATION": 88,
	"INVALID_MSG_UNSPECIFIED": 95, "MANDATORY_IE_MISSING": 96, "MESSAGE_TYPE_NONEXIST": 97, "WRONG_MESSAGE": 98, "IE_NONEXIST": 99,
	"INVALID_IE_CONTENTS": 100, "WRONG_CALL_STATE": 101, "RECOVERY_ON_TIMER_EXPIRE": 102, "MANDATORY_IE_LENGTH_ERROR": 103,
	"PROTOCOL_ERROR": 111, "INTERWORKING": 127, "SUCCESS": 142, "ORIGINATOR_CANCEL": 487, "CRASH": 700, "SYSTEM_SHUTDOWN": 701,
	"LOSE_RACE": 702, "MANAGER_REQUEST": 703, "BLIND_TRANSFER": 800, "ATTENDED_TRANSFER": 801, "ALLOTTED_TIMEOUT": 802,
	"USER_CHALLENGE": 803, "MEDIA_TIMEOUT": 804, "PICKED_OFF": 805, "USER_NOT_REGISTERED": 806, "PROGRESS_TIMEOUT": 807,
	"INVALID_GATEWAY": 808, "GATEWAY_DOWN": 809, "INVALID_URL": 810, "INVALID_PROFILE": 811, "NO_PICKUP": 812, "SRTP_READ_ERROR": 813,
	"BOWOUT": 814, "BUSY_EVERYWHERE": 815, "DECLINE": 816, "DOES_NOT_EXIST_ANYWHERE": 817, "NOT_ACCEPTABLE": 818, "UNWANTED": 819,
	"NO_IDENTITY": 820, "BAD_IDENTITY_INFO": 821, "UNSUPPORTED_CERTIFICATE": 822, "INVALID_IDENTITY": 823, "STALE_DATE": 824,
	"REJECT_ALL": 825,
}

// q850 is switch_channel_cause_q850: causes beyond Q.850 are told as normal clearing.
func q850(c esl.Cause) int {
	if n := codes[c]; n <= codes[esl.InterworkingUnspecified] {
		return n
	}
	return codes[esl.NormalClearing]
}

// causeOf is switch_channel_str2cause: a name or a number; NORMAL_CLEARING for what is neither.
func causeOf(s string) esl.Cause {
	name := esl.Cause(strings.ToUpper(s))
	if _, known := codes[name]; known {
		return name
	}
	for c, n := range codes {
		if strconv.Itoa(n) == s {
			return c
		}
	}
	return esl.NormalClearing
}

// toSIP is hangup_cause_to_sip of mod_sofia: the final answer to a caller whose leg was never answered.
func toSIP(c esl.Cause) int {
	switch c {
	case esl.UnallocatedNumber, "NO_ROUTE_TRANSIT_NET", esl.NoRouteDestination:
		return 404
	case esl.UserBusy:
		return 486
	case esl.NoUserResponse:
		return 408
	case esl.CallRejected:
		return 603
	case esl.NumberChanged, "REDIRECTION_TO_NEW_DESTINATION":
		return 410
	case esl.DestinationOutOfOrder, "INVALID_PROFILE":
		return 502
	case esl.InvalidNumberFormat, "INVALID_URL", "INVALID_GATEWAY":
		return 484
	case "FACILITY_REJECTED", "FACILITY_NOT_IMPLEMENTED", "SERVICE_NOT_IMPLEMENTED":
		return 501
	case esl.RequestedChanUnavailable, esl.NormalCircuitCongestion, esl.NetworkOutOfOrder, esl.NormalTemporaryFailure, esl.SwitchCongestion,
		esl.GatewayDown, "BEARERCAPABILITY_NOTAVAIL":
		return 503
	case esl.OutgoingCallBarred, esl.IncomingCallBarred, "BEARERCAPABILITY_NOTAUTH":
		return 403
	case "BEARERCAPABILITY_NOTIMPL", esl.IncompatibleDestination:
		return 488
	case esl.RecoveryOnTimerExpire:
		return 504
	case esl.OriginatorCancel:
		return 487
	case "EXCHANGE_ROUTING_ERROR":
		return 483
	}
	return 480
}

// fromSIP is sofia_glue_sip_cause_to_freeswitch: what a callee's final answer means.
func fromSIP(status int) esl.Cause {
	switch status {
	case 200:
		return esl.NormalClearing
	case 401, 402, 403, 407, 603, 608:
		return esl.CallRejected
	case 404:
		return esl.UnallocatedNumber
	case 485, 604:
		return esl.NoRouteDestination
	case 408, 504:
		return esl.RecoveryOnTimerExpire
	case 410:
		return esl.NumberChanged
	case 413, 414, 416, 420, 421, 423, 505, 513:
		return esl.InterworkingUnspecified
	case 480:
		return esl.NoUserResponse
	case 400, 481, 500, 503:
		return esl.NormalTemporaryFailure
	case 486, 600:
		return esl.UserBusy
	case 484:
		return esl.InvalidNumberFormat
	case 488, 606:
		return esl.IncompatibleDestination
	case 502:
		return esl.NetworkOutOfOrder
	case 405:
		return esl.ServiceUnavailable
	case 406, 415, 501:
		return "SERVICE_NOT_IMPLEMENTED"
	case 482, 483:
		return "EXCHANGE_ROUTING_ERROR"
	case 487:
		return esl.OriginatorCancel
	}
	return esl.NormalUnspecified
}

// reasons are the phrases of SIP's answers.
var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout",
	410: "Gone", 480: "Temporarily Unavailable", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated",
	488: "Not Acceptable Here", 500: "Server Internal Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out",
	603: "Decline",
}
