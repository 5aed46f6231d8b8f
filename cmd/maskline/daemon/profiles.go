package daemon

import (
	"net/http"
	"net/http/pprof"
	"time"
)

// profileWrite is how long a profile may be taken.
const profileWrite = 5 * time.Minute

// profiles is Go's own profiler, for listen.debug: whoever looks for what a call costs asks here (docs/performance.md).
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
