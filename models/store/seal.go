package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// Keys seal the apps' secrets and the holders' ID numbers at rest with AES-256-GCM. Every key that may have sealed one of them stays in ByID
// until Reseal has run.
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

// owner says whose a sealed text is: data bound to the seal, so that a text copied to another's row does not open there.
type owner struct {
	what string // for errors
	data []byte
}

func ofApp(id int64) owner {
	return owner{fmt.Sprintf("secret of app %d", id), binary.BigEndian.AppendUint64([]byte("maskline app "), uint64(id))} //nolint:gosec // ids are positive
}

// ofHolder is for the ID number of a private number's holder.
func ofHolder(number string) owner {
	return owner{"ID number of a holder", []byte("maskline holder " + number)}
}

func (s sealer) seal(o owner, secret string) (keyID string, sealed []byte, err error) {
	c, ok := s.ciphers[s.current]
	if !ok {
		return "", nil, fmt.Errorf("seal %s: no sealing key is configured", o.what)
	}
	nonce := make([]byte, c.NonceSize(), c.NonceSize()+len(secret)+c.Overhead())
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	return s.current, c.Seal(nonce, nonce, []byte(secret), o.data), nil
}

func (s sealer) open(o owner, keyID string, sealed []byte) (string, error) {
	c, ok := s.ciphers[keyID]
	if !ok {
		return "", fmt.Errorf("open %s: it is sealed with key %q, which is not configured", o.what, keyID)
	}
	if len(sealed) < c.NonceSize() {
		return "", fmt.Errorf("open %s: the sealed text is too short", o.what)
	}
	plain, err := c.Open(nil, sealed[:c.NonceSize()], sealed[c.NonceSize():], o.data)
	if err != nil {
		return "", fmt.Errorf("open %s: the configured key %q is not the one that sealed it: %w", o.what, keyID, err)
	}
	return string(plain), nil
}
