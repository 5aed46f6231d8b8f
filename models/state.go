package models

// StateCode says how a call ended, in the words of the events and CDRs: stateCode of disconnect and ulFailReason of the CDR, which
// are one list but for the marks below (spec/privatenumber.md §9.2, §9.3).
type StateCode int

// The codes this platform gives.
const (
	Hungup            StateCode = 0    // hung up after answer
	PortsExhausted    StateCode = 522  // the platform's voice ports
	AppMissing        StateCode = 7100 // app information missing
	AppNoNumber       StateCode = 7101
	ServiceError      StateCode = 7102 // internal
	WrongMode         StateCode = 7105
	AccountFrozen     StateCode = 7108
	TenantPortsFull   StateCode = 7109
	CallerLeftEarly   StateCode = 7501 // the caller hung up before the callee rang
	CallerLeft        StateCode = 7502 // … after the callee rang
	CalleeRejected    StateCode = 7503 // the callee hung up or rejected
	CallRefused       StateCode = 7504 // do not disturb, interception
	CallerNetwork     StateCode = 7505 // CDR only
	CalleeNetwork     StateCode = 7506 // CDR only
	NoToneFile        StateCode = 7507
	RoutingFailed     StateCode = 7508 // CDR only
	CallerLeftBefore  StateCode = 7516 // the caller hung up before the transfer
	PromptGone        StateCode = 8006
	PlayFailed        StateCode = 8007
	DurationReached   StateCode = 8010 // maxDuration
	InternalError     StateCode = 8011
	NoBinding         StateCode = 8014 // AXB: no binding, or a number that cannot be read
	RecordingFailed   StateCode = 8015
	DirectionBarred   StateCode = 8016
	StoppedByCustomer StateCode = 8017 // callStop; CDR only
	NoPermission      StateCode = 8018
	Abnormal          StateCode = 8020
	AnswerTimeout     StateCode = 8035 // the platform's own 90 s
	CalleeBarred      StateCode = 7004 // black list
	CallerBarred      StateCode = 7005 // black list
	CollectFailed     StateCode = 8008
	NoTempCallee      StateCode = 8013 // AX: A dials X and has set no temporary callee
	NoCallback        StateCode = 8019 // A dials X and nobody called before
	NoExtensionBound  StateCode = 8022 // AXE: E is bound to nobody, or has expired
	LandlineCaller    StateCode = 8023
	RealCallerBarred  StateCode = 8024 // showing the real caller is not allowed
	NumberUnknown     StateCode = 8025 // AXE: X does not exist
	NoRelation        StateCode = 8030 // AXYB
	NoYNumber         StateCode = 8031 // AXYB: no Y could be allocated during the call
	DialledOwnX       StateCode = 8032 // AXYB: A dials his own X
	ExtensionEmpty    StateCode = 8033
	ForeignCaller     StateCode = 8042
	ForeignCallee     StateCode = 8043
	TalkTimeControl   StateCode = 8044
	ConnectControl    StateCode = 8046
	CallerTooOften    StateCode = 8047
	CalleeTooOften    StateCode = 8048
	NumberTooOften    StateCode = 8049
	PeriodBarred      StateCode = 8050
	NumberBarred      StateCode = 8055 // X may take no calls
	TestDialControl   StateCode = 8056
	DirectionControl  StateCode = 8057
	NotRegistered     StateCode = 8058 // A has not shown who he is; CDR only
	CalleeNotExist    StateCode = 8100
	CalleeNoAnswer    StateCode = 8101 // the carrier's timeout
	CalleeBusy        StateCode = 8102
	CalleeUnreachable StateCode = 8103
	CalleePoweredOff  StateCode = 8104
	CalleeOutOfOrder  StateCode = 8105
	// Of placed calls (spec/voicecall.md §9.2).
	NoDigits           StateCode = 100  // CDR only: nothing was keyed in time
	PlacedInternal     StateCode = 8000 // internal error, as 8011 of the other product
	TenantTooManyCalls StateCode = 7001 // in the queue: more calls than the tenant may make
	AppTooManyCalls    StateCode = 7002
	NumberTooManyCalls StateCode = 7003
	NotConnected       StateCode = 8001 // line or carrier
	RingTimeout        StateCode = 8003
	LeftWhileRinging   StateCode = 8004
	SpeechFailed       StateCode = 8005
	CallerLeftUnjoined StateCode = 8009 // leg 1 hung up before leg 2 answered
	// 8100 to 8105 of leg 1 in click-to-dial.
	FirstNotExist    StateCode = 8106
	FirstNoAnswer    StateCode = 8107
	FirstBusy        StateCode = 8108
	FirstUnreachable StateCode = 8109
	FirstPoweredOff  StateCode = 8110
	FirstRejected    StateCode = 8111
)

