package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/controller/switches"
	"maskline/models"
)

// makeOrders makes what carries operators' orders to switches out. What is ordered is read at once, so that no call is placed on a switch that is
// being drained.
func (d *Daemon) makeOrders(ctx context.Context) error {
	d.measureDrain()
	d.orders = switches.New(switches.Options{Store: d.store, Switches: d.switches, Daemon: d.cfg.DaemonName(), Observe: newSwitchMetrics(d.metrics.registry), Log: d.log})
	ctx, cancel := context.WithTimeout(ctx, partIn)
	defer cancel()
	return d.orders.Load(ctx)
}

// switchMetrics tell how switches stand towards new calls. Every daemon tells the same of all switches: what stands in the database.
type switchMetrics struct {
	draining, drained *prometheus.GaugeVec
	failures          *prometheus.CounterVec
}

var _ switches.Observe = switchMetrics{}

func newSwitchMetrics(r prometheus.Registerer) switchMetrics {
	m := switchMetrics{
		draining: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "maskline", Name: "switch_draining",
			Help: "1 while a switch is ordered to take no new calls."}, []string{"switch"}),
		drained: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "maskline", Name: "switch_drained",
			Help: "1 while a switch that is ordered to take no new calls has none left."}, []string{"switch"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "maskline", Name: "switch_order_failures_total",
			Help: "Looks at which an order to a switch could not be carried out."}, []string{"switch"}),
	}
	r.MustRegister(m.draining, m.drained, m.failures)
	return m
}

// SwitchStands tells how a switch stands.
func (m switchMetrics) SwitchStands(name string, wanted, is models.SwitchState) {
	drains := wanted == models.SwitchDraining
	m.draining.WithLabelValues(name).Set(float64(bit(drains)))
	m.drained.WithLabelValues(name).Set(float64(bit(drains && is == models.SwitchDrained)))
	m.failures.WithLabelValues(name).Add(0) // so that its first failure is an increase
}

// SwitchOrderFailed counts.
func (m switchMetrics) SwitchOrderFailed(name string) { m.failures.WithLabelValues(name).Inc() }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// standingAside are notes for /readyz on switches that take no new calls.
func (d *Daemon) standingAside() (notes []string) {
	for _, sw := range d.switches {
		r := d.orders.Row(sw.Name())
		if !r.Draining() {
			continue
		}
		state := "draining"
		if r.Sight.State == models.SwitchDrained {
			state = "drained"
		}
		notes = append(notes, fmt.Sprintf("switch %s: %s, ordered by %s at %s", sw.Name(), state, r.Order.By, r.Order.At.Format(time.RFC3339)))
	}
	return notes
}
