package esltest

// cases are all cases of the suite.
var cases = []struct {
	name string
	run  func(b *bench)
}{
	{"park and claim", parkAndClaim},
	{"unclaimed is refused after 10 s", unclaimed},
	{"two claims, one wins", twoClaims},
	{"a prompt as early media, then the final error", promptThenError},
	{"a bridge that is answered; A hangs up", answered},
	{"B hangs up", calleeHangsUp},
	{"early media of B", earlyMedia},
	{"a limit set on the answer ends the call", limit},
	{"busy after ringing", busy},
	{"a busy prompt after busy", busyPrompt},
	{"no answer", noAnswer},
	{"not found", notFound},
	{"unavailable and rejected", refusals},
	{"the second endpoint", failover},
	{"an unknown gateway", unknownGateway},
	{"A cancels while B rings", cancels},
	{"the switch ends a ringing call", killedWhileRinging},
	{"an unknown application", unknownApplication},
	{"a file that is not there", missingFile},
	{"commands to a leg that is gone", gone},
	{"variables are read back", variables},
	{"break", breaks},
	{"an application during the ringing", duringRinging},
	{"resync finds a live call", resync},
	{"resync finds an unclaimed call", resyncUnclaimed},
	{"recording", recording},
	{"hint tone and last minute", broadcast},
	{"the ring tone at once", instantRingback},
	{"the ring tone with B's ringing", ringback},
	{"busy after early media", busyAfterEarlyMedia},
	{"a redirect", redirect},
	{"A gives up during a prompt", givesUp},
	{"a stranger", stranger},
}
