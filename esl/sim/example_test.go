package sim_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"maskline/esl"
	"maskline/esl/freeswitch"
	"maskline/esl/sim"
)

// flow is the smallest thing that can carry a call: it claims what arrives, bridges it and lets go.
type flow struct{ done chan error }

func (f flow) Arrived(c esl.Call, _ esl.Event) {
	go func() {
		defer c.Close()
		ctx := context.Background()
		if err := c.Claim(ctx); err != nil {
			f.done <- err
			return
		}
		_, err := c.Bridge(ctx, c.ID(), esl.Dial{
			Vars:      []esl.Var{{Name: "origination_caller_id_number", Value: "8617000000001"}, {Name: "origination_caller_id_name", Value: "8617000000001"}},
			Endpoints: []esl.Endpoint{{Gateway: "carrier-a", Number: "8613900000002", Timeout: 90 * time.Second}},
		})
		f.done <- err
	}()
}
func (flow) Found(esl.Call, []esl.Event) {}
func (flow) Synced([]string)             {}
func (flow) Stranger(esl.Event)          {}
func (flow) Stray(esl.Event)             {}
func (flow) Restarted(string)            {}

// A callee rings for a moment, answers and hangs up; the flow is the program under test, connected by the one adapter.
func Example() {
	var sw sim.Switch
	defer func() { _ = sw.Close() }()
	sw.SetPhone(sim.Phone{Number: "8613900000002", Rings: 10 * time.Millisecond, HangsUpAfter: 10 * time.Millisecond})

	ctx, cancel := context.WithCancel(context.Background())
	f, stopped := flow{make(chan error, 1)}, make(chan struct{})
	adapter := freeswitch.New(freeswitch.Options{
		Name: "sim", Password: "ClueCon", Dial: func(context.Context) (net.Conn, error) { return sw.Dial() },
	})
	go func() {
		defer close(stopped)
		_ = adapter.Run(ctx, f)
	}()

	caller, err := sw.Call(sim.Caller{From: "8613800000001", To: "8617000000001"})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println("flow:", <-f.done)
	_ = caller.Wait(ctx)
	for _, heard := range caller.Ladder() {
		fmt.Println("caller:", heard)
	}
	fmt.Println("callee saw", sw.Rang("8613900000002")[0].Shown)
	cancel()
	<-stopped
	// Output:
	// flow: <nil>
	// caller: 180 Ringing
	// caller: 200 OK
	// caller: BYE NORMAL_CLEARING
	// callee saw 8617000000001
}
