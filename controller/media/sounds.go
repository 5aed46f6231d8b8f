package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// SoundsPath is where Sounds are served below their base URL.
const SoundsPath = "/sounds/"

// The kinds of sound, as the first part of their names.
const (
	kindPlatform = "platform" // platform/NAME.wav
	kindTenant   = "tenant"   // tenant/SP_ID/NAME.wav
	kindSpeech   = "speech"   // speech/HASH.wav
)

// Sounds gives sounds to switches that do not see this machine's directories, but fetch them over HTTP and keep them (mod_http_cache).
//
// An address is http_cache://BASE/sounds/VERSION.SIGNATURE/NAME. The version follows from the file's size and time: the switch keeps a sound by
// its whole address, so a file that was replaced is fetched anew. The signature covers both, so nobody can try names. An address holds
// nothing that dial strings, file_string, playback lists or the Event Socket would read as their own: of signs only : / . - _ and @.
type Sounds struct {
	base string
	key  []byte
}

// NewSounds makes addresses below base, which is where switches reach Handler, such as http://192.0.2.1:8091. The key signs them; every daemon
// has the same.
func NewSounds(base string, key []byte) (*Sounds, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !plainBase.MatchString(base) {
		return nil, fmt.Errorf("%q is not an http or https address without user, query and signs of its own that switches reach", base)
	}
	if len(key) < 16 {
		return nil, errors.New("the key that signs addresses of sounds has fewer than 16 bytes")
	}
	return &Sounds{base: strings.TrimRight(base, "/"), key: key}, nil
}

var plainBase = regexp.MustCompile(`^[0-9A-Za-z:/._-]+$`)

// address is where the switch finds a sound.
func (s *Sounds) address(version, name string) string {
	return "http_cache://" + s.base + SoundsPath + version + "." + s.sign(version, name) + "/" + name
}

func (s *Sounds) sign(version, name string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("maskline sound\n" + version + "\n" + name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// speechVersion stands for every version of a rendered text: its name says all that it depends on.
const speechVersion = "0"

// version changes when a file does.
func version(info fs.FileInfo) string {
	return strconv.FormatInt(info.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36)
}

// How long a switch may keep a sound, seconds. One whose file has been replaced since the address was made goes out as it is now, to be kept for
// the calls that were dialled with that address only.
const (
	keepSound    = 7 * 24 * 60 * 60
	keepReplaced = 60
)

// Handler serves the sounds of a library and a speaker, either of which may be nil. It answers GET and HEAD of SoundsPath; whatever it does not
// give is 404.
func (s *Sounds) Handler(l *Library, sp *Speaker) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		file, asked, ok := s.find(r.URL.Path, l, sp)
		if !ok {
			http.NotFound(w, r)
			return
		}
		send(w, r, file, asked)
	})
}

// find gives the file on this machine that a request asks for, and in which version.
func (s *Sounds) find(asked string, l *Library, sp *Speaker) (file, ver string, ok bool) {
	below, ok := strings.CutPrefix(asked, SoundsPath)
	signed, name, cut := strings.Cut(below, "/")
	ver, signature, signedToo := strings.Cut(signed, ".")
	if !ok || !cut || !signedToo || !hmac.Equal([]byte(signature), []byte(s.sign(ver, name))) {
		return "", "", false
	}
	kind, rest, _ := strings.Cut(name, "/")
	switch {
	case kind == kindSpeech && sp != nil:
		file, ok = sp.place(rest)
	case kind == kindPlatform && l != nil:
		file, ok = local(l.Look("", rest))
	case kind == kindTenant && l != nil:
		spID, own, _ := strings.Cut(rest, "/")
		file, ok = local(l.Look(spID, own))
	default:
		ok = false
	}
	return file, ver, ok
}

func local(p Prompt, err error) (string, bool) { return p.Path, err == nil }

func send(w http.ResponseWriter, r *http.Request, file, asked string) {
	f, err := os.Open(file) //nolint:gosec // a name that the library or the speaker made
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, "the sound cannot be read", http.StatusInternalServerError)
		return
	}
	keep := keepSound
	if asked != speechVersion && asked != version(info) {
		keep = keepReplaced
	}
	w.Header().Set("Content-Type", "audio/x-wav")
	w.Header().Set("Cache-Control", "max-age="+strconv.Itoa(keep))
	http.ServeContent(w, r, "", info.ModTime(), f)
}
