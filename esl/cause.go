package esl

// Cause is a hang-up cause by FreeSWITCH's name (switch_types.h, switch_call_cause_t).
type Cause string

// The causes we give or look at by name.
const (
	CauseNone                Cause = ""
	UnallocatedNumber        Cause = "UNALLOCATED_NUMBER"
	NormalClearing           Cause = "NORMAL_CLEARING"
	UserBusy                 Cause = "USER_BUSY"
	NoUserResponse           Cause = "NO_USER_RESPONSE"
	NoAnswer                 Cause = "NO_ANSWER"
	SubscriberAbsent         Cause = "SUBSCRIBER_ABSENT"
	CallRejected             Cause = "CALL_REJECTED"
	DestinationOutOfOrder    Cause = "DESTINATION_OUT_OF_ORDER"
	NormalTemporaryFailure   Cause = "NORMAL_TEMPORARY_FAILURE"
	NormalUnspecified        Cause = "NORMAL_UNSPECIFIED"
	RecoveryOnTimerExpire    Cause = "RECOVERY_ON_TIMER_EXPIRE"
	ServiceUnavailable       Cause = "SERVICE_UNAVAILABLE"
	OriginatorCancel         Cause = "ORIGINATOR_CANCEL"
	LoseRace                 Cause = "LOSE_RACE"
	AllottedTimeout          Cause = "ALLOTTED_TIMEOUT"
	ManagerRequest           Cause = "MANAGER_REQUEST"
	ProgressTimeout          Cause = "PROGRESS_TIMEOUT"
	OutgoingCallBarred       Cause = "OUTGOING_CALL_BARRED"
	IncomingCallBarred       Cause = "INCOMING_CALL_BARRED"
	NoRouteDestination       Cause = "NO_ROUTE_DESTINATION"
	SwitchCongestion         Cause = "SWITCH_CONGESTION"
	InvalidNumberFormat      Cause = "INVALID_NUMBER_FORMAT"
	UserNotRegistered        Cause = "USER_NOT_REGISTERED"
	GatewayDown              Cause = "GATEWAY_DOWN"
	NetworkOutOfOrder        Cause = "NETWORK_OUT_OF_ORDER"
	NormalCircuitCongestion  Cause = "NORMAL_CIRCUIT_CONGESTION"
	MandatoryIEMissing       Cause = "MANDATORY_IE_MISSING"
	IncompatibleDestination  Cause = "INCOMPATIBLE_DESTINATION"
	NumberChanged            Cause = "NUMBER_CHANGED"
	InterworkingUnspecified  Cause = "INTERWORKING"
	RequestedChanUnavailable Cause = "REQUESTED_CHAN_UNAVAIL"
)

var byQ850 = map[int]Cause{
	1: UnallocatedNumber, 3: NoRouteDestination, 16: NormalClearing, 17: UserBusy, 18: NoUserResponse, 19: NoAnswer, 20: SubscriberAbsent,
	21: CallRejected, 22: NumberChanged, 27: DestinationOutOfOrder, 28: InvalidNumberFormat, 31: NormalUnspecified, 34: NormalCircuitCongestion,
	38: NetworkOutOfOrder, 41: NormalTemporaryFailure, 42: SwitchCongestion, 44: RequestedChanUnavailable, 52: OutgoingCallBarred,
	54: IncomingCallBarred, 88: IncompatibleDestination, 96: MandatoryIEMissing, 102: RecoveryOnTimerExpire, 127: InterworkingUnspecified,
}

// CauseOf is the cause with a Q.850 number; NormalTemporaryFailure for a number that has no cause of its own here.
func CauseOf(q850 int) Cause {
	if c, ok := byQ850[q850]; ok {
		return c
	}
	return NormalTemporaryFailure
}

// Q850 is the cause's number, 0 for one that has none here.
func (c Cause) Q850() int { return q850[c] }

var q850 = func() map[Cause]int {
	m := make(map[Cause]int, len(byQ850))
	for n, c := range byQ850 {
		m[c] = n
	}
	return m
}()
