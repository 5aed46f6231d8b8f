package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// nursery knows every process that the run has started and ends each by its own pid.
type nursery struct {
	mu       sync.Mutex
	shut     bool
	children []*child
}

// child is a process in a group of its own, so that a Ctrl-C reaches it only through us.
type child struct {
	name, log string
	cmd       *exec.Cmd
	ended     chan struct{} // closed when it has ended
}

var errShut = errors.New("the run ends")

// start starts a process in dir. Its output goes to the file dir/name.log.
func (n *nursery) start(name, dir string, env []string, program string, args ...string) (*child, error) {
	log := filepath.Join(dir, name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a file of the run's own
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()
	c := &child{name: name, log: log, cmd: exec.Command(program, args...), ended: make(chan struct{})} //nolint:gosec,noctx // stopped by the nursery, politely
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.Dir, c.cmd.Env = out, out, dir, append(os.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shut {
		return nil, fmt.Errorf("start %s: %w", name, errShut)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	n.children = append(n.children, c)
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait()
	}()
	return c, nil
}

// end ends whatever still runs, last started first.
func (n *nursery) end() {
	n.mu.Lock()
	n.shut = true
	children := n.children
	n.mu.Unlock()
	for _, c := range slices.Backward(children) {
		c.stop(10 * time.Second)
	}
}

// stop asks the process to end and, when it does not in time, kills it.
func (c *child) stop(within time.Duration) {
	if c == nil || c.over() {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(within):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

func (c *child) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// code is the exit code of a process that has ended; -1 for one that runs or was killed.
func (c *child) code() int {
	if !c.over() {
		return -1
	}
	return c.cmd.ProcessState.ExitCode()
}

// said is the end of what it printed, for a failure's text.
func (c *child) said() string {
	b, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-500):]))
}

// tick is the unit of /proc/PID/stat, USER_HZ, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpu is what the process has used so far, in user and kernel mode, threads that have ended included.
func (c *child) cpu() (time.Duration, error) {
	if c == nil {
		return 0, nil
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("CPU of %s: %w", c.name, err)
	}
	used, err := cpuOf(string(b))
	if err != nil {
		return 0, fmt.Errorf("CPU of %s: %w", c.name, err)
	}
	return used, nil
}

// cpuOf reads utime and stime, the 14th and 15th field; the second, a name in brackets, may hold anything.
func cpuOf(stat string) (time.Duration, error) {
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("only %d fields in its stat", len(f)+2)
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("utime: %w", err)
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stime: %w", err)
	}
	return time.Duration(user+system) * tick, nil
}

// ports gives out ports on loopback that nobody uses, none twice.
type ports struct{ next int }

// The range lies below the one from which the kernel takes ports for clients, and away from that of `make live`.
const firstPort, lastPort = 18000, 20000

// take gives an even port, free with the three that follow it.
func (p *ports) take() (int, error) {
	for p.next = max(p.next, firstPort); p.next < lastPort; {
		port := p.next
		p.next += 4
		if free(port) && free(port+1) && free(port+2) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", firstPort, lastPort)
}

// free tries a port, udp and tcp.
func free(port int) bool {
	addr := "127.0.0.1:" + strconv.Itoa(port)
	u, err := net.ListenPacket("udp", addr) //nolint:noctx // at once
	if err != nil {
		return false
	}
	defer func() { _ = u.Close() }()
	t, err := net.Listen("tcp", addr) //nolint:noctx // at once
	if err != nil {
		return false
	}
	return t.Close() == nil
}
