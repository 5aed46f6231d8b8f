// Package intake takes the records that switches post at the end of each leg (mod_json_cdr). The leg's own thread on the switch waits for
// the answer, so it is given as soon as the record is kept; what it means is worked out later. It starts no goroutine.
package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"maskline/controller/cdr"
	"maskline/controller/spool"
)

// Path is where switches post to.
const Path = spool.SendPath

// Keeper keeps a record so that it survives this process.
type Keeper interface {
	Take(record []byte) error
	// TakeDurably is for one who removes what he sends.
	TakeDurably(record []byte) error
}

// New makes the handler. user and password are those of basic authentication in the switch's vars.xml.
func New(k Keeper, user, password string, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		if !same(u, user) || !same(p, password) {
			log.WarnContext(r.Context(), "leg record refused: wrong user or password; compare intake.user and intake.password with the switch's vars.xml", "from", r.RemoteAddr)
			w.Header().Set("WWW-Authenticate", `Basic realm="maskline"`)
			http.Error(w, "wrong user or password", http.StatusUnauthorized)
			return
		}
		// The content type is not looked at: without Expect: 100-continue mod_json_cdr sends a wrong one.
		record, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cdr.MaxPost))
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			http.Error(w, "the record is too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the record did not arrive whole", http.StatusBadRequest)
			return
		}
		take := k.Take
		if r.URL.Query().Get(spool.DurableField) == "true" {
			take = k.TakeDurably
		}
		if err := take(record); err != nil {
			log.ErrorContext(r.Context(), "leg record could not be kept; the switch spools it", "error", err)
			http.Error(w, "not kept", http.StatusInsufficientStorage)
		}
	})
	return mux
}

// same compares without telling by its time how much was right.
func same(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
