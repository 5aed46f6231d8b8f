package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"maskline/models"
)

var discard = slog.New(slog.DiscardHandler)

// newSecret is 32 bytes in hex: good as a sealing key, a token and a password.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hex.EncodeToString(b)
}

// patience bounds the wait for what must happen within moments.
const patience = 20 * time.Second

// sample makes tenant, app and numbers as an operator would, and the binding as the tenant's back end would: with a signed request.
func (s *show) sample(ctx context.Context) error {
	st := s.daemon.Store()
	tenant := models.Tenant{Name: "Acme", SpID: "acme"}
	if err := st.CreateTenant(ctx, &tenant); err != nil {
		return fmt.Errorf("make the sample tenant: %w", err)
	}
	app := models.App{TenantID: tenant.ID, Key: "a" + strings.ToLower(rand.Text()), Name: "Deliveries", Mode: models.ModeAXB, Record: true, SMS: true,
		StatusURL: s.customer.url + "/status", FeeURL: s.customer.url + "/fee"}
	s.AppKey, s.AppSecret, s.Numbers, s.A, s.B = app.Key, rand.Text(), numbersX, numberA, numberB
	if err := st.CreateApp(ctx, &app, s.AppSecret); err != nil {
		return fmt.Errorf("make the sample app: %w", err)
	}
	s.customer.knows(app.Key, account{secret: s.AppSecret})
	numbers := make([]models.Number, 0, len(numbersX))
	for _, n := range numbersX {
		numbers = append(numbers, models.Number{AppID: app.ID, Number: n, AreaCode: areaX})
	}
	if err := st.AddNumbers(ctx, numbers); err != nil {
		return fmt.Errorf("make the sample numbers: %w", err)
	}
	if err := s.awaitSwitch(ctx); err != nil {
		return err
	}
	if err := s.bind(ctx); err != nil {
		return fmt.Errorf("bind A, X and B: %w", err)
	}
	if err := s.voiceSample(ctx, tenant); err != nil {
		return err
	}
	return s.save()
}

// awaitSwitch waits until the daemon says that it is ready, the simulated switch included.
func (s *show) awaitSwitch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Admin+"/readyz", http.NoBody)
		if err != nil {
			return fmt.Errorf("ask for readiness: %w", err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the daemon has not become ready; its log is %s", s.log.Name())
		}
	}
}

const bindPath = "/rest/caas/relationnumber/partners/v1.0"

func (s *show) bindBody() string {
	return fmt.Sprintf(`{"relationNum":"%s","callerNum":"%s","calleeNum":"%s","duration":86400,"userData":"order-4711"}`, s.Numbers[0], s.A, s.B)
}

func (s *show) bind(ctx context.Context) error {
	answer, err := s.post(ctx, s.masked(), bindPath, s.bindBody())
	s.SubscriptionID = answer.SubscriptionID
	return err
}

// credentials sign requests of an app.
type credentials struct{ key, secret string }

func (s *show) masked() credentials { return credentials{s.AppKey, s.AppSecret} }

// answered is what the tenant API answers.
type answered struct{ ResultCode, ResultDesc, SubscriptionID, SessionID string }

// post sends a signed request as the tenant's back end does.
func (s *show) post(ctx context.Context, app credentials, path, body string) (a answered, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.API+path, bytes.NewBufferString(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	authorization, token := app.sign(time.Now())
	req.Header.Set("Authorization", authorization)
	req.Header.Set("X-AKSK", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(res.Body, pushMax)).Decode(&a); err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	if a.ResultCode != "0" {
		return a, errors.New(a.ResultCode + " " + a.ResultDesc)
	}
	return a, nil
}

// sign makes the two headers of a signed request (spec/privatenumber.md §1.1).
func (c credentials) sign(now time.Time) (authorization, token string) {
	created, nonce := now.UTC().Format("2006-01-02T15:04:05Z"), rand.Text()
	return `AKSK realm="SDP",profile="UsernameToken",type="Appkey"`,
		fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`,
			c.key, models.AKSKDigest(c.secret, nonce, created), nonce, created)
}
