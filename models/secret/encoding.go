package secret

import (
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// hash is a stored hash, taken apart.
type hash struct {
	params
	salt, key []byte
}

// parse reads what Hash wrote, with whatever parameters within bounds.
func parse(encoded string) (hash, error) {
	var h hash
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return h, ErrEncoding
	}
	settings := strings.Split(parts[3], ",")
	if len(settings) != 3 {
		return h, ErrEncoding
	}
	memory, ok1 := setting(settings[0], "m=", bounds.memory)
	passes, ok2 := setting(settings[1], "t=", bounds.passes)
	lanes, ok3 := setting(settings[2], "p=", uint32(bounds.lanes))
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 || memory < 8*lanes {
		return h, ErrEncoding
	}
	return hash{params{memory, passes, uint8(lanes)}, salt, key}, nil
}

// setting reads NAME=VALUE, from 1 to most.
func setting(s, name string, most uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	v, err := strconv.ParseUint(digits, 10, 32)
	return uint32(v), ok && err == nil && v >= 1 && v <= uint64(most)
}
