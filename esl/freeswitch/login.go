package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"maskline/esl/wire"
)

// link is one logged-in connection.
type link struct {
	conn net.Conn
	in   *wire.Reader
	stop func() bool // unhooks the connection from its context
}

// login dials and gives the password. The connection closes when ctx ends.
func (s *Switch) login(ctx context.Context) (*link, error) {
	dialling, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	conn, err := s.opt.Dial(dialling)
	if err != nil {
		return nil, fmt.Errorf("dial event socket: %w", err)
	}
	k := &link{conn: conn, in: wire.NewReader(conn)}
	k.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := k.greet(s.opt.Password, s.opt.Timeout); err != nil {
		k.close()
		return nil, fmt.Errorf("log in to event socket: %w", err)
	}
	return k, nil
}

func (k *link) greet(password string, within time.Duration) error {
	if err := k.conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	f, err := k.in.Next()
	if err != nil {
		return err
	}
	if f.Type == wire.Rejection {
		return errors.New("this address is not in the switch's access list (apply-inbound-acl)")
	}
	if f.Type != wire.AuthRequest {
		return fmt.Errorf("%w: %s where auth/request was due", wire.ErrFrame, f.Type)
	}
	c, err := wire.Auth(password)
	if err != nil {
		return err
	}
	if err := k.ask(c); err != nil {
		return err
	}
	return k.conn.SetDeadline(time.Time{})
}

// ask sends a command and wants +OK. Only for a connection on which nothing else can come.
func (k *link) ask(c wire.Command) error {
	if _, err := c.WriteTo(k.conn); err != nil {
		return err
	}
	f, err := k.in.Next()
	if err != nil {
		return err
	}
	if f.Type != wire.CommandReply {
		return fmt.Errorf("%w: %s where a reply was due", wire.ErrFrame, f.Type)
	}
	if text := f.Text(); !strings.HasPrefix(text, "+OK") {
		return refused(text)
	}
	return nil
}

func (k *link) close() {
	k.stop()
	_ = k.conn.Close()
}
