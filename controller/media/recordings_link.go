package media

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"maskline/models"
)

// DownloadPath is the path at which the daemon sends recordings to whoever has a good link; the recording's name follows.
const DownloadPath = "/recordings/v1/"

// Link is a URL from which the recording can be fetched without more authentication, for life. base is the scheme and host at which the
// daemon serves DownloadPath; while the recording lies in the directory, or with S3Options.Through, the link leads there, else into the
// object store. The object store is not asked; a recording that would have to lie in the directory and does not is RecordMissing.
func (r *Recordings) Link(ctx context.Context, base, name string, life time.Duration) (string, error) {
	if _, err := place(name); err != nil {
		return "", err
	}
	here := r.Exists(name)
	if !here && r.s3 == nil {
		return "", errMissing()
	}
	if !here && !r.s3.through {
		return r.s3.link(ctx, name, life)
	}
	expires := time.Now().Add(life)
	return strings.TrimSuffix(base, "/") + DownloadPath + url.PathEscape(name) + "?" + url.Values{
		"expires": {strconv.FormatInt(expires.Unix(), 10)}, "signature": {r.Sign(name, expires)},
	}.Encode(), nil
}

// Sign is the signature of a link to a recording that holds until expires (to the second). It is safe in a URL.
func (r *Recordings) Sign(name string, expires time.Time) string {
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte("maskline recording\n" + strconv.FormatInt(expires.Unix(), 10) + "\n" + name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Verify says whether a link with this signature is good at now. One that is not is RecordMissing, whatever is wrong with it: the
// answer tells a guesser nothing.
func (r *Recordings) Verify(name string, expires time.Time, signature string, now time.Time) error {
	good := hmac.Equal([]byte(signature), []byte(r.Sign(name, expires)))
	if !good || !now.Before(expires) {
		return models.Fail(models.RecordMissing, "signature", "the link is not good, or no longer")
	}
	return nil
}
