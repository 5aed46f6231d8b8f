package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// sink takes every POST and answers 200 at once: the customer's server, and the receiver of leg records where no daemon runs. Its CPU is
// counted for nobody. Its one goroutine ends with close.
type sink struct {
	port   int
	server *http.Server
	posts  atomic.Int64
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, fmt.Errorf("open the customer's server: %w", err)
	}
	s := &sink{}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("open the customer's server: %s is no TCP address", l.Addr())
	}
	s.port = addr.Port
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.posts.Add(1)
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"resultcode":"0","resultdesc":"Success"}`)
}

func (s *sink) close() { _ = s.server.Close() }
