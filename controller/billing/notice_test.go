package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// people is the store of contacts, the webhooks and the mail server in one: it notes what was told, when.
type people struct {
	contacts []models.Contact
	unread   int                    // so often contacts cannot be read
	answer   func(url string) error // nil: 200
	hang     time.Duration
	mu       sync.Mutex
	told     []string
	began    time.Time
}

func (p *people) Contacts(context.Context, int64) ([]models.Contact, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unread > 0 {
		p.unread--
		return nil, errors.New("down")
	}
	return p.contacts, nil
}

func (p *people) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf("%s %s", time.Since(p.began), what))
}

func (p *people) Post(ctx context.Context, url string, body []byte) (int, error) {
	var w webhook
	if err := json.Unmarshal(body, &w); err != nil {
		return 0, err
	}
	p.note(fmt.Sprintf("%s %d %s %s", url, w.Tenant, w.Kind, w.Subject))
	if p.hang > 0 {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(p.hang):
		}
	}
	if p.answer != nil {
		if err := p.answer(url); err != nil {
			return 0, err
		}
	}
	return http.StatusNoContent, nil
}

func (p *people) Send(_ context.Context, to, subject, _ string) error {
	p.note(to + " " + subject)
	if p.answer != nil {
		return p.answer(to)
	}
	return nil
}

// telling runs Notices in virtual time while do works, and gives what was observed.
func telling(t *testing.T, p *people, o NoticeOptions, do func(n *Notices)) (observed []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p.began = time.Now()
		o.Store, o.Webhooks, o.Mail = p, p, p
		o.Observe = func(k models.Notice, way string, ok bool) {
			observed = append(observed, fmt.Sprint(k, " ", way, " ", ok))
		}
		n := NewNotices(o)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); n.Run(ctx) }()
		do(n)
		cancel()
		<-ended
	})
	return observed
}

var (
	spent    = News{TenantID: 3, Kind: models.NoticeBalance, Subject: "gone", Text: "The balance is gone."}
	delivers = News{TenantID: 3, Kind: models.NoticeNumber, Subject: "numbers", Text: "Two numbers were delivered."}
)

func TestNewsGoToThoseWhoAskedForThem(t *testing.T) {
	p := &people{contacts: []models.Contact{
		{ID: 1, Mail: "a@example.com", Webhook: "https://a.example", Notices: []models.Notice{models.NoticeBalance, models.NoticeNumber}},
		{ID: 2, Mail: "b@example.com", Notices: []models.Notice{models.NoticeBalance}},
		{ID: 3, Mail: "c@example.com"},
	}}
	observed := telling(t, p, NoticeOptions{}, func(n *Notices) {
		n.Tell(spent)
		synctest.Wait()
		n.Tell(delivers)
		synctest.Wait()
	})
	slices.Sort(p.told)
	want := []string{"0s a@example.com gone", "0s a@example.com numbers", "0s b@example.com gone", "0s https://a.example 3 balance gone", "0s https://a.example 3 number numbers"}
	if !slices.Equal(p.told, want) {
		t.Errorf("told %q, want %q", p.told, want)
	}
	if len(observed) != 5 || slices.Contains(observed, "balance mail false") {
		t.Errorf("observed %q", observed)
	}
}

func TestATellingIsTriedThreeTimes(t *testing.T) {
	p := &people{unread: 1, contacts: []models.Contact{
		{ID: 1, Webhook: "https://dead.example", Mail: "well@example.com", Notices: []models.Notice{models.NoticeBalance}},
	}}
	p.answer = func(to string) error {
		if to == "https://dead.example" {
			return errors.New("dead")
		}
		return nil
	}
	observed := telling(t, p, NoticeOptions{}, func(n *Notices) {
		n.Tell(spent)
		time.Sleep(time.Hour)
	})
	want := []string{"10s https://dead.example 3 balance gone", "10s well@example.com gone", "1m20s https://dead.example 3 balance gone", "20s https://dead.example 3 balance gone"}
	slices.Sort(p.told)
	if !slices.Equal(p.told, want) {
		t.Errorf("told %q, want %q", p.told, want)
	}
	slices.Sort(observed)
	if !slices.Equal(observed, []string{"balance mail true", "balance webhook false"}) {
		t.Errorf("observed %q", observed)
	}
}

func TestTellNeverWaits(t *testing.T) {
	p := &people{hang: time.Hour, contacts: []models.Contact{{ID: 1, Webhook: "https://slow.example", Notices: []models.Notice{models.NoticeBalance}}}}
	telling(t, p, NoticeOptions{Queue: 10, Senders: 2}, func(n *Notices) {
		began, taken := time.Now(), 0
		for range 1000 {
			if n.Tell(spent) {
				taken++
			}
			synctest.Wait()
		}
		if time.Since(began) != 0 {
			t.Errorf("it took %s", time.Since(began))
		}
		if taken < 10 || taken > 2+2*10 {
			t.Errorf("%d news were taken; 2 under way, 10 in line and 10 to be read have room", taken)
		}
		time.Sleep(time.Hour)
		if !n.Tell(spent) {
			t.Error("there is no room although tries have ended")
		}
	})
}

func TestRunEndsWhileWebhooksHang(t *testing.T) {
	p := &people{hang: time.Hour, contacts: []models.Contact{{ID: 1, Webhook: "https://slow.example", Notices: []models.Notice{models.NoticeBalance}}}}
	observed := telling(t, p, NoticeOptions{}, func(n *Notices) {
		n.Tell(spent)
		synctest.Wait()
	})
	if len(observed) != 0 || len(p.told) != 1 {
		t.Errorf("told %q, observed %q", p.told, observed)
	}
}
