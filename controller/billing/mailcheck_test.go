package billing

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestTheMailServerIsTriedWithoutALetter(t *testing.T) {
	server := &postbox{offers: true}
	m := Mail{User: "me", Password: "secret", From: "maskline@example.com"}
	m.Roots = openPostbox(t, server)
	m.Host = server.Addr().String()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.Check(ctx); err != nil {
		t.Fatal(err)
	}
	<-server.done
	if said := strings.Join(server.lines, "\n"); !strings.Contains(said, "AUTH PLAIN") || strings.Contains(said, "MAIL") {
		t.Errorf("said %s", said)
	}
	_ = server.Close()
	if err := m.Check(ctx); err == nil {
		t.Error("a server that is gone was reached")
	}
}
