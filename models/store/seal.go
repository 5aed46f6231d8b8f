package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// Keys seal the apps' secrets at rest with AES-256-GCM. Every key that may have sealed a stored secret stays in ByID until Reseal has run.
type Keys struct {
	Current string            // seals; names a key of ByID
	ByID    map[string][]byte // key id → 32 bytes
}

// sealer holds the ciphers made from Keys.
type sealer struct {
	current string
	ciphers map[string]cipher.AEAD
}

func newSealer(k Keys) (sealer, error) {
	s := sealer{current: k.Current, ciphers: map[string]cipher.AEAD{}}
	for id, key := range k.ByID {
		if len(key) != 32 || id == "" || len(id) > 64 {
			return sealer{}, fmt.Errorf("sealing key %q: a key has 32 bytes and an id of 1 to 64 characters; this one has %d bytes", id, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return sealer{}, fmt.Errorf("sealing key %q: %w", id, err)
		}
		if s.ciphers[id], err = cipher.NewGCM(block); err != nil {
			return sealer{}, fmt.Errorf("sealing key %q: %w", id, err)
		}
	}
	if _, ok := s.ciphers[k.Current]; !ok && len(k.ByID) > 0 {
		return sealer{}, fmt.Errorf("sealing keys: the current key %q is not among them", k.Current)
	}
	return s, nil
}

// bound is the additional data of a seal: a secret copied to another app's row does not open there.
func bound(appID int64) []byte {
	return binary.BigEndian.AppendUint64([]byte("maskline app "), uint64(appID)) //nolint:gosec // ids are positive
}

func (s sealer) seal(appID int64, secret string) (keyID string, sealed []byte, err error) {
	c, ok := s.ciphers[s.current]
	if !ok {
		return "", nil, fmt.Errorf("seal secret of app %d: no sealing key is configured", appID)
	}
	nonce := make([]byte, c.NonceSize(), c.NonceSize()+len(secret)+c.Overhead())
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	return s.current, c.Seal(nonce, nonce, []byte(secret), bound(appID)), nil
}

func (s sealer) open(appID int64, keyID string, sealed []byte) (string, error) {
	c, ok := s.ciphers[keyID]
	if !ok {
		return "", fmt.Errorf("open secret of app %d: it is sealed with key %q, which is not configured", appID, keyID)
	}
	if len(sealed) < c.NonceSize() {
		return "", fmt.Errorf("open secret of app %d: the sealed text is too short", appID)
	}
	plain, err := c.Open(nil, sealed[:c.NonceSize()], sealed[c.NonceSize():], bound(appID))
	if err != nil {
		return "", fmt.Errorf("open secret of app %d: the configured key %q is not the one that sealed it: %w", appID, keyID, err)
	}
	return string(plain), nil
}
