package daemon

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"maskline/conf"
	"maskline/esl/freeswitch"
	"maskline/esl/sim"
	"maskline/web/intake"
)

// anybody is who answers numbers of a simulated switch that no script speaks of.
var anybody = sim.Phone{Rings: 2 * time.Second, HangsUpAfter: 30 * time.Second}

// makeSwitches makes an adapter for each switch, and the simulated switches themselves.
func (d *Daemon) makeSwitches(context.Context) error {
	for i, s := range d.cfg.Switches {
		password, err := s.Password.Reveal()
		if err != nil {
			return fmt.Errorf("switches[%d].password: %w", i, err)
		}
		addr := s.Addr
		if s.Simulated {
			if addr, err = d.simulate(s, password); err != nil {
				return err
			}
		}
		d.switches = append(d.switches, freeswitch.New(freeswitch.Options{
			Name: s.Name, Addr: addr, Password: password, Commands: s.Commands, Allowed: func() bool { return d.runs(s.Name) }, Logger: d.log, Metrics: d.metrics.onSwitch(s.Name),
		}))
	}
	return nil
}

// simulate starts a simulated switch and gives the address of its event socket.
func (d *Daemon) simulate(s conf.Switch, password string) (string, error) {
	intakePassword, err := d.cfg.Intake.Password.Reveal()
	if err != nil {
		return "", fmt.Errorf("intake.password: %w", err)
	}
	o := sim.Options{Hostname: s.HostName(), Password: password, Sounds: filepath.Join(d.cfg.Media.Prompts, d.cfg.Media.Language), Log: d.log,
		CDR: sim.CDR{User: d.cfg.Intake.User, Password: intakePassword, Spool: s.Spool}}
	for _, t := range d.trunks {
		o.Trunks = append(o.Trunks, t.Addresses...)
		o.Gateways = append(o.Gateways, t.Name)
	}
	if len(o.Trunks) == 0 {
		// Everybody is a stranger, as on the real switch; an empty list would let everybody in.
		o.Trunks = []netip.Prefix{netip.MustParsePrefix("255.255.255.255/32")}
	}
	if at := d.Addr("intake"); at != "" {
		o.CDR.URL = "http://" + at + intake.Path
	}
	sw := sim.New(o)
	bound, err := sw.Listen(s.Addr)
	if err != nil {
		return "", fmt.Errorf("listen for simulated switch %s on %s: %w", s.Name, s.Addr, err)
	}
	d.sims = append(d.sims, sw)
	d.closers.add("simulated switch "+s.Name, partIn, func(context.Context) error { return sw.Close() })
	sw.SetPhone(anybody)
	return bound.String(), nil
}

// simControl is the control of the first simulated switch; nil when there is none.
func (d *Daemon) simControl() http.Handler {
	if len(d.sims) == 0 {
		return nil
	}
	return sim.Control(d.sims[0])
}
