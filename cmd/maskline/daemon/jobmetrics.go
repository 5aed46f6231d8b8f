package daemon

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/models"
)

// jobMetrics is what /metrics tells of notices to contacts, and of the schedule's jobs by name. Of several daemons each tells of its own runs: take the greatest success.
type jobMetrics struct {
	jobs         *prometheus.CounterVec
	jobTook      *prometheus.HistogramVec
	jobTouched   *prometheus.CounterVec
	jobSucceeded *prometheus.GaugeVec
	notices      *prometheus.CounterVec
}

func newJobMetrics(r prometheus.Registerer) jobMetrics {
	m := jobMetrics{
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "maskline", Name: "jobs_total", Help: "Runs of jobs."}, []string{"name", "ok"}),
		jobTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "maskline", Name: "job_seconds", Help: "Time that runs of jobs took.",
			Buckets: []float64{.01, .1, 1, 10, 60, 300, 1800}}, []string{"name"}),
		jobTouched: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "maskline", Name: "job_touched_total",
			Help: "Things that jobs touched: bindings closed, charges settled, rents charged, rows removed."}, []string{"name"}),
		jobSucceeded: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "maskline", Name: "job_succeeded_seconds",
			Help: "When a run of a job went well last, in seconds since 1970."}, []string{"name"}),
	}
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "maskline", Name: "notices_total",
		Help: "Notices to tenants' contacts, by what they were about, way and result."}, []string{"kind", "way", "result"})
	r.MustRegister(m.notices, m.jobs, m.jobTook, m.jobTouched, m.jobSucceeded)
	return m
}

func (m *metrics) jobDone(r models.JobRun, took time.Duration) {
	m.jobs.WithLabelValues(r.Name, strconv.FormatBool(r.Error == "")).Inc()
	m.jobTook.WithLabelValues(r.Name).Observe(took.Seconds())
	m.jobTouched.WithLabelValues(r.Name).Add(float64(r.Count))
	if r.Error == "" {
		m.jobSucceeded.WithLabelValues(r.Name).Set(float64(r.EndedAt.Unix()))
	}
}
