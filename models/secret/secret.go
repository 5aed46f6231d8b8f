// Package secret keeps what people and programs log in with: passwords as argon2id hashes, which are made to be slow, and random tokens as plain
// SHA-256, which need not be, since nobody guesses 256 bits.
//
// It assumes nothing of its callers and starts no goroutine. Hashing takes 19 MiB for some ten milliseconds, so a few passwords at a time are
// hashed in one process and the rest wait, until their context ends.
package secret

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"maskline/models"
)

// Lengths of a password in characters, and the most bytes that are looked at.
const (
	PasswordLeast = 10
	PasswordMost  = 128
	bytesMost     = 4 * PasswordMost
)

// params are argon2id's: memory in KiB, passes, lanes (RFC 9106 §3.1).
type params struct {
	memory uint32
	passes uint32
	lanes  uint8
}

// present are the parameters of new hashes: the first choice of OWASP's Password Storage Cheat Sheet for 19 MiB.
var present = params{memory: 19 * 1024, passes: 2, lanes: 1}

// bounds are what a stored hash may ask for: one that was tampered with must not take the daemon's memory.
var bounds = params{memory: 256 * 1024, passes: 16, lanes: 16}

const (
	saltBytes = 16
	keyBytes  = 32
)

// atOnce bounds how many hashes are computed at the same time, so that a flood of logins takes 4 × 19 MiB and no more.
var atOnce = make(chan struct{}, 4)

// ErrEncoding says that a stored hash is none of ours.
var ErrEncoding = errors.New("stored password hash is malformed")

// Hash makes the hash of a password to be stored, with its salt and parameters, as $argon2id$v=19$m=…,t=…,p=…$SALT$KEY. models.Invalid: the
// password has fewer than PasswordLeast or more than PasswordMost characters, or is no UTF-8.
func Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < PasswordLeast || n > PasswordMost || !utf8.ValidString(password) {
		return "", models.Fail(models.Invalid, "password", "a password has %d to %d characters", PasswordLeast, PasswordMost)
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: it ends the process instead
	key, err := derive(ctx, password, salt, present, keyBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, present.memory, present.passes, present.lanes, encode(salt), encode(key)), nil
}

// Verify says whether a password is the one of a stored hash, in a time that does not depend on how much of it is right. With an empty hash, of an
// account that does not exist or has no password, it does the same work and says no: who asks cannot tell which names exist. An error says
// that nothing was compared: ErrEncoding, or the context's end.
func Verify(ctx context.Context, encoded, password string) (bool, error) {
	stored := decoy
	if encoded != "" {
		var err error
		if stored, err = parse(encoded); err != nil {
			return false, err
		}
	}
	if len(password) > bytesMost {
		password = "" // no stored password is empty or this long
	}
	key, err := derive(ctx, password, stored.salt, stored.params, len(stored.key))
	if err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(key, stored.key) == 1
	return same && encoded != "", nil
}

// Outdated says that a hash was made with other parameters than new ones are: a password that has just been verified is worth hashing anew.
func Outdated(encoded string) bool {
	h, err := parse(encoded)
	return err != nil || h.params != present || len(h.key) != keyBytes || len(h.salt) != saltBytes
}

// decoy is what Verify compares with for names that do not exist.
var decoy = hash{present, make([]byte, saltBytes), make([]byte, keyBytes)}

// derive waits for a turn and computes a key.
func derive(ctx context.Context, password string, salt []byte, p params, n int) ([]byte, error) {
	select {
	case atOnce <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", context.Cause(ctx))
	}
	defer func() { <-atOnce }()
	return argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.lanes, uint32(n)), nil //nolint:gosec // at most 64, see parse
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// NewToken makes a token of 256 random bits, in 43 characters that need no quoting in a header or URL.
func NewToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashToken is what is stored of a token, or of a session's secret: SHA-256 in hex, as models.Login.Hash has it.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
