package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/cmd/maskline/demo"
)

func TestDemoOnce(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Options{Dir: dir, Addr: "127.0.0.1:0", Once: true, Version: "test", Out: &out, Rings: 50 * time.Millisecond, Talk: 100 * time.Millisecond})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if strings.Contains(out.String(), "✗") {
		t.Errorf("a push was not signed as it should be:\n%s", out.String())
	}
	for _, step := range []string{"INVITE", "route:", "180 Ringing", "200 OK", "callin ✓ signed", "disconnect ✓ signed", "BYE", "CDR ✓ signed", "Neither telephone was sent the other's number",
		"callnotify, signed", "INVITE from +8675528780808", "order_ready.wav", "was dialled once"} {
		if !strings.Contains(out.String(), step) {
			t.Errorf("the ladder lacks %s:\n%s", step, out.String())
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var record struct{ SessionID, BindNum, FwdDstNum, SubscriptionID string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &record); err != nil || record.SessionID == "" || record.BindNum == "" {
		t.Errorf("the last line is no record: %s", lines[len(lines)-1])
	}
	b, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var made demo.Made
	if err := json.Unmarshal(b, &made); err != nil || made.API == "" || made.AppSecret == "" || made.VoiceKey == "" || made.VoiceSecret == "" || len(made.Numbers) == 0 || made.SubscriptionID != record.SubscriptionID {
		t.Errorf("demo.json: %s", b)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), world{args: []string{"migrate", "--dry-run", "--config", made.Config}, out: &stdout, err: &stderr})
	if code != exitOK || !strings.Contains(stdout.String(), "0 migrations") {
		t.Errorf("the demo's configuration does not serve others: %d %s%s", code, stdout.String(), stderr.String())
	}
}
