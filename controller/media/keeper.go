package media

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// KeeperStore is what a Keeper asks of the database.
type KeeperStore interface {
	WaitingRecordings(ctx context.Context, n int) ([]models.Recording, error)
	RecordingsOf(ctx context.Context, f store.RecordingFilter, page models.Page) ([]models.Recording, int, error)
	Recording(ctx context.Context, name string) (models.Recording, error)
	SetRecording(ctx context.Context, r models.Recording) error
	HeldDeliveries(ctx context.Context, n int) ([]models.Delivery, error)
	ReleaseDelivery(ctx context.Context, sessionID string, body []byte, cdr *models.CDR) (models.Delivery, bool, error)
	CDR(ctx context.Context, sessionID string) (models.CDR, error)
	App(ctx context.Context, id int64) (models.App, error)
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
}

// KeeperOutbox writes a CDR for its push and takes the pushes that were released.
type KeeperOutbox interface {
	Record(app models.App, spID string, c models.CDR) []byte
	Offer(committed []models.Delivery)
}

// KeeperObserver is told what a Keeper does, for metrics. Its methods must not wait.
type KeeperObserver interface {
	// Settled is told how a call's recording turned out, and how long after it was due to be there at the latest (negative: before). Missing is
	// an alarm.
	Settled(state models.RecordingState, after time.Duration)
	// Late is told of a recording that came when its CDR had gone without it.
	Late()
	// Waiting is told after each look how many recordings are waited for, up to keeperMost.
	Waiting(n int)
}

type unkept struct{}

func (unkept) Settled(models.RecordingState, time.Duration) {}
func (unkept) Late()                                        {}
func (unkept) Waiting(int)                                  {}

// KeeperOptions is how a Keeper works. Store, Outbox and Recordings are required.
type KeeperOptions struct {
	Store      KeeperStore
	Outbox     KeeperOutbox
	Recordings *Recordings
	Poll       time.Duration  // between two looks; 0 is 1 s
	Observe    KeeperObserver // nil observes nothing
	Log        *slog.Logger   // nil is silent
}

const (
	keeperMost = 5000             // recordings looked at in one round
	askAgain   = 10 * time.Second // between two questions to the object store for one recording
	askMost    = 100              // questions to it in one round
	settleIn   = 10 * time.Second // for the database to take one outcome
	lateEvery  = 30 * time.Second // between looks for those that were given up
	heldEvery  = time.Minute      // between looks for pushes that nobody released
	// A file that a call's end left unfinished, and that nobody has written to for so long, is mended.
	// The switch writes 64 kB at once, two seconds of sound.
	orphanedFor = 15 * time.Second
)

// Keeper waits, after the end of a recorded call, for the file, and lets the push of the CDR go when it is there, or will not be. What it waits
// for stands in the database, so nothing is forgotten when it dies, and several may run.
type Keeper struct {
	o       KeeperOptions
	watched map[string]*watch // by name, of those that wait
	late    int               // offset of the next page of those that were given up
	lateAt  time.Time
	heldAt  time.Time
}

// watch is what is known of a recording that is waited for.
type watch struct {
	cdr   models.CDR
	known bool      // the CDR was read
	asked time.Time // when the object store was asked last
}

// NewKeeper makes a Keeper.
func NewKeeper(o KeeperOptions) *Keeper {
	o.Poll = cmp.Or(o.Poll, time.Second)
	if o.Observe == nil {
		o.Observe = unkept{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{o: o, watched: map[string]*watch{}}
}

// Run looks until ctx ends. What fails is tried again with the next look.
func (k *Keeper) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		k.round(ctx)
		timer.Reset(k.o.Poll)
	}
}

func (k *Keeper) round(ctx context.Context) {
	now := time.Now()
	k.complain(ctx, "look for recordings that are waited for", k.waiting(ctx, now))
	if now.Sub(k.lateAt) >= lateEvery {
		k.lateAt = now
		k.complain(ctx, "look for recordings that were given up", k.given(ctx, now))
	}
	if now.Sub(k.heldAt) >= heldEvery {
		k.heldAt = now
		k.complain(ctx, "look for pushes that wait for no recording", k.held(ctx, now))
	}
}

func (k *Keeper) complain(ctx context.Context, tried string, err error) {
	if err != nil && ctx.Err() == nil {
		k.o.Log.WarnContext(ctx, "recordings: something failed and will be tried again", "tried", tried, "error", err)
	}
}

// waiting settles what can be settled. One that fails does not keep the others waiting.
func (k *Keeper) waiting(ctx context.Context, now time.Time) error {
	list, err := k.o.Store.WaitingRecordings(ctx, keeperMost)
	if err != nil {
		return err
	}
	left, asked := make(map[string]*watch, len(list)), 0
	for _, w := range list {
		about := cmp.Or(k.watched[w.Name], &watch{})
		rec, settled, err := k.judge(ctx, w, about, now, &asked)
		if err == nil && settled {
			err = k.settle(ctx, rec, now)
		}
		if err != nil && ctx.Err() != nil {
			return err
		}
		if !settled || err != nil {
			left[w.Name] = about
			k.complain(ctx, "settle recording "+w.Name, err)
		}
	}
	k.watched = left
	k.o.Observe.Waiting(len(left))
	return nil
}

// judge says how a recording turned out, if that is clear yet.
func (k *Keeper) judge(ctx context.Context, w models.Recording, about *watch, now time.Time, asked *int) (models.Recording, bool, error) {
	if rec, ok := k.o.Recordings.rescue(w.Name, now); ok {
		return found(w, rec, now), true, nil
	}
	if !about.known {
		c, err := k.o.Store.CDR(ctx, w.SessionID)
		if err != nil && models.CodeOf(err) != models.NotFound {
			return w, false, err
		}
		about.cdr, about.known = c, true
	}
	talk, ended := about.cdr.EndAt.Sub(about.cdr.AnswerAt), !about.cdr.EndAt.IsZero()
	if ended && (about.cdr.AnswerAt.IsZero() || talk < ShortRecording) { // no sound is longer than the talk: nothing to wait for
		w.State = models.RecordingShort
		return w, true, nil
	}
	over := !now.Before(w.WaitUntil)
	if k.o.Recordings.s3 != nil && (over || now.Sub(about.asked) >= askAgain && *asked < askMost) {
		about.asked, *asked = now, *asked+1
		rec, ok, err := k.o.Recordings.Look(ctx, w.Name)
		if ok {
			return found(w, rec, now), true, nil
		}
		if err != nil && !over {
			return w, false, err
		}
	}
	if !over {
		return w, false, nil
	}
	w.State = models.RecordingMissing
	return w, true, nil
}

// found is the row of a recording whose file is there.
func found(row, file models.Recording, now time.Time) models.Recording {
	row.State, row.Bytes, row.Duration = file.State, file.Bytes, file.Duration
	if row.State == models.RecordingKept {
		row.KeptAt = now.UTC()
	}
	return row
}
