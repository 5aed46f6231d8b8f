package delivery

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"maskline/models"
)

// sign puts the headers of a push on h: the app's own key and secret, the scheme the app chose (spec/privatenumber.md §1.2).
//
// The attributes stand in the order Username, PasswordDigest, Nonce, Created, because customers split the header at its commas. The
// names are written as documented (X-AKSK, not X-Aksk), past http.Header's own spelling, for receivers that compare them as they come.
func sign(h http.Header, scheme models.PushScheme, key, secret, nonce string, now time.Time) {
	created := now.UTC().Format("2006-01-02T15:04:05Z")
	token := func(digest string) []string {
		return []string{fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`, key, digest, nonce, created)}
	}
	word := "AKSK"
	if scheme == models.PushWSSE {
		word = "WSSE"
	} else {
		h["X-AKSK"] = token(models.AKSKDigest(secret, nonce, created))
	}
	if scheme != models.PushAKSK && scheme != "" {
		h["X-WSSE"] = token(models.WSSEDigest(secret, nonce, created))
	}
	h["Authorization"] = []string{word + ` realm="SDP",profile="UsernameToken",type="Appkey"`}
}

// newNonce is 26 letters and digits.
func newNonce() string { return rand.Text() }
