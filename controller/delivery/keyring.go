package delivery

import (
	"context"
	"errors"
	"sync"
	"time"

	"maskline/models"
)

// keyFresh is how long an app's key, scheme and secret are used without asking the store again.
const keyFresh = 10 * time.Second

// keysMax bounds the apps whose keys are remembered, modesMax those whose mode is.
const (
	keysMax  = 4096
	modesMax = 65_536
)

// keyring remembers what pushes are signed with, so that a push costs the store no look-up. It also remembers which apps place calls, which
// none ever ceases or begins to do, so that a push can be settled without one.
type keyring struct {
	store Store
	mu    sync.Mutex
	apps  map[int64]signer
	modes map[int64]models.Mode
}

type signer struct {
	app    models.App
	secret string
	asOf   time.Time
}

var errNoSecret = errors.New("the app has no secret to sign with")

// signer gives an app with its newest secret.
func (k *keyring) signer(ctx context.Context, appID int64) (signer, error) {
	k.mu.Lock()
	s, ok := k.apps[appID]
	k.mu.Unlock()
	if ok && time.Since(s.asOf) < keyFresh {
		return s, nil
	}
	app, err := k.store.App(ctx, appID)
	if err != nil {
		return signer{}, err
	}
	secrets, err := k.store.AppSecrets(ctx, appID)
	if err != nil {
		return signer{}, err
	}
	if len(secrets) == 0 {
		return signer{}, errNoSecret
	}
	s = signer{app, secrets[0], time.Now()}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.apps == nil || len(k.apps) >= keysMax {
		k.apps = map[int64]signer{}
	}
	k.apps[appID] = s
	k.note(app)
	return s, nil
}

// learn takes in an app's mode.
func (k *keyring) learn(app models.App) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note(app)
}

func (k *keyring) note(app models.App) {
	if k.modes == nil || len(k.modes) >= modesMax {
		k.modes = map[int64]models.Mode{}
	}
	k.modes[app.ID] = app.Mode
}

// placed says whether an app places calls. Of an app that is not known it says no: nothing of it was made, read or sent here yet.
func (k *keyring) placed(appID int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.modes[appID] == models.ModeVoice
}

func (k *keyring) knows(appID int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.modes[appID]
	return ok
}

// meet looks up the apps of rows that are not known yet, as far as the store gives them.
func (k *keyring) meet(ctx context.Context, rows []models.Delivery) {
	asked := map[int64]bool{}
	for _, d := range rows {
		if asked[d.AppID] || k.knows(d.AppID) {
			continue
		}
		asked[d.AppID] = true
		if app, err := k.store.App(ctx, d.AppID); err == nil {
			k.learn(app)
		} else if models.CodeOf(err) == models.Internal {
			return // the store is away, or the time is over
		}
	}
}
