package intake

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"maskline/controller/media"
	"maskline/models"
)

// RecordingPath is where a drain on another host sends recordings to, by PUT with the name at the end.
const RecordingPath = media.SendPath

// How long a recording may take to arrive: as long as its sender gives itself.
const (
	arrivesIn   = time.Minute
	arrivesStep = 16 << 20 // bytes for each arrivesIn
)

// Receiver keeps recordings. It returns when one is whole, compared with its digest and on disk.
type Receiver interface {
	Receive(ctx context.Context, name string, body io.Reader, want media.Digest) error
}

// NewRecordings makes the handler of RecordingPath, which stands beside that of the leg records on one listener. user and password are the same.
//
// 201: it is kept, and the sender may remove its own. 409, 413 and 422 are final; after any other status the sender tries again.
func NewRecordings(to Receiver, user, password string, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+RecordingPath+"{name}", func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		if !same(u, user) || !same(p, password) {
			log.WarnContext(r.Context(), "recording refused: wrong user or password; compare intake.user and intake.password with the drain's", "from", r.RemoteAddr)
			w.Header().Set("WWW-Authenticate", `Basic realm="maskline"`)
			http.Error(w, "wrong user or password", http.StatusUnauthorized)
			return
		}
		name := r.PathValue("name")
		status, why, err := receive(w, r, to, name)
		if err != nil {
			log.ErrorContext(r.Context(), "recording not taken", "recording", name, "from", r.RemoteAddr, "status", status, "error", err)
		}
		if status != http.StatusCreated {
			http.Error(w, why, status)
			return
		}
		w.WriteHeader(status)
	})
	return mux
}

func receive(w http.ResponseWriter, r *http.Request, to Receiver, name string) (status int, why string, err error) {
	switch {
	case r.ContentLength < 0:
		return http.StatusLengthRequired, "how long is it?", nil
	case r.ContentLength > media.ReceiveMax:
		return http.StatusRequestEntityTooLarge, "no recording is so long", nil
	}
	want, err := media.ReadDigest(r.Header.Get(media.DigestHeader), r.ContentLength)
	if err != nil {
		return http.StatusBadRequest, err.Error(), err
	}
	// A recording takes longer than a leg record may. Where the connection has no deadlines there are none to move.
	until := time.Now().Add(arrivesIn * time.Duration(1+r.ContentLength/arrivesStep))
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(until)
	_ = control.SetWriteDeadline(until.Add(arrivesIn))
	switch err := to.Receive(r.Context(), name, r.Body, want); {
	case err == nil:
		return http.StatusCreated, "", nil
	case errors.Is(err, media.ErrTaken):
		return http.StatusConflict, "another recording has this name", err
	case errors.Is(err, media.ErrRecording):
		return http.StatusUnprocessableEntity, "it is no finished recording", err
	case models.CodeOf(err) == models.RecordMissing:
		return http.StatusUnprocessableEntity, "no recording has such a name", err
	case errors.Is(err, media.ErrDamaged), r.Context().Err() != nil:
		return http.StatusBadRequest, "the recording did not arrive whole", err
	default:
		return http.StatusInsufficientStorage, "not kept", err
	}
}
