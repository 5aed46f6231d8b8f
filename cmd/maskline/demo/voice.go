package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"maskline/conf"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/web/admin"
)

// The second product: a call that the platform places itself.

const (
	numberShown = "+8675528780808"
	notice      = "order_ready.wav"
	noticePath  = "/rest/httpsessions/callnotify/v2.0"
)

func (s *show) voiced() credentials { return credentials{s.VoiceKey, s.VoiceSecret} }

func (s *show) noticeBody(callee string) string {
	return fmt.Sprintf(`{"displayNbr":"%s","calleeNbr":"%s","playInfoList":[{"notifyVoice":"%s"}],"userData":"order-4711"}`, s.Shown, callee, notice)
}

// voiceSample makes an app that has calls placed, the number that they show, and the prompt that they play: uploaded, and approved as a reviewer
// would.
func (s *show) voiceSample(ctx context.Context, tenant models.Tenant) error {
	st := s.daemon.Store()
	app := models.App{TenantID: tenant.ID, Key: "a" + strings.ToLower(rand.Text()), Name: "Notices", Mode: models.ModeVoice,
		StatusURL: s.customer.url + "/status", FeeURL: s.customer.url + "/fee"}
	s.VoiceKey, s.VoiceSecret, s.Shown = app.Key, rand.Text(), numberShown
	if err := st.CreateApp(ctx, &app, s.VoiceSecret); err != nil {
		return fmt.Errorf("make the sample app of placed calls: %w", err)
	}
	s.customer.knows(app.Key, account{secret: s.VoiceSecret, voice: true})
	if err := st.AddNumbers(ctx, []models.Number{{AppID: app.ID, Number: numberShown, AreaCode: areaX}}); err != nil {
		return fmt.Errorf("make the number that placed calls show: %w", err)
	}
	sound, err := conf.Prompts.ReadFile("prompts/zh/" + models.PromptTransfer)
	if err != nil {
		return fmt.Errorf("read the sample prompt: %w", err)
	}
	var p admin.Prompt
	if err := s.operate(ctx, "/prompts?tenant=Acme&name="+notice, "audio/wav", sound, &p); err != nil {
		return fmt.Errorf("upload the sample prompt: %w", err)
	}
	if err := s.operate(ctx, fmt.Sprintf("/prompts/%d/approve", p.ID), "application/json", []byte("{}"), &p); err != nil {
		return fmt.Errorf("approve the sample prompt: %w", err)
	}
	return nil
}

// operate sends a request to the admin API.
func (s *show) operate(ctx context.Context, path, kind string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Admin+admin.Prefix+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		why, _ := io.ReadAll(io.LimitReader(res.Body, pushMax))
		return fmt.Errorf("%s %s", res.Status, why)
	}
	return json.NewDecoder(io.LimitReader(res.Body, pushMax)).Decode(into)
}

// notify has a notification placed to B, and shows it.
func (s *show) notify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s.printf("Now the platform places a call itself: B is told that an order is ready, and sees %s.\n\n", s.Shown)
	s.daemon.Sim().SetPhone(sim.Phone{Number: s.B, Rings: s.Rings, HangsUpAfter: time.Minute})
	l := &ladder{printf: s.printf, began: time.Now()}
	l.heading("", "shows "+s.Shown, "B "+s.B, "customer's back end")
	w := &watch{s: s, before: len(s.daemon.Sim().Rang(s.B)), routed: true}
	asked, err := s.post(ctx, s.voiced(), noticePath, s.noticeBody(s.B))
	if err != nil {
		return fmt.Errorf("ask for the notification: %w", err)
	}
	w.session = asked.SessionID
	l.arrow(l.began, colC, colX, "callnotify, signed")
	l.arrow(time.Now(), colX, colC, "accepted: "+w.session[:8]+"…")
	if err := w.follow(ctx, l); err != nil {
		return err
	}
	if w.wrong != "" {
		return errors.New("a push came with " + w.wrong)
	}
	s.printf("\nIt waited in a queue with a pace of its own, was dialled once, and was told step by step.\n\n")
	return nil
}

// follow draws what happens until the record has come.
func (w *watch) follow(ctx context.Context, l *ladder) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		steps := w.look(ctx)
		slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
		for _, st := range steps {
			st.draw(l)
		}
		if w.record != nil && w.over {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("the call has not come to its record within a minute; the log is " + w.s.log.Name())
		}
	}
}
