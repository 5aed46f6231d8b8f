package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/controller/media"
	"maskline/models"
	"maskline/models/store"
)

// downloadTime bounds the sending of one recording: two hours of a call at 8 kB/s of sound are 58 MB.
const downloadTime = 15 * time.Minute

// Recordings finds recordings, wherever they lie, and signs links to them.
type Recordings interface {
	Exists(name string) bool
	Fetch(ctx context.Context, name string) (media.Sounding, error)
	Link(ctx context.Context, base, name string, life time.Duration) (string, error)
	Verify(name string, expires time.Time, signature string, now time.Time) error
}

// recordLink answers 301 with a signed link that expires (spec/privatenumber.md §5). It must be exactly 301: clients test for it.
func (a *api) recordLink(c *gin.Context) {
	r, err := readRequest(c)
	if err != nil {
		refuseErr(c, err)
		return
	}
	status, body, err := a.once(c, r, false, func(ctx context.Context) (int, []byte, error) {
		name, err := a.readRecord(r)
		if err == nil {
			err = a.mayHear(ctx, r.ID, name)
		}
		if err != nil {
			return refusal(err, resultsOf(c)) // PrivateNumber's 1012007 is VoiceCall's 1016002
		}
		return http.StatusMovedPermanently, []byte(name), nil // the link is made for each answer, so that a repeated one is fresh
	})
	if err != nil || status != http.StatusMovedPermanently {
		reply(c, status, body, err)
		return
	}
	location, err := a.link(c.Request, string(body))
	if err != nil {
		refuseErr(c, err)
		return
	}
	c.Header("Location", location)
	c.Status(status)
}

func (a *api) readRecord(r request) (name string, err error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return "", err
	}
	name = needName(f, "fileName")
	needName(f, "recordDomain") // there is one place of recordings; which it is called is not checked
	if f.err != nil {
		return "", f.err
	}
	if !r.Record {
		return "", models.Fail(models.RecordingOff, "fileName", "the app may not record")
	}
	return name, nil
}

func needName(f *fields, name string) string {
	v, _ := f.text(name)
	if v == "" || len(v) > 128 {
		f.fail(name, "%s has 1 to 128 characters", name)
	}
	return v
}

// mayHear says whether the recording is kept and of a call of this app: names can be guessed. One that is another's, short, missing or removed
// is no recording (spec/privatenumber.md §5, spec/voicecall.md §5).
func (a *api) mayHear(ctx context.Context, appID int64, name string) error {
	missing := models.Fail(models.RecordMissing, "fileName", "no such recording")
	if a.Recordings == nil {
		return missing
	}
	r, err := a.Store.Recording(ctx, name)
	switch {
	case models.CodeOf(err) == models.NotFound:
		return a.mayHearOld(ctx, appID, name)
	case err != nil:
		return err
	case r.AppID != appID || r.State != models.RecordingKept:
		return missing
	}
	return nil
}

// mayHearOld is mayHear for recordings from before they stood in a table of their own: they lie in the directory, and a CDR names each.
func (a *api) mayHearOld(ctx context.Context, appID int64, name string) error {
	missing := models.Fail(models.RecordMissing, "fileName", "no such recording")
	if !a.Recordings.Exists(name) {
		return missing
	}
	began, ok := recordedAt(name)
	if !ok {
		return missing
	}
	// The name says the second in which we met the call; on its switch it may have waited for us before (DESIGN §4.2: 10 s).
	span := store.CDRFilter{AppID: appID, Since: began.Add(-15 * time.Second), Until: began.Add(2 * time.Second)}
	for page := (models.Page{Limit: models.PageMax}); ; page.Offset += models.PageMax {
		rows, total, err := a.Store.CDRs(ctx, span, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.RecordFile == name {
				return nil
			}
		}
		if page.Offset+len(rows) >= total || len(rows) == 0 {
			return missing
		}
	}
}

// recordedAt reads the time in front of a recording's name, yyMMddHHmmss in Beijing (spec/privatenumber.md §4.4).
func recordedAt(name string) (time.Time, bool) {
	const layout = "060102150405"
	if len(name) < len(layout) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(layout, name[:len(layout)], time.FixedZone("Asia/Shanghai", 8*60*60))
	return t, err == nil
}

// link is where the recording can be fetched from for LinkLife. The base of links to the daemon is as the request came, unless it is configured.
func (a *api) link(r *http.Request, name string) (string, error) {
	base := a.LinkBase
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	return a.Recordings.Link(r.Context(), base, name, a.LinkLife)
}

// download streams a recording to whoever has a good link, whole or in ranges.
func (a *api) download(c *gin.Context) {
	name := c.Param("name")
	seconds, err := strconv.ParseInt(c.Query("expires"), 10, 64)
	if err != nil || a.Recordings == nil {
		refuseErr(c, models.Fail(models.RecordMissing, "expires", "the link is not good"))
		return
	}
	if err := a.Recordings.Verify(name, time.Unix(seconds, 0), c.Query("signature"), time.Now()); err != nil {
		refuseErr(c, err)
		return
	}
	// A long recording takes longer than any JSON answer may, whose bound the request has. Whoever goes away ends it by the failing write. Where
	// the writer has no deadline there is none to move.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), downloadTime)
	defer cancel()
	file, err := a.Recordings.Fetch(ctx, name)
	if err != nil {
		refuseErr(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(downloadTime))
	c.Header("Content-Type", "audio/wav")
	c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	c.Header("Cache-Control", "private, no-store")
	http.ServeContent(c.Writer, c.Request, name, file.Changed, file)
}
