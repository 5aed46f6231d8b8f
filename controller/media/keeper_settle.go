package media

import (
	"cmp"
	"context"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// settle lets the CDR's push go, then notes how the recording turned out: whoever dies between the two does the first again, which
// then does nothing.
func (k *Keeper) settle(ctx context.Context, rec models.Recording, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, settleIn)
	defer cancel()
	if err := k.release(ctx, rec.SessionID, rec, nil); err != nil {
		return err
	}
	switch err := k.o.Store.SetRecording(ctx, rec); {
	case models.CodeOf(err) == models.Conflict: // somebody else was quicker
		return nil
	case err != nil:
		return err
	}
	k.o.Observe.Settled(rec.State, now.Sub(rec.WaitUntil))
	about := k.o.Log.With("recording", rec.Name, "sessionId", rec.SessionID, "switch", rec.Switch)
	if rec.State == models.RecordingMissing {
		about.ErrorContext(ctx, "a recording did not come in time; its record goes without it. Look at the switch's disk, its recordings directory and the drain")
		return nil
	}
	about.InfoContext(ctx, "recording settled", "state", string(rec.State), "bytes", rec.Bytes, "sound", rec.Duration)
	return nil
}

// release writes the CDR's push anew, as the recording turned out, and hands it to the courier. body is what goes when the CDR cannot be
// found; nil leaves such a push to held.
func (k *Keeper) release(ctx context.Context, sessionID string, rec models.Recording, body []byte) error {
	c, written, err := k.write(ctx, sessionID, rec)
	var record *models.CDR
	switch {
	case err == nil:
		body, record = written, &c
	case models.CodeOf(err) != models.NotFound:
		return err
	case body == nil:
		return nil
	}
	d, released, err := k.o.Store.ReleaseDelivery(ctx, sessionID, body, record)
	if err == nil && released {
		k.o.Outbox.Offer([]models.Delivery{d})
	}
	return err
}

func (k *Keeper) write(ctx context.Context, sessionID string, rec models.Recording) (models.CDR, []byte, error) {
	c, err := k.o.Store.CDR(ctx, sessionID)
	if err != nil {
		return c, nil, err
	}
	app, err := k.o.Store.App(ctx, c.AppID)
	if err != nil {
		return c, nil, err
	}
	tenant, err := k.o.Store.Tenant(ctx, c.TenantID)
	if err != nil {
		return c, nil, err
	}
	c = outcome(c, rec)
	return c, k.o.Outbox.Record(app, tenant.SpID, c), nil
}

// outcome is a CDR as its recording turned out. One that is short or missing is not named: recordFlag 1 promises a file (controller/delivery).
// A missing one is 8015 where the call itself went well; else how the call ended says more.
func outcome(c models.CDR, rec models.Recording) models.CDR {
	if rec.State == models.RecordingKept {
		c.RecordFile = cmp.Or(c.RecordFile, rec.Name)
		return c
	}
	c.RecordFile = ""
	if rec.State == models.RecordingShort { // as the end of a call says it that knew at once (controller/flow)
		c.Record, c.RecordAt = false, time.Time{}
	}
	if rec.State == models.RecordingMissing && c.Fail == 0 {
		c.Fail = models.RecordingFailed
	}
	return c
}

// given looks again for some of the recordings that did not come in time, a page after the other: they are kept still, for the operator and for
// whoever asks by the name.
func (k *Keeper) given(ctx context.Context, now time.Time) error {
	list, _, err := k.o.Store.RecordingsOf(ctx, store.RecordingFilter{State: models.RecordingMissing}, models.Page{Offset: k.late, Limit: askMost})
	if err != nil {
		return err
	}
	if k.late += len(list); len(list) < askMost {
		k.late = 0
	}
	for _, row := range list {
		rec, ok := k.o.Recordings.rescue(row.Name, now)
		if !ok {
			if rec, ok, err = k.o.Recordings.Look(ctx, row.Name); err != nil {
				return err
			}
		}
		if !ok {
			continue
		}
		if err := k.o.Store.SetRecording(ctx, found(row, rec, now)); err != nil {
			return err
		}
		k.o.Observe.Late()
		k.o.Log.WarnContext(ctx, "a recording came after its record had gone without it", "recording", row.Name, "sessionId", row.SessionID, "switch", row.Switch)
	}
	return nil
}

// held lets pushes go whose time is over and whose recording is not waited for: what nobody else would ever release.
func (k *Keeper) held(ctx context.Context, now time.Time) error {
	list, err := k.o.Store.HeldDeliveries(ctx, models.PageMax)
	if err != nil {
		return err
	}
	for _, d := range list {
		if now.Sub(d.DueAt) < heldEvery {
			return nil // and so are all that follow
		}
		rows, _, err := k.o.Store.RecordingsOf(ctx, store.RecordingFilter{SessionID: d.SessionID}, models.Page{Limit: 1})
		if err != nil {
			return err
		}
		rec := models.Recording{State: models.RecordingMissing}
		if len(rows) > 0 {
			rec = rows[0]
		}
		if rec.State == models.RecordingWaiting {
			continue
		}
		k.o.Log.ErrorContext(ctx, "a push was held for a recording that nobody waits for; it goes now", "sessionId", d.SessionID, "recording", string(rec.State))
		if err := k.release(ctx, d.SessionID, rec, d.Body); err != nil {
			return err
		}
	}
	return nil
}
