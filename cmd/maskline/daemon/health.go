package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readiness is the answer of /readyz.
type readiness struct {
	Ready    bool     `json:"ready"`
	NotReady []string `json:"not_ready,omitempty"` // why not
	Notes    []string `json:"notes,omitempty"`     // what is wrong without being in the way
}

// healthIn bounds what /readyz asks of the database.
const healthIn = 2 * time.Second

// observed puts health and metrics beside the admin API. They need no token: they tell no number and no name of a customer; keys of apps
// with calls waiting are the most.
func (d *Daemon) observed(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthIn)
		defer cancel()
		state := d.ready(ctx)
		w.Header().Set("Content-Type", "application/json")
		if !state.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(state)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{Registry: d.metrics.registry}))
	return mux
}

// ready says whether requests and calls can be taken now.
func (d *Daemon) ready(ctx context.Context) readiness {
	var r readiness
	if d.draining.Load() {
		r.NotReady = append(r.NotReady, "the daemon is draining")
	}
	if !d.started.Load() {
		r.NotReady = append(r.NotReady, "the daemon is starting")
	}
	if err := d.store.Ping(ctx); err != nil {
		r.NotReady = append(r.NotReady, "database: "+maskText(err.Error()))
	}
	up := 0
	var down, others []string
	for _, sw := range d.switches {
		st := sw.Status()
		if st.Up {
			up++
			continue
		}
		if owner, is := d.ownerOf(sw.Name()); is {
			others = append(others, fmt.Sprintf("switch %s: daemon %s runs it", sw.Name(), owner))
			continue
		}
		why := "not connected"
		if st.Err != nil {
			why = maskText(st.Err.Error())
		}
		down = append(down, fmt.Sprintf("switch %s: %s", sw.Name(), why))
	}
	switch {
	case len(d.switches) == 0:
		r.Notes = append(r.Notes, "no switch is configured: this daemon serves the API and takes no calls")
	case up == 0 && len(down) > 0:
		r.NotReady = append(r.NotReady, down...)
	default:
		r.Notes = append(r.Notes, down...)
	}
	r.Notes = append(r.Notes, others...)
	r.Notes = append(r.Notes, d.standingAside()...)
	r.Ready = len(r.NotReady) == 0
	return r
}
