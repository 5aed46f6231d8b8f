package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// profiling is the part of the daemon's configuration that lets it be profiled, in a run that asks for it.
func (b *bench) profiling() string {
	if b.asked.profile == "" {
		return ""
	}
	return ", debug: '127.0.0.1:" + strconv.Itoa(b.facts.Debug) + "'"
}

// profileDaemon takes a CPU profile of the daemon while the calls run; stop waits for it. It does nothing where none was asked for.
func (b *bench) profileDaemon(ctx context.Context, v variant) (stop func() error) {
	if b.asked.profile == "" || !v.maskline {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	seconds := max(b.asked.calls/b.asked.rate, 1)
	go func() {
		status, profile, err := b.http(ctx, http.MethodGet, b.facts.Debug, "/debug/pprof/profile?seconds="+strconv.Itoa(seconds), nil, nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("profile: %d %s", status, profile)
		}
		if err == nil {
			err = errors.Join(os.MkdirAll(b.asked.profile, 0o750), os.WriteFile(filepath.Join(b.asked.profile, "daemon-"+v.Key+".pprof"), profile, 0o600))
		}
		done <- err
	}()
	return func() error { return <-done }
}
