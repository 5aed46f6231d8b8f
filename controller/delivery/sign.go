package delivery

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"maskline/models"
)

// sign puts the headers of a push to target on h: the app's own key and secret, the scheme the app chose (spec/privatenumber.md §1.2). In
// apps of ModeVoice the AKSK digest covers the target, too (spec/voicecall.md §1.5).
//
// The attributes stand in the order Username, PasswordDigest, Nonce, Created, because customers split the header at its commas. The
// names are written as documented (X-AKSK, not X-Aksk), past http.Header's own spelling, for receivers that compare them as they come.
func sign(h http.Header, app models.App, secret, target, nonce, created string) {
	token := func(digest string) []string {
		return []string{fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`, app.Key, digest, nonce, created)}
	}
	word := "AKSK"
	if app.PushScheme == models.PushWSSE {
		word = "WSSE"
	} else {
		digest := models.AKSKDigest(secret, nonce, created)
		if app.Mode == models.ModeVoice {
			digest = models.PushDigest(secret, target, nonce, created, app.Settings.Voice.PushSignOld)
		}
		h["X-AKSK"] = token(digest)
	}
	if app.PushScheme != models.PushAKSK && app.PushScheme != "" {
		h["X-WSSE"] = token(models.WSSEDigest(secret, nonce, created))
	}
	h["Authorization"] = []string{word + ` realm="SDP",profile="UsernameToken",type="Appkey"`}
}

// created is Created of a push: UTC, but in apps of ModeVoice Beijing's wall time, which documents call by the same letter Z since 2026
// (spec/voicecall.md §1.1, §1.5), unless the operator wants UTC.
func (o Options) created(m models.Mode, now time.Time) string {
	zone := time.UTC
	if m == models.ModeVoice && !o.VoiceUTC {
		zone = models.Beijing
	}
	return now.In(zone).Format("2006-01-02T15:04:05Z")
}

// newNonce is 26 letters and digits.
func newNonce() string { return rand.Text() }
