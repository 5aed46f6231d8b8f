package conf

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// SealingKeySize is the length of a sealing key, bytes (AES-256).
const SealingKeySize = 32

// Bytes gives the key: 32 bytes from Base64 or hex text.
func (k Key) Bytes() ([]byte, error) {
	text, err := k.Key.Reveal()
	if err != nil {
		return nil, err
	}
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.URLEncoding.DecodeString,
	} {
		if b, err := decode(text); err == nil && len(b) == SealingKeySize {
			return b, nil
		}
	}
	return nil, fmt.Errorf("is not %d bytes in Base64 or hex; make one with: openssl rand -base64 %d", SealingKeySize, SealingKeySize)
}
