package daemon

import (
	"context"
	"fmt"
	"io"
	"time"

	"maskline/controller/media"
	"maskline/controller/voice"
	"maskline/models"
	"maskline/web/api"
)

// makeVoice makes what accepts and places calls of our own. A daemon without a switch has neither.
func (d *Daemon) makeVoice(context.Context) error {
	seats := make([]voice.Seat, 0, len(d.switches))
	for _, sw := range d.switches {
		seats = append(seats, voice.Seat{Switch: sw, Host: d.hostOf(sw.Name())})
	}
	if len(seats) == 0 {
		return nil
	}
	d.queue = voice.New(voice.Options{Store: d.store, Placer: d.engine, Outbox: d.courier, Speaker: d.speaker, Seats: seats, Draining: d.orders.Draining, Leased: true, Ours: d.runs, Trunks: d.trunks,
		Observe: d.metrics, Log: d.log})
	d.engine.OnPlacedEnd(d.queue.Ended)
	d.engine.OnDial(d.queue.Pass)
	d.engine.OnLimit(d.queue.Limited)
	d.desk = voice.NewDesk(voice.DeskOptions{Store: d.store, Prompts: d.prompts, Ports: d.queue, Seats: seats, Numbering: d.cfg.Numbering.Model(),
		International: d.cfg.API.International, Values: d.cfg.Speech.Limits(), Destinations: d.toll().Destinations, Barred: d.metrics.barredRequest})
	return nil
}

// acceptsCalls gives the tenant API what accepts calls, where there is any: a nil pointer in an interface is none.
func (d *Daemon) acceptsCalls(o *api.Options) {
	if d.desk != nil {
		o.Desk, o.Waiting = d.desk, d.queue
	}
}

// stop ends a call, waiting or live. The queue is asked first: a call goes from there to the engine, so it is not missed on its way.
func (d *Daemon) stop(ctx context.Context, sessionID string) error {
	if d.queue != nil {
		if err := d.queue.Stop(ctx, sessionID); models.CodeOf(err) != models.SessionOver {
			return err
		}
	}
	return stopper{d}.Stop(ctx, sessionID)
}

// makeKeeper makes what waits for the files of recordings, and what moves them to where they are kept.
func (d *Daemon) makeKeeper(context.Context) (err error) {
	d.keeper = media.NewKeeper(media.KeeperOptions{Store: d.store, Outbox: d.courier, Recordings: d.recordings, Observe: keeping{d.metrics}, Log: d.log})
	dirs := d.cfg.DrainDirs()
	if len(dirs) == 0 {
		return nil
	}
	d.drain, err = media.NewDrain(media.DrainOptions{Dirs: dirs, To: d.recordings, Observe: drained{d.metrics}, Log: d.log})
	if err != nil {
		return fmt.Errorf("media.drain: %w", err)
	}
	return nil
}

// removeRecording removes a recording on the operator's order.
func (d *Daemon) removeRecording(ctx context.Context, name string) error {
	return d.keeper.Remove(ctx, name, time.Now())
}

// openRecording opens a recording for the operator.
func (d *Daemon) openRecording(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	s, err := d.recordings.Fetch(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	return s, s.Bytes, nil
}
