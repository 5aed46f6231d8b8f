package billing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"maskline/models"
)

// News is something that a tenant's contacts are told. It is told to those who asked for its kind.
type News struct {
	TenantID int64
	Kind     models.Notice
	Subject  string // one line
	Text     string // whole sentences; no number of a person's stands in it
}

// NoticeStore is what Notices asks of the database.
type NoticeStore interface {
	Contacts(ctx context.Context, tenantID int64) ([]models.Contact, error)
}

// Webhooks posts to contacts' URLs; delivery.Poster is one.
type Webhooks interface {
	Post(ctx context.Context, url string, body []byte) (status int, err error)
}

// Mailer sends a mail to one address.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// The ways to tell a contact.
const (
	ByWebhook = "webhook"
	ByMail    = "mail"
)

// NoticeOptions is how Notices works. Store and Webhooks are required.
type NoticeOptions struct {
	Store    NoticeStore
	Webhooks Webhooks
	Mail     Mailer // nil: nobody gets mail
	Queue    int    // news that may wait; 0 is 1000
	Senders  int    // attempts at once; 0 is 8
	// Observe is told how each telling ended: delivered, or given up after the last try. It must not wait; nil observes nothing.
	Observe func(kind models.Notice, way string, delivered bool)
	Log     *slog.Logger // nil is silent
}

// noticeTries is when a telling is tried, counted from the end of the try before.
var noticeTries = [...]time.Duration{0, 10 * time.Second, time.Minute}

// tryFor bounds one try.
const tryFor = 15 * time.Second

// Notices tells contacts of news, by webhook and by mail. It tries three times and keeps nothing on disk: what is waiting when the daemon ends is
// lost, since what was told of stands in the database anyway. Tell may be called from anywhere and never waits.
type Notices struct {
	o    NoticeOptions
	news chan News
}

