package daemon

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"maskline/controller/delivery"
	"maskline/controller/flow"
	"maskline/esl/freeswitch"
	"maskline/models"
	"maskline/models/store"
)

// metrics is everything /metrics tells. Labels are words of small sets: modes, codes, stages, names of the configuration, keys of apps.
// Never a number or a URL.
type metrics struct {
	registry *prometheus.Registry

	started, ended, strangers, claims, dropped, risk, untaken, rescued *prometheus.CounterVec
	refused, flowControlled                                            *prometheus.CounterVec
	stages                                                             *prometheus.HistogramVec
	promptMissing, commitRetried, panicked                             prometheus.Counter
	leaks                                                              *prometheus.CounterVec
	pushes                                                             *prometheus.HistogramVec
	moved                                                              *prometheus.CounterVec
	held                                                               *prometheus.GaugeVec
	leases                                                             *prometheus.CounterVec
	switchUp                                                           *prometheus.GaugeVec
	switchEvents, switchFailures, overflows, resyncs                   *prometheus.CounterVec
	switchCommands                                                     *prometheus.HistogramVec
	reports                                                            *prometheus.CounterVec
	jobMetrics
	soundMetrics
	drainMetrics
	tollMetrics
}

var (
	_ flow.Observe      = (*metrics)(nil)
	_ delivery.Observer = (*metrics)(nil)
)

// quick are buckets for what takes milliseconds; slow for what may take seconds.
var (
	quick = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	slow  = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 90}
)

func newMetrics(version string) *metrics {
	r := prometheus.NewRegistry()
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
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "maskline", Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	m := &metrics{
		registry:       r,
		started:        counter("calls_started_total", "Calls that were routed, by mode.", "mode"),
		ended:          counter("calls_ended_total", "Calls that ended, by mode, state code and what the record was completed from.", "mode", "state", "source"),
		strangers:      counter("strangers_total", "Callers refused because they come from no trunk.", "switch"),
		risk:           counter("risk_reported_total", "Calls that a risk rule would have refused, had it not been set to report only, by its state code.", "state"),
		refused:        counter("calls_refused_total", "Calls that came in and were refused unheard, for being one too many: by why.", "why"),
		flowControlled: counter("api_flow_controlled_total", "Requests to the tenant API that were answered with flow control: by why.", "why"),
		leases:         counter("leases_moved_total", "Leases of switches and lanes that this daemon took, gave back in good order, or lost.", "kind", "how"),
		claims:         counter("claims_total", "Parked calls that this daemon tried to take.", "won"),
		dropped:        counter("leg_reports_dropped_total", "Records of legs that completed no call.", "why"),
		rescued:        counter("callers_rescued_total", "Callers whose leg nobody held, taken up or ended: by why.", "why"),
		untaken:        counter("calls_untaken_total", "Calls that no daemon took, written from the switch's record of them: by switch and why.", "switch", "why"),
		stages:         histogram("call_stage_seconds", "Time taken by the stages of a call's set-up.", slow, "stage"),
		leaks:          counter("leaks_prevented_total", "Strings withheld from a switch since somebody could have read another's number in them, by what they were.", "where"),
		promptMissing:  counter("prompts_missing_total", "Prompts that were to be played and were not there.").WithLabelValues(),
		commitRetried:  counter("commits_retried_total", "Steps of calls that had to wait for the database.").WithLabelValues(),
		panicked:       counter("panics_total", "Calls whose goroutine panicked.").WithLabelValues(),
		pushes:         histogram("push_seconds", "Pushes to customers' URLs, by kind and result.", slow, "kind", "result"),
		moved:          counter("deliveries_total", "Deliveries that reached a state.", "kind", "state"),
		held:           gauge("deliveries_held", "Deliveries in memory: waiting for their first attempt or a later one, and pushes under way.", "phase"),
		switchUp:       gauge("switch_up", "1 while a switch's events flow and it takes commands.", "switch"),
		switchEvents:   counter("switch_events_total", "Events of a switch.", "switch", "event"),
		switchFailures: counter("switch_command_failures_total", "Commands that a switch refused or did not answer.", "switch", "command"),
		switchCommands: histogram("switch_command_seconds", "Time to a switch's reply.", quick, "switch", "command"),
		overflows:      counter("call_mailbox_overflows_total", "Calls that missed events because they were too slow.", "switch"),
		resyncs:        counter("switch_resyncs_total", "Looks at a switch's channels.", "switch", "ok"),
		reports:        counter("leg_reports_total", "Records of legs that came in, by way.", "way"),
		jobMetrics:     newJobMetrics(r),
		soundMetrics:   newSoundMetrics(r),
		tollMetrics:    newTollMetrics(r),
	}
	gauge("build_info", "1; the version is the label.", "version").WithLabelValues(version).Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watchStore tells of the database's pool and of the committer's queue.
func (m *metrics) watchStore(stats func() store.Stats) {
	for _, g := range []struct {
		name, help string
		value      func(store.Stats) int
	}{
		{"db_connections_open", "Connections to the database that are open.", func(s store.Stats) int { return s.Write.OpenConnections }},
		{"db_connections_used", "Connections to the database that are in use.", func(s store.Stats) int { return s.Write.InUse }},
		{"db_readers_used", "SQLite readers in use; the same pool for MySQL.", func(s store.Stats) int { return s.Read.InUse }},
		{"db_waits", "How often somebody has waited for a connection.", func(s store.Stats) int { return int(s.Write.WaitCount + s.Read.WaitCount) }},
		{"commit_queue", "Steps of calls that wait to be committed.", func(s store.Stats) int { return s.Waiting }},
	} {
		m.gauge(g.name, g.help, func() float64 { return float64(g.value(stats())) })
	}
}

func (m *metrics) gauge(name, help string, value func() float64) { m.gaugeOf(name, help, nil, value) }

// gaugeOf is gauge for one value of its labels.
func (m *metrics) gaugeOf(name, help string, labels prometheus.Labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "maskline", Name: name, Help: help, ConstLabels: labels}, value))
}

