package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"maskline/models"
)

// tollMetrics is what /metrics tells of calls that were refused to protect who pays for them.
type tollMetrics struct{ toll *prometheus.CounterVec }

func newTollMetrics(r prometheus.Registerer) tollMetrics {
	m := tollMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "maskline", Name: "toll_refused_total",
		Help: "Calls, and requests for calls, that were refused or held back to protect their tenant from misuse: by app and by the limit they met."}, []string{"app", "limit"})}
	r.MustRegister(m.toll)
	return m
}

// TollRefused counts a call that met a limit of its tenant (flow.Observe).
func (m tollMetrics) TollRefused(app, limit string) { m.toll.WithLabelValues(app, limit).Inc() }

// barredRequest counts a request for a call that goes where none may.
func (m tollMetrics) barredRequest(app string) { m.TollRefused(app, "destination") }

// toll is what the configuration says of where calls may go and what bounds each tenant's.
func (d *Daemon) toll() models.Toll {
	return models.Toll{Destinations: d.cfg.DestinationModel(), Limits: d.cfg.Call.Limits.Model()}
}
