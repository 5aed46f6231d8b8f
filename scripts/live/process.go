package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

var errShut = errors.New("the run ends")

// start starts a process. Its output goes to the file log.
func (n *nursery) start(name, log, dir string, env []string, program string, args ...string) (*child, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a file of the run's own
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()
	c := &child{name: name, cmd: exec.Command(program, args...), ended: make(chan struct{})} //nolint:gosec,noctx // stopped by the nursery, politely
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
	var wg sync.WaitGroup
	for _, c := range slices.Backward(children) {
		wg.Go(func() { c.stop(syscall.SIGTERM, 8*time.Second) })
	}
	wg.Wait()
}

// stop sends a signal and, when that does not end the process in time, kills it.
func (c *child) stop(sig syscall.Signal, within time.Duration) {
	if c == nil || c.over() {
		return
	}
	_ = c.cmd.Process.Signal(sig)
	select {
	case <-c.ended:
	case <-time.After(within):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

// kill ends the process without a word, as a crash does.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
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

// tailOf gives the end of a file for a failure's text.
func tailOf(path string, n int) string {
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err.Error()
	}
	return tail(b, n)
}
