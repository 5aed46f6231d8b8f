package conf

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The checks of what is heard: prompts, speech, recordings.

// webAddress checks a URL of the kind that a client begins with. "" is for the caller to judge.
func (f *faults) webAddress(key, raw, is string) {
	if raw == "" {
		return
	}
	if u, err := url.Parse(raw); err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		f.add(key, "%q is not %s", raw, is)
	}
}

var plainURL = regexp.MustCompile(`^[0-9A-Za-z:/._-]+$`)

func (c Config) checkMedia(f *faults) {
	f.oneOf("media.language", c.Media.Language, "zh", "en")
	for _, d := range []struct{ key, dir, is string }{
		{"media.prompts", c.Media.Prompts, "a directory that the switch sees under the same name"},
		{"media.tenants", c.Media.Tenants, "a directory that the switch sees under the same name"},
		{"media.recordings", c.Media.Recordings, "a directory that the switch sees under the same name"},
		{"media.uploads", c.Media.Uploads, "the directory for prompts as they were uploaded"},
	} {
		if d.dir == "" {
			f.add(d.key, "is empty; it is %s", d.is)
		}
	}
	f.webAddress("media.link_base", c.Media.LinkBase, "the address tenants reach the API at, such as https://calls.example.com")
	f.webAddress("media.sounds_url", c.Media.SoundsURL, "the address switches reach listen.sounds at, such as http://192.0.2.1:8091")
	if (c.Media.SoundsURL == "") != (c.Listen.Sounds == "") {
		f.add("media.sounds_url", "and listen.sounds belong together: set both where switches fetch sounds over HTTP, or none where they read the directories")
	}
	// Commas, semicolons and the like divide what the switch is given to play.
	if c.Media.SoundsURL != "" && !plainURL.MatchString(c.Media.SoundsURL) {
		f.add("media.sounds_url", "%q is more than scheme, host, port and path, such as http://192.0.2.1:8091", c.Media.SoundsURL)
	}
}

// DrainDirs are the directories out of which the daemon moves recordings: with an object store the one that switches record into as well.
func (c Config) DrainDirs() []string {
	dirs := slices.Clone(c.Media.Drain)
	if c.Media.RecordStore == RecordS3 {
		dirs = append(dirs, c.Media.Recordings)
	}
	return dirs
}

func (c Config) checkRecordings(f *faults) {
	f.count("media.retention_days", c.Media.RetentionDays, 1, 3650)
	f.between("media.link_lifetime", c.Media.LinkLifetime, time.Minute, 7*24*time.Hour)
	f.between("media.record_wait", c.Media.RecordWait, time.Second, time.Hour)
	for _, d := range c.Media.Drain {
		if d == "" || d == c.Media.Recordings {
			f.add("media.drain", "%q is empty, or media.recordings itself; it lists other directories that switches of this machine record into", d)
		}
	}
	f.oneOf("media.record_store", c.Media.RecordStore, RecordLocal, RecordS3)
	if c.Media.RecordStore != RecordS3 {
		return
	}
	if c.S3.Endpoint == "" || c.S3.Bucket == "" || c.S3.Key == "" || c.S3.Secret.IsZero() {
		f.add("s3.endpoint", "is empty, or s3.bucket, s3.key or s3.secret; media.record_store s3 needs them all")
	}
	f.webAddress("s3.endpoint", c.S3.Endpoint, "the address of the store, such as https://s3.example.com")
	if u, err := url.Parse(c.S3.Endpoint); err == nil && strings.Trim(u.Path, "/") != "" {
		f.add("s3.endpoint", "%q holds a path; the bucket is s3.bucket, what stands before each name is s3.prefix", c.S3.Endpoint)
	}
	f.secret("s3.secret", c.S3.Secret)
}

func (c Config) checkSpeech(f *faults) {
	f.oneOf("speech.engine", c.Speech.Engine, SpeechNone, SpeechCommand, SpeechHTTP)
	switch {
	case c.Speech.Engine == SpeechCommand && (len(c.Speech.Command) == 0 || c.Speech.Command[0] == ""):
		f.add("speech.command", "is empty; it is a program and its arguments, such as [espeak-ng, --stdin, …]")
	case c.Speech.Engine == SpeechHTTP && c.Speech.URL == "":
		f.add("speech.url", "is empty; the engine http posts text to it")
	}
	f.webAddress("speech.url", c.Speech.URL, "an address such as http://127.0.0.1:5002/speak")
	f.secret("speech.token", c.Speech.Token)
	if c.Speech.Dir == "" {
		f.add("speech.dir", "is empty; it is the directory for rendered speech, which the switch sees under the same name or fetches from")
	}
	if c.Speech.MaxBytes < 1<<20 {
		f.add("speech.max_bytes", "%d is less than 1048576; a minute of speech has 960000 bytes", c.Speech.MaxBytes)
	}
	f.count("speech.concurrent", c.Speech.Concurrent, 1, 1000)
	f.count("speech.value_bytes", c.Speech.ValueBytes, 1, 900)
	f.between("speech.timeout", c.Speech.Timeout, time.Second, 2*time.Minute)
}
