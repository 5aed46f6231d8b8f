package api

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// Credentials finds an app by its key, with its tenant and its live secrets, newest first. An unknown key is models.UnknownApp.
type Credentials interface {
	Credentials(ctx context.Context, key string) (models.App, models.Tenant, []string, error)
}

// Auth says how requests are believed. The zero value has the defaults beside each field.
type Auth struct {
	Window  time.Duration   // how far Created may be from now, either way; 15 min
	Offsets []time.Duration // by which now may be shifted: clients sign local time labelled Z; 0 and +8 h
	Lenient bool            // take dsl= for type= in Authorization
	// Failures within FailuresIn from one address hold it off for Hold: 20 in 5 min, 30 min. Failures below 0 turns this off. Behind a
	// proxy that is not trusted all clients share its address.
	Failures   int
	FailuresIn time.Duration
	Hold       time.Duration
}

func (a Auth) withDefaults() Auth {
	a.Window = orElse(a.Window, 15*time.Minute)
	a.FailuresIn = orElse(a.FailuresIn, 5*time.Minute)
	a.Hold = orElse(a.Hold, 30*time.Minute)
	if len(a.Offsets) == 0 {
		a.Offsets = []time.Duration{0, 8 * time.Hour}
	}
	if a.Failures == 0 {
		a.Failures = 20
	}
	return a
}

func orElse[T int | int64 | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// Believable is how long one signature can be accepted from its first use on: with offsets 0 and +8 h, one that was sent as local time
// becomes good again eight hours later, as UTC. Replays are remembered for so long.
func (a Auth) Believable() time.Duration {
	a = a.withDefaults()
	return 2*a.Window + slices.Max(a.Offsets) - slices.Min(a.Offsets)
}

// inTime says whether Created is near now, in UTC or shifted by an offset.
func (a Auth) inTime(created, now time.Time) bool {
	return slices.ContainsFunc(a.Offsets, func(off time.Duration) bool {
		return now.Add(off).Sub(created).Abs() <= a.Window
	})
}

// caller is who signed the request.
type caller struct {
	models.App
	Tenant models.Tenant
	nonce  string
}

const callerKey = "maskline.caller"

func callerOf(c *gin.Context) caller {
	who, _ := c.Value(callerKey).(caller)
	return who
}

// door lets signed requests in.
type door struct {
	Auth
	apps  Credentials
	block *block
	spare []string // in place of an unknown app's secrets, so that a wrong key costs what a wrong digest does
}

func newDoor(a Auth, apps Credentials) *door {
	a = a.withDefaults()
	return &door{Auth: a, apps: apps, block: newBlock(a.Failures, a.FailuresIn, a.Hold), spare: []string{models.NewID()}}
}

// enter is the middleware: whoever passes it is callerOf.
func (d *door) enter(c *gin.Context) {
	addr, _ := netip.ParseAddr(c.ClientIP())
	if d.block.held(addr) {
		refuseErr(c, models.Fail(addressHeld, "", "the address is held off"))
		return
	}
	t, bad := readToken(c.Request.Header, d.Lenient)
	if bad != nil {
		refuse(c, *bad)
		return
	}
	if !goodNonce(t.nonce) {
		refuseErr(c, models.Fail(models.Invalid, "Nonce", "Nonce is 1 to 128 letters and digits"))
		return
	}
	if !d.inTime(t.at, time.Now()) {
		refuseErr(c, models.Fail(wrongTime, "", "Created is too far from now"))
		return
	}
	app, tenant, secrets, err := d.apps.Credentials(c.Request.Context(), t.username)
	known := models.CodeOf(err) != models.UnknownApp
	switch {
	case !known:
		secrets = d.spare
	case err != nil:
		refuseErr(c, err)
		return
	}
	signed := t.signedWithAny(secrets)
	if !known || !signed {
		d.block.failed(addr)
		if !known {
			refuseErr(c, err)
			return
		}
		refuseErr(c, models.Fail(wrongDigest, "", "the digest is wrong"))
		return
	}
	d.block.passed(addr)
	serve.Note(c, "app", app.Key)
	if !app.Allows(addr) {
		refuseErr(c, models.Fail(wrongAddress, "", "the address is not on the app's list"))
		return
	}
	if err := usable(app, tenant); err != nil {
		refuseErr(c, err)
		return
	}
	c.Set(callerKey, caller{App: app, Tenant: tenant, nonce: t.nonce})
	c.Next()
}

// signedWithAny tries every secret, also after one has fitted, so that the time tells nothing. WSSE's digest has two forms in the field.
func (t token) signedWithAny(secrets []string) bool {
	fits := 0
	for _, s := range secrets {
		if !t.wsse {
			fits |= subtle.ConstantTimeCompare([]byte(models.AKSKDigest(s, t.nonce, t.created)), []byte(t.sum))
			continue
		}
		fits |= subtle.ConstantTimeCompare([]byte(models.WSSEDigest(s, t.nonce, t.created)), []byte(t.sum))
		fits |= subtle.ConstantTimeCompare([]byte(models.WSSEHexDigest(s, t.nonce, t.created)), []byte(t.sum))
	}
	return fits == 1
}

// usable refuses apps and tenants that are not in normal use (spec/privatenumber.md §9.1).
func usable(app models.App, tenant models.Tenant) error {
	switch {
	case tenant.State == models.StateFrozen:
		return models.Fail(models.TenantFrozen, "", "the tenant is frozen")
	case tenant.Arrears:
		return models.Fail(models.TenantFrozen, "", "the tenant is in arrears")
	case tenant.State != models.StateNormal || app.State != models.StateNormal:
		return models.Fail(models.AppUnavailable, "", "the app or its tenant is suspended")
	}
	return nil
}
