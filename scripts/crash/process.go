package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is one program that the run starts, kills and starts again. Its goroutine is the waiter of the child that runs.
type process struct {
	name    string
	log     string // a file that all its lives append to
	dir     string
	program string
	args    []string
	env     []string

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
}

// start begins a life of the process.
func (p *process) start() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(p.program, p.args...) //nolint:gosec,noctx // ended by kill and stop
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.Env = out, out, p.dir, append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.ended = cmd, ended
	p.mu.Unlock()
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	return nil
}

// signal sends a signal to the life that runs.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s)
	}
}

// kill ends it as a crash does, and waits until it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	p.await(10 * time.Second)
}

// stop ends it politely, and by force after a while.
func (p *process) stop(within time.Duration) {
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	if !p.await(within) {
		p.kill()
	}
}

// await waits for the end of the life that runs, and tells whether it came.
func (p *process) await(d time.Duration) bool {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// up tells whether a life runs.
func (p *process) up() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		return false
	default:
		return p.cmd != nil
	}
}

// tail is the end of its log, for a failure's text.
func (p *process) tail(n int) string {
	b, err := os.ReadFile(filepath.Clean(p.log))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-n):])
}

// Below the range from which the kernel takes ports for clients (32768 on), so that nobody gets the port of a process that is being restarted.
const firstPort, lastPort = 18100, 23900

// ports gives out ports that nobody uses, none twice.
type ports struct{ next int }

func (p *ports) take() (int, error) {
	if p.next == 0 {
		p.next = firstPort + os.Getpid()%1000
	}
	for p.next < lastPort {
		p.next++
		l, err := net.Listen("tcp", addr(p.next)) //nolint:noctx // at once
		if err == nil {
			return p.next, l.Close()
		}
	}
	return 0, errors.New("no free port")
}

func addr(port int) string { return at("127.0.0.1", port) }

func at(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }

// eventually repeats what must come true within d.
func eventually(d time.Duration, what string, try func() error) error {
	for deadline := time.Now().Add(d); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s did not come within %s: %w", what, d, err)
		}
	}
}
