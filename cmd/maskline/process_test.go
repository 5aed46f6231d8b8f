package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
	"maskline/web/admin"
)

// asCommand makes the test binary the maskline command, so that tests can kill a daemon.
const asCommand = "MASKLINE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// process is a daemon in a process of its own, beside a simulated switch that outlives it.
type process struct {
	*house // without a daemon in this process
	sw     *sim.Switch
	admin  string
	cmd    *exec.Cmd
	ended  chan error
}

func openProcess(t testing.TB, more string) *process {
	t.Helper()
	dir := t.TempDir()
	sw, switches := outside(t)
	port := freePort(t)
	p := &process{house: &house{t: t, config: testConfig(t, dir, more+switches), log: &lockedBuffer{}}, sw: sw, admin: "http://127.0.0.1:" + port}
	p.rewrite(func(text string) string {
		return strings.Replace(text, "admin: '127.0.0.1:0'", "admin: '127.0.0.1:"+port+"'", 1)
	})
	t.Cleanup(func() {
		if p.cmd != nil {
			p.signal(syscall.SIGKILL)
		}
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	return p
}

// rewrite changes the configuration.
func (p *process) rewrite(change func(string) string) {
	p.t.Helper()
	text, err := os.ReadFile(p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.config, []byte(change(string(text))), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// begin starts the daemon and waits until it is ready.
func (p *process) begin() {
	p.t.Helper()
	p.cmd = exec.CommandContext(context.Background(), os.Args[0], "serve", "--config", p.config)
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	p.await("readiness", func() error {
		res, err := http.Get(p.admin + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			return errors.New(string(b))
		}
		return nil
	})
}

// signal sends a signal and waits for the end.
func (p *process) signal(s os.Signal) error {
	_ = p.cmd.Process.Signal(s)
	err := <-p.ended
	p.ended <- err
	return err
}

// open opens the process's database beside it, to fill it.
func (p *process) open() *store.Store {
	p.t.Helper()
	cfg, err := conf.Load(p.config, nil, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	sc, err := daemon.StoreConfig(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	st, err := store.Open(p.t.Context(), sc)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := st.Migrate(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = st.Close() })
	return st
}

// ask is a JSON answer of the process's admin API through the command line.
func (p *process) ask(into any, args ...string) {
	p.t.Helper()
	printed(p.t, into, append(args, "--config", p.config)...)
}

// bind makes n bindings straight in the store, a hundred on a number.
func bind(t testing.TB, st *store.Store, n int) (callers, callees, x []string) {
	t.Helper()
	ctx := t.Context()
	tenant := models.Tenant{Name: "Acme", SpID: "acme"}
	if err := st.CreateTenant(ctx, &tenant); err != nil {
		t.Fatal(err)
	}
	app := models.App{TenantID: tenant.ID, Key: "key", Name: "app", Mode: models.ModeAXB}
	if err := st.CreateApp(ctx, &app, "secret"); err != nil {
		t.Fatal(err)
	}
	const perNumber = 100
	for i := range n {
		number, a, b := fmt.Sprintf("+8617%09d", i/perNumber), fmt.Sprintf("+86138%08d", i), fmt.Sprintf("+86139%08d", i)
		if i%perNumber == 0 {
			if err := st.AddNumbers(ctx, []models.Number{{AppID: app.ID, Number: number, AreaCode: "0755"}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := st.Bind(ctx, store.BindRequest{App: app, Where: store.Where{X: number}, A: models.MustParty(a), B: models.MustParty(b)}); err != nil {
			t.Fatal(err)
		}
		callers, callees, x = append(callers, a), append(callees, b), append(x, number)
	}
	return callers, callees, x
}

// used is the CPU time of the process so far, from /proc: user and system, in ticks of a hundredth of a second.
func (p *process) used() time.Duration {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// resident is the memory that the process holds, bytes.
func (p *process) resident() int64 {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func TestKillNineWhileBRingsAndWhileTheyTalk(t *testing.T) {
	for _, c := range []struct {
		name  string
		phone sim.Phone
		up    bool // killed when they talk, else when B rings
	}{
		{"rings", sim.Phone{Rings: 700 * time.Millisecond, HangsUpAfter: 3 * time.Second}, false},
		{"talk", sim.Phone{HangsUpAfter: 3 * time.Second}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := openProcess(t, "")
			callers, callees, x := bind(t, p.open(), 1)
			p.begin()
			line := p.call(p.sw, callers[0], callees[0], x[0], c.phone, c.up)
			if err := p.signal(syscall.SIGKILL); err == nil {
				t.Fatal("the daemon ended well when it was killed")
			}
			p.await("B's answer without a daemon", func() error {
				if !line.Answered() {
					return fmt.Errorf("%v", line.Ladder())
				}
				return nil
			})
			p.begin()
			<-line.Done()
			var records admin.List[admin.CDR]
			p.await("the record", func() error {
				p.ask(&records, "cdr", "list")
				if records.Total != 1 {
					return fmt.Errorf("%d records", records.Total)
				}
				return nil
			})
			r := records.Items[0]
			if r.AnswerAt == nil || r.State != 0 || r.HungUpBy != 2 || r.Source == "lost" {
				t.Errorf("record: %+v", r)
			}
			var call admin.Call
			p.ask(&call, "call", "show", r.SessionID)
			count := map[string]int{}
			for _, e := range call.Events {
				count[e.Type]++
			}
			for _, kind := range []string{"callin", "callout", "alerting", "answer", "disconnect"} {
				if count[kind] != 1 {
					t.Errorf("%d %s events: %+v", count[kind], kind, call.Events)
				}
			}
		})
	}
}

func TestSIGTERMDrains(t *testing.T) {
	p := openProcess(t, "")
	p.begin()
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	if !strings.Contains(p.log.String(), "daemon has ended") {
		t.Error("it did not drain")
	}
}
