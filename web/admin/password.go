package admin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"maskline/models"
)

// What a password costs: argon2id with 19 MiB in two passes by one thread, as OWASP's password storage cheat sheet has it.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16 // bytes
	argonSum    = 32 // bytes
)

// argonForm is the usual text form of a hashed password.
const argonForm = "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s"

var plain64 = base64.RawStdEncoding

// hashPassword makes what is stored of a password.
func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails: it ends the process instead
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonSum)
	return fmt.Sprintf(argonForm, argon2.Version, argonMemory, argonTime, argonLanes, plain64.EncodeToString(salt), plain64.EncodeToString(sum))
}

// samePassword says whether a password is the one of a hash. It takes as long for a hash that cannot be read, "" among them.
func samePassword(hash, password string) bool {
	h, ok := readHash(hash)
	sum := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, argonSum)
	return subtle.ConstantTimeCompare(sum, h.sum) == 1 && ok
}

type argonHash struct {
	memory, time uint32
	lanes        uint8
	salt, sum    []byte
}

// readHash reads a hash of the form of hashPassword. Costs above four times today's are not computed: a row of the database shall not stop the daemon.
func readHash(hash string) (argonHash, bool) {
	fallback := argonHash{memory: argonMemory, time: argonTime, lanes: argonLanes, salt: make([]byte, argonSalt), sum: make([]byte, argonSum)}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return fallback, false
	}
	var h argonHash
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); err != nil || n != 3 {
		return fallback, false
	}
	var saltErr, sumErr error
	h.salt, saltErr = plain64.DecodeString(parts[4])
	h.sum, sumErr = plain64.DecodeString(parts[5])
	bounded := h.memory >= 8 && h.memory <= 4*argonMemory && h.time >= 1 && h.time <= 4*argonTime && h.lanes >= 1 && h.lanes <= 4
	if saltErr != nil || sumErr != nil || len(h.sum) != argonSum || !bounded {
		return fallback, false
	}
	return h, true
}

// goodPassword checks a new password. Length is what makes it hard to guess; nothing else is asked for.
func goodPassword(name, password string) error {
	n := len([]rune(password))
	if n < 12 || len(password) > 256 || strings.EqualFold(password, name) {
		return models.Fail(models.Invalid, "password", "a password has 12 to 256 characters, and is not the name")
	}
	return nil
}
