package sim

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
)

// placing is a switch with a client that has it place calls.
type placing struct {
	*client
	*Switch
}

func place(t *testing.T, o Options, test func(p *placing)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &placing{Switch: New(o)}
		defer func() { _ = p.Close() }()
		p.client = dialSwitch(t, p.Switch)
		test(p)
	})
}

// originate sends `bgapi originate` with a Job-UUID.
func (p *placing) originate(job, args string) { p.do("bgapi originate %s\nJob-UUID: %s", args, job) }

// answer waits for a job's answer.
func (p *placing) answer(job string) string {
	p.t.Helper()
	return strings.TrimSpace(p.wait("BACKGROUND_JOB", "Job-UUID", job).Body())
}

const (
	toA = "'{maskline_role=a,ignore_early_media=true,continue_on_fail=true,ringback=/wait.wav}[origination_uuid=a1,leg_timeout=20]sofia/gateway/t1/138001'"
	toB = "[origination_uuid=b1,leg_timeout=20]sofia/gateway/t2/139002"
)

// What A hears while B is called, as conf/freeswitch/README.md has it.
func TestPlacedCallHearsTheRingTone(t *testing.T) {
	for name, tt := range map[string]struct {
		b    Phone
		vars string
		want []string
	}{
		"at once":                 {Phone{Silent: true, Rings: time.Second}, "instant_ringback=true,ignore_early_media=false", []string{"ringback /wait.wav"}},
		"with the 180":            {Phone{Rings: time.Second}, "ignore_early_media=false", []string{"ringback /wait.wav"}},
		"nothing from a silent B": {Phone{Silent: true, Rings: time.Second}, "ignore_early_media=false", nil},
		"early media":             {Phone{EarlyMedia: true, Rings: time.Second}, "ignore_early_media=false", nil},
		"early media ignored":     {Phone{EarlyMedia: true, Rings: time.Second}, "ignore_early_media=true", []string{"ringback /wait.wav"}},
		"ignored since A's leg says so": {
			Phone{EarlyMedia: true, Rings: time.Second}, "x=y", []string{"ringback /wait.wav"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			place(t, Options{}, func(p *placing) {
				p.SetPhone(Phone{Number: "138001"})
				tt.b.Number, tt.b.HangsUpAfter = "139002", time.Second
				p.SetPhone(tt.b)
				p.originate("j1", toA+" 'm:;:bridge:{"+tt.vars+"}"+toB+"' inline")
				p.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", "a1")
				var heard []string
				for _, m := range p.Rang("138001")[0].Heard() {
					if m.What == "ringback" {
						heard = append(heard, m.String())
					}
				}
				if !slices.Equal(heard, tt.want) {
					t.Errorf("A heard %q, want %q", heard, tt.want)
				}
			})
		})
	}
}

// Replies are keyed after the prompts that they belong to.
func TestReplies(t *testing.T) {
	place(t, Options{}, func(p *placing) {
		p.SetPhone(Phone{Number: "138001", Replies: []Reply{
			{Prompt: "menu", Keys: "7", After: time.Second}, {Prompt: "menu"}, {Prompt: "menu", Keys: "12", After: time.Second},
		}})
		read := "playback:/menu.wav;read:1 2 silence got 3000 none 1000;"
		p.originate("j1", toA+" 'm:;:"+read+read+read+"playback:/bye.wav' inline")
		p.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", "a1")
		var got []string
		for _, e := range p.events {
			if e.Name() == "CHANNEL_EXECUTE_COMPLETE" && e.Get("Application") == "read" {
				got = append(got, e.Get("variable_got")+" "+e.Get("variable_read_result"))
			}
		}
		if want := []string{"7 timeout", " failure", "12 success"}; !slices.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
	})
}

func TestOriginateAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		args, want string
	}{
		"no script":        {"sofia/gateway/t1/138001", "-USAGE"},
		"one application":  {"[origination_uuid=a1]sofia/gateway/t1/138001 &park", "+OK a1"},
		"with an argument": {"'[origination_uuid=a1]sofia/gateway/t1/138001' '&playback(/a b.wav)'", "+OK a1"},
		"no dialplan":      {"[origination_uuid=a1]sofia/gateway/t1/138001 1234", "+OK a1"},
		"not dialled":      {"{x sofia/gateway/t1/138001 &park", "-ERR DESTINATION_OUT_OF_ORDER"},
		"nobody":           {"sofia/gateway/t1/999 &park", "-ERR UNALLOCATED_NUMBER"},
		"no sign of life":  {"[leg_progress_timeout=3]sofia/gateway/t1/138002|[origination_uuid=a2]sofia/gateway/t2/138001 &park", "+OK a2"},
		"never answered":   {"{originate_timeout=5}sofia/gateway/t1/138002 &park", "-ERR ALLOTTED_TIMEOUT"},
	} {
		t.Run(name, func(t *testing.T) {
			place(t, Options{}, func(p *placing) {
				p.SetPhone(Phone{Number: "138001"})
				p.SetPhone(Phone{Number: "138002", Silent: true, NoAnswer: true})
				p.originate("j1", tt.args)
				if got := p.answer("j1"); !strings.HasPrefix(got, tt.want) {
					t.Errorf("answered %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// A restart ends the dialling without a word: no answer comes, and nobody else is rung.
func TestRestartEndsThePlacing(t *testing.T) {
	place(t, Options{}, func(p *placing) {
		p.SetPhone(Phone{Number: "138001", NoAnswer: true})
		p.SetPhone(Phone{Number: "138002"})
		p.originate("j1", "[leg_timeout=5]sofia/gateway/t1/138001|sofia/gateway/t1/138002 &park")
		time.Sleep(time.Second)
		p.Restart()
		again := dialSwitch(p.t, p.Switch)
		time.Sleep(time.Minute)
		again.do("api status") // and with it whatever came before the answer
		for _, e := range again.events {
			if e.Name() != "HEARTBEAT" {
				t.Errorf("%s came", e.Name())
			}
		}
		if n := p.Channels() + len(p.Rang("138002")); n != 0 {
			t.Errorf("%d legs", n)
		}
	})
}

// Closing the switch ends the dialling too.
func TestCloseEndsThePlacing(t *testing.T) {
	place(t, Options{}, func(p *placing) {
		p.SetPhone(Phone{Number: "138001", NoAnswer: true})
		p.originate("j1", "sofia/gateway/t1/138001 &park")
		time.Sleep(time.Second)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The leg turns its numbers round when its script begins: the party itself becomes the caller.
func TestPlacedLegTurnsItsNumbersRound(t *testing.T) {
	place(t, Options{}, func(p *placing) {
		p.SetPhone(Phone{Number: "138001"})
		p.originate("j1", "{origination_caller_id_number=4001,origination_caller_id_name=4001}[origination_uuid=a1]sofia/gateway/t1/138001 &playback(/x.wav)")
		before := p.wait("CHANNEL_ANSWER", "Unique-ID", "a1")
		after := p.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", "a1")
		if a, b := before.Get("Caller-Caller-ID-Number"), after.Get("Caller-Caller-ID-Number"); a != "4001" || b != "138001" {
			t.Errorf("caller %q, then %q", a, b)
		}
		if got := esl.Cause(after.Get("Hangup-Cause")); got != esl.NormalClearing {
			t.Errorf("cause %s", got)
		}
		if shown := p.Rang("138001")[0].Shown; shown != "4001" {
			t.Errorf("A sees %s", shown)
		}
	})
}
