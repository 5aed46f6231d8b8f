package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/controller/media"
	"maskline/models"
)

// tryText is what the doctor has spoken: good day.
const tryText = "您好"

// speech has the engine render a word.
func speech(ctx context.Context, cfg conf.Config) []Finding {
	const about, do = "speech", "see speech.engine and what belongs to it in the configuration; Debian: apt install espeak-ng"
	if cfg.Speech.Engine == conf.SpeechNone {
		return []Finding{warn(about, "no engine is configured: calls that speak a template end with 8005", do)}
	}
	engine, err := daemon.SpeechEngine(cfg)
	if err != nil {
		return []Finding{failed(about, err.Error(), do)}
	}
	dir, err := os.MkdirTemp("", "maskline-doctor-*")
	if err != nil {
		return []Finding{failed(about, err.Error(), "make room in the directory for temporary files")}
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := media.NewSpeaker(media.SpeechOptions{Engine: engine, Voice: cfg.Speech.Voice, Dir: dir, Timeout: min(cfg.Speech.Timeout, checkIn)})
	if err != nil {
		return []Finding{failed(about, err.Error(), do)}
	}
	defer s.Close()
	began := time.Now()
	_, length, err := s.Render(ctx, models.Speech{Text: tryText})
	switch {
	case errors.Is(err, exec.ErrNotFound):
		// Whoever has no voice app needs no engine.
		return []Finding{warn(about, err.Error()+": calls that speak a template end with 8005", do)}
	case err != nil:
		return []Finding{failed(about, err.Error(), do)}
	}
	return []Finding{ok(about, fmt.Sprintf("the engine spoke a word of %.1f s in %.1f s", length.Seconds(), time.Since(began).Seconds()))}
}

// recordings asks the object store whether it is there.
func recordings(ctx context.Context, cfg conf.Config) []Finding {
	if cfg.Media.RecordStore != conf.RecordS3 {
		return nil
	}
	const about, do = "recordings", "see that the store answers, that the bucket exists and that key and secret of section s3 may use it"
	s3, err := daemon.NewS3(cfg)
	if err == nil {
		err = s3.Check(ctx)
	}
	if err != nil {
		return []Finding{failed(about, err.Error(), do)}
	}
	return []Finding{ok(about, fmt.Sprintf("bucket %s answers at %s", cfg.S3.Bucket, cfg.S3.Endpoint))}
}

// sounds asks for media.sounds_url as a switch would. Without a signature it answers 404, and so it should.
func sounds(ctx context.Context, cfg conf.Config) []Finding {
	base := cfg.Media.SoundsURL
	if base == "" {
		return nil
	}
	const about = "media.sounds_url"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+media.SoundsPath, http.NoBody)
	if err != nil {
		return []Finding{failed(about, err.Error(), "write it as http://host:port")}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		if _, isDial := errors.AsType[*net.OpError](err); isDial {
			return []Finding{warn(about, err.Error(), "start the daemon; if it runs, see that listen.sounds is what this address leads to")}
		}
		return []Finding{failed(about, err.Error(), "see that this address leads to listen.sounds")}
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		return []Finding{failed(about, base+" answers "+res.Status+": somebody else is there", "see that this address leads to listen.sounds")}
	}
	return []Finding{ok(about, base+" answers")}
}