var stateTexts = map[StateCode]string{
	Hungup:            "The user releases the call.",
	PortsExhausted:    "The platform voice ports are exhausted.",
	AppMissing:        "The app information is missing.",
	AppNoNumber:       "The app has no private number.",
	ServiceError:      "Internal service error.",
	WrongMode:         "The service type does not match.",
	AccountFrozen:     "The account is frozen.",
	TenantPortsFull:   "The voice ports of the account are exhausted.",
	CallerLeftEarly:   "The caller hung up before the callee rang.",
	CallerLeft:        "The caller hung up while the callee rang.",
	CalleeRejected:    "The callee rejected the call.",
	CallRefused:       "The call is rejected.",
	CallerNetwork:     "The network of the caller is abnormal.",
	CalleeNetwork:     "The network of the callee is abnormal.",
	NoToneFile:        "There is no tone file.",
	RoutingFailed:     "The call cannot be routed.",
	CallerLeftBefore:  "The caller hung up before the transfer.",
	PromptGone:        "The tone file does not exist.",
	PlayFailed:        "Playing the tone failed.",
	DurationReached:   "The maximum call duration is reached.",
	InternalError:     "Internal error.",
	PlacedInternal:    "Internal error.",
	NoBinding:         "The number is not bound.",
	RecordingFailed:   "Recording failed.",
	DirectionBarred:   "The call direction is not allowed.",
	StoppedByCustomer: "The call is released on instruction.",
	NoPermission:      "The number has no service permission.",
	Abnormal:          "The service is abnormal.",
	AnswerTimeout:     "The callee did not answer in time.",
	CalleeBarred:      "The callee is in the blacklist.",
	CallerBarred:      "The caller is in the blacklist.",
	CollectFailed:     "Collecting digits failed.",
	NoTempCallee:      "There is no temporary callee.",
	NoCallback:        "There is nobody to call back.",
	NoExtensionBound:  "The extension is not bound.",
	LandlineCaller:    "The fixnum cannot be caller.",
	RealCallerBarred:  "Showing the real caller is not allowed.",
	NumberUnknown:     "The private number does not exist.",
	NoRelation:        "The number is not bound.",
	NoYNumber:         "No number could be allocated.",
	DialledOwnX:       "The user dialled the own private number.",
	ExtensionEmpty:    "No extension was entered.",
	ForeignCaller:     "International incoming calls are restricted.",
	ForeignCallee:     "International outgoing calls are restricted.",
	TalkTimeControl:   "The talk time is abnormal.",
	ConnectControl:    "The connection rate is abnormal.",
	CallerTooOften:    "The caller calls too often.",
	CalleeTooOften:    "The callee is called too often.",
	NumberTooOften:    "The private number is called too often.",
	PeriodBarred:      "Calls are not allowed at this time.",
	TestDialControl:   "Test calls are restricted.",
	DirectionControl:  "The call direction is restricted.",
	NumberBarred:      "The private number is not usable.",
	NotRegistered:     "The user is not registered with the real name.",
	CalleeNotExist:    "The called number does not exist.",
	CalleeNoAnswer:    "The callee does not answer.",
	CalleeBusy:        "The callee is busy.",
	CalleeUnreachable: "The callee is temporarily unreachable.",
	CalleePoweredOff:  "The callee is powered off.",
	CalleeOutOfOrder:  "The callee is out of service.",

	NoDigits:           "Collecting digits failed.",
	TenantTooManyCalls: "The calls of the account exceed the limit.",
	AppTooManyCalls:    "The calls of the app exceed the limit.",
	NumberTooManyCalls: "The calls of the display number exceed the limit.",
	NotConnected:       "The call cannot be connected.",
	RingTimeout:        "The ringing timed out.",
	LeftWhileRinging:   "The call was refused while ringing.",
	SpeechFailed:       "Speech synthesis failed.",
	CallerLeftUnjoined: "The caller hung up before the call was connected.",
	FirstNotExist:      "The caller number does not exist.",
	FirstNoAnswer:      "The caller does not answer.",
	FirstBusy:          "The caller is busy.",
	FirstUnreachable:   "The caller is temporarily unreachable.",
	FirstPoweredOff:    "The caller is powered off.",
	FirstRejected:      "The caller rejected the call.",
}

// Text is stateDesc: a sentence that names no number.
func (c StateCode) Text() string {
	if s, ok := stateTexts[c]; ok {
		return s
	}
	return "The call ended."
}

// cdrOnly are the codes that stand in ulFailReason alone; a disconnect event says what its list has instead (spec §9.2).
var cdrOnly = map[StateCode]StateCode{
	CallerNetwork:     Abnormal,
	CalleeNetwork:     CalleeUnreachable,
	RoutingFailed:     Abnormal,
	StoppedByCustomer: Hungup,
	NotRegistered:     NoPermission,
}

// ForEvent is the code as a disconnect event may say it.
func (c StateCode) ForEvent() StateCode {
	if e, ok := cdrOnly[c]; ok {
		return e
	}
	return c
}
