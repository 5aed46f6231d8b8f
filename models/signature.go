package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// AKSKDigest is PasswordDigest of the current scheme: Base64(HMAC-SHA256(secret, nonce+created)) (spec/privatenumber.md §1.1).
func AKSKDigest(secret, nonce, created string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(nonce + created))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// WSSEDigest is PasswordDigest of the older scheme: Base64(SHA256(nonce+created+secret)) over the raw hash (spec/privatenumber.md §1.1).
func WSSEDigest(secret, nonce, created string) string {
	sum := sha256.Sum256([]byte(nonce + created + secret))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// WSSEHexDigest is WSSEDigest over the hash's hex text, as one widespread Java client computes it (spec/voicecall.md §1.2).
func WSSEHexDigest(secret, nonce, created string) string {
	sum := sha256.Sum256([]byte(nonce + created + secret))
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:])))
}
