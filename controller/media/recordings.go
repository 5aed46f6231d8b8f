package media

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"maskline/models"
)

// Recordings knows where recordings are: <dir>/<yyyyMMdd>/<name>, the day being Beijing's, as in the name. There the switch writes them, and
// there they stay for their days; with S3 a Drain moves each to the object store, where it has the same name below the prefix.
type Recordings struct {
	folder
	s3  *S3 // nil: the directory is the store
	key []byte
	// keepDays is how many days a recording is kept, 1 or more (spec/privatenumber.md §5: 7).
	keepDays int
	// totalMax is how many bytes all recordings may have; 0 is no bound.
	totalMax int64
}

// RecordingsOptions is how recordings are kept. The zero value of each but Dir and Key is its default.
type RecordingsOptions struct {
	Dir      string // the switch writes there under the same name
	Key      []byte // signs links: 16 bytes or more, the same on every daemon
	KeepDays int    // 0 is 7
	TotalMax int64  // bytes of all recordings in Dir; Prune removes the oldest days beyond it. 0 is no bound
	S3       *S3    // where recordings are kept; nil is Dir
}

// NewRecordings makes the directory where it is missing.
func NewRecordings(o RecordingsOptions) (*Recordings, error) {
	if len(o.Key) < 16 {
		return nil, errors.New("the key that signs links to recordings has fewer than 16 bytes")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("make the recording directory absolute: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the recording directory: %w", err)
	}
	return &Recordings{folder: folder{dir}, s3: o.S3, key: o.Key, keepDays: cmp.Or(o.KeepDays, 7), totalMax: o.TotalMax}, nil
}

// beijing is the zone of recording names (spec/privatenumber.md §4.4). China has had no other offset since 1991.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

const nameDigits = 100_000_000_000 // 11 digits, as in the production sample

// RecordingName is the file name of a session's recording, yyMMddHHmmss in Beijing time, 11 digits and .wav (spec/privatenumber.md
// §4.4). The digits are drawn from the session id: they hold no number, differ between switches without asking anyone, and are the same
// when a successor names the recording again. t is the session's start, so that it is the same too.
func RecordingName(t time.Time, sessionID string) string {
	sum := sha256.Sum256([]byte(sessionID))
	return t.In(beijing).Format("060102150405") + fmt.Sprintf("%011d", binary.BigEndian.Uint64(sum[:8])%nameDigits) + ".wav"
}

// Name is RecordingName.
func (r *Recordings) Name(t time.Time, sessionID string) string { return RecordingName(t, sessionID) }

var recordingName = regexp.MustCompile(`^[0-9]{12}[0-9]{1,32}\.wav$`)

// place is the path below the directory.
func place(name string) (string, error) {
	if !recordingName.MatchString(name) {
		return "", models.Fail(models.RecordMissing, "fileName", "no recording has such a name")
	}
	return filepath.Join("20"+name[:6], name), nil
}

// Path is where the switch writes the recording of this name; the switch makes the day's directory. A name that Name did not make is
// RecordMissing.
func (r *Recordings) Path(name string) (string, error) {
	below, err := place(name)
	if err != nil {
		return "", err
	}
	return filepath.Join(r.dir, below), nil
}

// Open opens a recording that lies in the directory; the caller closes it. One that is not there is RecordMissing. Fetch looks further.
func (r *Recordings) Open(name string) (*os.File, error) { return r.open(name) }

// Exists says whether Open would find the recording.
func (r *Recordings) Exists(name string) bool {
	f, err := r.open(name)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}
