package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// AKSKDigest is PasswordDigest of the current scheme: Base64(HMAC-SHA256(secret, nonce+created)) (spec/privatenumber.md §1.1).
func AKSKDigest(secret, nonce, created string) string {
	return hmacDigest(secret, nonce+created)
}

// PushDigest is PasswordDigest of the pushes to apps of ModeVoice: Base64(HMAC-SHA256(secret, url LF nonce LF created)). old is the form that was
// documented up to 2024, without the line feeds (spec/voicecall.md §1.5). url is the URL as the customer gave it.
func PushDigest(secret, url, nonce, created string, old bool) string {
	if old {
		return hmacDigest(secret, url+nonce+created)
	}
	return hmacDigest(secret, url+"\n"+nonce+"\n"+created)
}

func hmacDigest(secret, message string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
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
