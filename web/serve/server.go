package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits are a server's bounds. The zero value has the defaults beside each field.
type Limits struct {
	ReadHeader time.Duration // from the first byte to the end of the headers; 5 s
	Read       time.Duration // the whole request; 15 s
	Write      time.Duration // from the end of the headers to the end of the answer; 60 s
	Idle       time.Duration // a kept connection between two requests; 60 s
	Header     int           // bytes of the headers; 16 kB
	Drain      time.Duration // how long requests may go on once Run's context has ended; 10 s
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		v        *time.Duration
		fallback time.Duration
	}{
		{&l.ReadHeader, 5 * time.Second}, {&l.Read, 15 * time.Second}, {&l.Write, time.Minute}, {&l.Idle, time.Minute},
		{&l.Drain, 10 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.fallback
		}
	}
	if l.Header <= 0 {
		l.Header = 16 << 10
	}
	return l
}

// Server is one listener with its handler.
type Server struct {
	// Name stands in the log: "tenant api".
	Name    string
	Handler http.Handler
	// TLS makes it HTTPS; nil is plain HTTP.
	TLS    *tls.Config
	Limits Limits
	Log    *slog.Logger // nil is slog.Default
}

// Listen opens the address, so that a port in use is known before anything else starts, and ":0" has a number.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// Run serves on l until ctx ends, then takes no new request, lets those under way finish for Limits.Drain, and cuts what is left. It
// closes l. The error is nil after an orderly end.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	log, lim := s.Log, s.Limits.withDefaults()
	if log == nil {
		log = slog.Default()
	}
	// HTTP/1.1 only: clients of the original platform read header lines by their usual spelling, which HTTP/2 lacks, and connections are
	// short.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Protocols:         &protocols,
		Handler:           s.Handler,
		TLSConfig:         s.TLS,
		ReadHeaderTimeout: lim.ReadHeader,
		ReadTimeout:       lim.Read,
		WriteTimeout:      lim.Write,
		IdleTimeout:       lim.Idle,
		MaxHeaderBytes:    lim.Header,
		ErrorLog:          slog.NewLogLogger(log.With(slog.String("server", s.Name)).Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		if s.TLS != nil {
			ended <- srv.ServeTLS(l, "", "")
			return
		}
		ended <- srv.Serve(l)
	}()
	log.LogAttrs(ctx, slog.LevelInfo, "listening",
		slog.String("server", s.Name), slog.String("addr", l.Addr().String()), slog.Bool("tls", s.TLS != nil))
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", s.Name, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), lim.Drain)
	defer cancel()
	err := srv.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("drain %s: %w", s.Name, err), srv.Close())
	}
	if ran := <-ended; !errors.Is(ran, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve %s: %w", s.Name, ran))
	}
	return err
}
