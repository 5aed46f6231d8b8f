package delivery

import (
	"bytes"
	"encoding/json"
	"time"
)

// stamp is a time on the wire: yyyy-MM-dd HH:mm:ss, UTC. A stage that was not reached is "" and left out (spec/privatenumber.md §4.4).
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// document is v as JSON the way the original platform writes it: no blanks, no escapes of < > &. It is given structs and maps of
// strings and integers only, which cannot fail to encode.
func document(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n")
}