// NewNotices makes Notices; Run sends them.
func NewNotices(o NoticeOptions) *Notices {
	o.Queue, o.Senders = cmp.Or(o.Queue, 1000), cmp.Or(o.Senders, 8)
	if o.Observe == nil {
		o.Observe = func(models.Notice, string, bool) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Notices{o: o, news: make(chan News, o.Queue)}
}

// Tell takes news. It says whether there was room.
func (n *Notices) Tell(news News) bool {
	select {
	case n.news <- news:
		return true
	default:
		n.o.Log.Warn("news for contacts was dropped: too much is waiting", slog.Int64("tenant", news.TenantID), slog.String("kind", string(news.Kind)))
		return false
	}
}

// errand is one thing to be tried: to find out who is told, when way is "", or to tell one contact in one way.
type errand struct {
	news    News
	contact models.Contact
	way     string
	tries   int
	due     time.Time
}

// outcome is what came of an errand: others that follow from it, or an error.
type outcome struct {
	errand
	follow []errand
	err    error
}

// Run tells news until ctx ends, and waits for its senders then.
func (n *Notices) Run(ctx context.Context) {
	r := &teller{Notices: n, done: make(chan outcome)}
	for ctx.Err() == nil {
		r.start(ctx)
		r.wait(ctx)
	}
	for ; r.flying > 0; r.flying-- {
		<-r.done
	}
	if left := len(r.waiting) + len(n.news); left > 0 {
		n.o.Log.Warn("news for contacts was not told before the end", slog.Int("waiting", left))
	}
}

// teller is what Run's goroutine has.
type teller struct {
	*Notices
	waiting []errand // by due
	flying  int
	done    chan outcome
}

// start sends off what is due, as many as there are senders.
func (r *teller) start(ctx context.Context) {
	for r.flying < r.o.Senders && len(r.waiting) > 0 && !r.waiting[0].due.After(time.Now()) {
		e := r.waiting[0]
		r.waiting = slices.Delete(r.waiting, 0, 1)
		r.flying++
		go func() { r.done <- r.try(ctx, e) }()
	}
}

// wait waits for news, the end of a try, or the next one that is due.
func (r *teller) wait(ctx context.Context) {
	news := r.news
	if len(r.waiting) >= r.o.Queue {
		news = nil
	}
	var next <-chan time.Time
	if len(r.waiting) > 0 && r.flying < r.o.Senders {
		next = time.After(time.Until(r.waiting[0].due))
	}
	select {
	case <-ctx.Done():
	case <-next:
	case told := <-news:
		r.add(errand{news: told, due: time.Now()})
	case o := <-r.done:
		r.flying--
		r.learn(ctx, o)
	}
}

func (r *teller) add(e errand) {
	at, _ := slices.BinarySearchFunc(r.waiting, e.due, func(w errand, due time.Time) int {
		if w.due.After(due) {
			return 1
		}
		return -1
	})
	r.waiting = slices.Insert(r.waiting, at, e)
}

// learn puts what follows from an outcome in line: the tellings, or another try.
func (r *teller) learn(ctx context.Context, o outcome) {
	if ctx.Err() != nil && o.err != nil { // cut short, and no fault of anybody's
		r.waiting = append(r.waiting, o.errand)
		return
	}
	for _, e := range o.follow {
		r.add(e)
	}
	about := []any{slog.Int64("tenant", o.news.TenantID), slog.String("kind", string(o.news.Kind)), slog.Int64("contact", o.contact.ID),
		slog.String("way", o.way), slog.Int("tries", o.tries), slog.Any("error", o.err)}
	switch {
	case o.err == nil:
		if o.way != "" {
			r.o.Observe(o.news.Kind, o.way, true)
		}
	case o.tries < len(noticeTries):
		r.o.Log.Info("a contact could not be told yet", about...)
		o.due = time.Now().Add(noticeTries[o.tries])
		r.add(o.errand)
	default:
		r.o.Log.Warn("a contact was not told: the last try failed", about...)
		r.o.Observe(o.news.Kind, o.way, false)
	}
}

// try carries out one errand. It runs in a sender's goroutine and touches nothing of Run's.
func (r *teller) try(ctx context.Context, e errand) outcome {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	e.tries++
	o := outcome{errand: e}
	switch e.way {
	case ByWebhook:
		o.err = r.post(ctx, e)
	case ByMail:
		o.err = r.o.Mail.Send(ctx, e.contact.Mail, e.news.Subject, e.news.Text)
	default:
		o.follow, o.err = r.whom(ctx, e.news)
	}
	return o
}

// whom gives the tellings of news.
func (r *teller) whom(ctx context.Context, news News) ([]errand, error) {
	contacts, err := r.o.Store.Contacts(ctx, news.TenantID)
	if err != nil {
		return nil, fmt.Errorf("read the contacts: %w", err)
	}
	var out []errand
	for _, c := range contacts {
		if !slices.Contains(c.Notices, news.Kind) {
			continue
		}
		if c.Webhook != "" {
			out = append(out, errand{news: news, contact: c, way: ByWebhook, due: time.Now()})
		}
		if c.Mail != "" && r.o.Mail != nil {
			out = append(out, errand{news: news, contact: c, way: ByMail, due: time.Now()})
		}
	}
	return out, nil
}

// webhook is the body that is posted.
type webhook struct {
	Tenant  int64         `json:"tenant"`
	Kind    models.Notice `json:"kind"`
	Subject string        `json:"subject"`
	Text    string        `json:"text"`
}

// post tells by webhook. Every answer 2xx is a success.
func (r *teller) post(ctx context.Context, e errand) error {
	body, err := json.Marshal(webhook{e.news.TenantID, e.news.Kind, e.news.Subject, e.news.Text})
	if err != nil {
		return errors.New("the news cannot be written as JSON")
	}
	status, err := r.o.Webhooks.Post(ctx, e.contact.Webhook, body)
	if err == nil && (status < http.StatusOK || status >= http.StatusMultipleChoices) {
		err = fmt.Errorf("the webhook's answer is HTTP %d", status)
	}
	return err
}
