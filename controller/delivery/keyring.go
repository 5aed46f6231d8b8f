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

// keysMax bounds the apps remembered.
const keysMax = 4096

// keyring remembers what pushes are signed with, so that a push costs the store no look-up.
type keyring struct {
	store Store
	mu    sync.Mutex
	apps  map[int64]signer
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
	return s, nil
}
