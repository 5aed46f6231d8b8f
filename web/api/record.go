package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// downloadTime bounds the sending of one recording: two hours of a call at 8 kB/s of sound are 58 MB.
const downloadTime = 15 * time.Minute

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
			return refusal(err, nil)
		}
		return http.StatusMovedPermanently, []byte(name), nil // the link is made for each answer, so that a repeated one is fresh
	})
	if err != nil || status != http.StatusMovedPermanently {
		reply(c, status, body, err)
		return
	}
	c.Header("Location", a.link(c.Request, string(body)))
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

// mayHear says whether the recording exists and is of a call of this app: names can be guessed.
func (a *api) mayHear(ctx context.Context, appID int64, name string) error {
	missing := models.Fail(models.RecordMissing, "fileName", "no such recording")
	if a.Recordings == nil || !a.Recordings.Exists(name) {
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

func (a *api) link(r *http.Request, name string) string {
	base := strings.TrimSuffix(a.LinkBase, "/")
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	expires := time.Now().Add(a.LinkLife)
	return base + pathDownload + url.PathEscape(name) + "?" + url.Values{
		"expires": {strconv.FormatInt(expires.Unix(), 10)}, "signature": {a.Recordings.Sign(name, expires)},
	}.Encode()
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
	file, err := a.Recordings.Open(name)
	if err != nil {
		refuseErr(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	st, err := file.Stat()
	if err != nil {
		refuseErr(c, err)
		return
	}
	// A long recording may take longer than any JSON answer may. Where the writer has no deadline there is none to move.
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(downloadTime))
	c.Header("Content-Type", "audio/wav")
	c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	c.Header("Cache-Control", "private, no-store")
	http.ServeContent(c.Writer, c.Request, name, st.ModTime(), file)
}
