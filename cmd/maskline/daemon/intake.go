package daemon

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"maskline/controller/cdr"
)

// intakePath is where switches post (maskline_cdr_url of vars.xml).
const intakePath = "/switch/v1/cdr"

// intake takes the records that switches post. The post runs in the leg's own thread on the switch, so it is answered as soon as the
// record is on disk.
func intake(user, password string, take func([]byte) error, log *slog.Logger) http.Handler {
	wantUser, wantPassword := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+intakePath, func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		gotUser, gotPassword := sha256.Sum256([]byte(u)), sha256.Sum256([]byte(p))
		if subtle.ConstantTimeCompare(gotUser[:], wantUser[:])&subtle.ConstantTimeCompare(gotPassword[:], wantPassword[:]) != 1 {
			log.WarnContext(r.Context(), "leg record refused: wrong user or password; compare intake.user and intake.password with the switch's vars.xml", "from", r.RemoteAddr)
			w.Header().Set("WWW-Authenticate", `Basic realm="maskline"`)
			http.Error(w, "wrong user or password", http.StatusUnauthorized)
			return
		}
		record, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cdr.MaxPost))
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			http.Error(w, "the record is too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the record did not arrive whole", http.StatusBadRequest)
			return
		}
		if err := take(record); err != nil {
			// The switch spools it itself then.
			log.ErrorContext(r.Context(), "leg record could not be kept; the switch spools it", "error", err)
			http.Error(w, "not kept", http.StatusInsufficientStorage)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return mux
}