// onSwitch are the hooks of one switch's adapter.
func (m *metrics) onSwitch(name string) freeswitch.Metrics {
	m.switchUp.WithLabelValues(name).Set(0)
	return freeswitch.Metrics{
		Up: func(up bool) {
			v := 0.0
			if up {
				v = 1
			}
			m.switchUp.WithLabelValues(name).Set(v)
		},
		Event: func(event string) { m.switchEvents.WithLabelValues(name, event).Inc() },
		Command: func(command string, took time.Duration, failed error) {
			m.switchCommands.WithLabelValues(name, command).Observe(took.Seconds())
			if failed != nil {
				m.switchFailures.WithLabelValues(name, command).Inc()
			}
		},
		Overflow: func() { m.overflows.WithLabelValues(name).Inc() },
		Resync: func(_ time.Duration, failed error) {
			m.resyncs.WithLabelValues(name, strconv.FormatBool(failed == nil)).Inc()
		},
	}
}

// What a call tells (flow.Observe).

func (m *metrics) CallStarted(mode models.Mode) {
	m.started.WithLabelValues(orNone(string(mode))).Inc()
}
func (m *metrics) CallEnded(mode models.Mode, state models.StateCode, source models.Source) {
	m.ended.WithLabelValues(orNone(string(mode)), strconv.Itoa(int(state)), string(source)).Inc()
}
func (m *metrics) Stage(name string, took time.Duration) {
	m.stages.WithLabelValues(name).Observe(took.Seconds())
}
func (m *metrics) StrangerRefused(switchName string) { m.strangers.WithLabelValues(switchName).Inc() }
func (m *metrics) Claimed(won bool)                  { m.claims.WithLabelValues(strconv.FormatBool(won)).Inc() }
func (m *metrics) Overloaded(why flow.Overload)      { m.refused.WithLabelValues(string(why)).Inc() }

// flowControl hears of requests to the tenant API that were one too many.
func (m *metrics) flowControl(why string) { m.flowControlled.WithLabelValues(why).Inc() }

func (m *metrics) RiskReported(state models.StateCode) {
	m.risk.WithLabelValues(strconv.Itoa(int(state))).Inc()
}
func (m *metrics) PromptMissing()             { m.promptMissing.Inc() }
func (m *metrics) LeakPrevented(where string) { m.leaks.WithLabelValues(where).Inc() }
func (m *metrics) CommitRetried()             { m.commitRetried.Inc() }
func (m *metrics) ReportDropped(why string)   { m.dropped.WithLabelValues(why).Inc() }
func (m *metrics) Untaken(switchName, why string) {
	m.untaken.WithLabelValues(switchName, why).Inc()
}

func (m *metrics) Rescued(why string) { m.rescued.WithLabelValues(why).Inc() }
func (m *metrics) Panicked()          { m.panicked.Inc() }

// What the courier tells (delivery.Observer).

func (m *metrics) Attempted(kind models.DeliveryKind, result delivery.Result, took time.Duration) {
	m.pushes.WithLabelValues(string(kind), string(result)).Observe(took.Seconds())
}

func (m *metrics) Moved(kind models.DeliveryKind, state models.DeliveryState, n int) {
	m.moved.WithLabelValues(string(kind), string(state)).Add(float64(n))
}

func (m *metrics) Held(waiting, retrying, flying int) {
	m.held.WithLabelValues("waiting").Set(float64(waiting))
	m.held.WithLabelValues("retrying").Set(float64(retrying))
	m.held.WithLabelValues("flying").Set(float64(flying))
	m.pushing.Store(int64(flying))
}

// orNone names the absence: a call to a number that is not ours has no mode.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
