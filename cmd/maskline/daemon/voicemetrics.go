package daemon

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/controller/media"
	"maskline/controller/voice"
	"maskline/models"
)

// soundMetrics is what /metrics tells of placed calls, recordings and speech.
type soundMetrics struct {
	queueWaiting, queueOldest *prometheus.GaugeVec
	queueWait                 *prometheus.HistogramVec
	queueEnded                *prometheus.CounterVec
	queueRefused              prometheus.Counter
	recordings                *prometheus.CounterVec
	recordingsLate            prometheus.Counter
	recordingsWaiting         prometheus.Gauge
	drainMoved                prometheus.Counter
	drainFailed               *prometheus.CounterVec
	drainLeft, drainOldest    prometheus.Gauge
}

var (
	_ voice.Observe        = (*metrics)(nil)
	_ media.KeeperObserver = keeping{}
	_ media.DrainObserver  = drained{}
)

// patient are buckets for what waits in a queue.
var patient = []float64{.05, .1, .5, 1, 5, 10, 30, 60, 300, 900, 3600}

func newSoundMetrics(r *prometheus.Registry) soundMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "maskline", Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "maskline", Name: name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	m := soundMetrics{
		queueWaiting: gauge("queue_waiting", "Calls that wait to be placed, by app key.", "app"),
		queueOldest:  gauge("queue_oldest_seconds", "How long the first of an app's waiting calls has waited.", "app"),
		queueWait: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "maskline", Name: "queue_wait_seconds",
			Help: "How long calls waited that were dialled, by mode.", Buckets: patient}, []string{"mode"}),
		queueEnded:        counter("queue_ended_total", "Waiting calls that ended without having been dialled, by mode and state code.", "mode", "state"),
		queueRefused:      counter("queue_refused_total", "Times the engine could not take a call that was due; it waits on.").WithLabelValues(),
		recordings:        counter("recordings_total", "Recordings by how they turned out: kept, short, missing.", "state"),
		recordingsLate:    counter("recordings_late_total", "Recordings that came when the push of their record had gone without them.").WithLabelValues(),
		recordingsWaiting: gauge("recordings_waiting", "Recordings that are waited for.").WithLabelValues(),
		drainMoved:        counter("drain_moved_bytes_total", "Bytes of recordings moved to where they are kept.").WithLabelValues(),
		drainFailed:       counter("drain_failed_total", "Recordings that could not be moved: tried again, or put aside for good.", "aside"),
		drainLeft:         gauge("drain_left", "Finished recordings that are still to be moved.").WithLabelValues(),
		drainOldest:       gauge("drain_oldest_seconds", "How long the oldest of those has been there.").WithLabelValues(),
	}
	r.MustRegister(m.queueWait)
	return m
}

// What the queue of placed calls tells (voice.Observe).

// Waiting tells of every app with calls waiting; the others have none any more.
func (m *metrics) Waiting(apps []voice.Backlog) {
	m.queueWaiting.Reset()
	m.queueOldest.Reset()
	for _, a := range apps {
		m.queueWaiting.WithLabelValues(a.AppKey).Set(float64(a.Waiting))
		m.queueOldest.WithLabelValues(a.AppKey).Set(max(0, time.Since(a.Oldest).Seconds()))
	}
}

func (m *metrics) Dialled(mode models.Mode, waited time.Duration) {
	m.queueWait.WithLabelValues(string(mode)).Observe(waited.Seconds())
}

func (m *metrics) Ended(mode models.Mode, why models.StateCode) {
	m.queueEnded.WithLabelValues(string(mode), strconv.Itoa(int(why))).Inc()
}

func (m *metrics) Refused() { m.queueRefused.Inc() }

// keeping is what the keeper of recordings tells.
type keeping struct{ *metrics }

func (m keeping) Settled(state models.RecordingState, _ time.Duration) {
	m.recordings.WithLabelValues(string(state)).Inc()
}
func (m keeping) Late()         { m.recordingsLate.Inc() }
func (m keeping) Waiting(n int) { m.recordingsWaiting.Set(float64(n)) }

// drained is what the drain of recordings tells.
type drained struct{ *metrics }

func (m drained) Moved(bytes int64) { m.drainMoved.Add(float64(bytes)) }
func (m drained) Refused(aside bool) {
	m.drainFailed.WithLabelValues(strconv.FormatBool(aside)).Inc()
}
func (m drained) Left(n int, oldest time.Duration) {
	m.drainLeft.Set(float64(n))
	m.drainOldest.Set(oldest.Seconds())
}
