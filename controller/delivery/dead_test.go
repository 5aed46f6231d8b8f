package delivery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func TestDeadFiles(t *testing.T) {
	m, dir := newMemory(), t.TempDir()
	died := time.Date(2026, 3, 20, 23, 59, 59, 0, time.UTC)
	for i := range 1201 {
		d := fee(fmt.Sprint(i), fmt.Sprintf(`{"n":%d}`, i))
		d.State, d.EndedAt = models.DeliveryDead, died
		m.commit(d)
	}
	for _, change := range []func(*models.Delivery){
		func(d *models.Delivery) { d.EndedAt = died.Add(time.Second) }, // tomorrow
		func(d *models.Delivery) { d.Kind = models.DeliverEvent },
		func(d *models.Delivery) { d.State = models.DeliveryDone },
		func(d *models.Delivery) { d.AppID = 9 },
	} {
		d := fee("x", `{"n":"other"}`)
		d.State, d.EndedAt = models.DeliveryDead, died
		change(&d)
		m.commit(d)
	}
	apps := []models.App{{ID: 7, Key: "KEY7"}, {ID: 8, Key: "KEY8"}, {ID: 9, Key: "../../evil"}}
	for range 2 { // a second run replaces the first
		files, err := DeadFiles(context.Background(), m, dir, died, apps)
		if len(files) != 1 || files[0] != filepath.Join(dir, "20260320", "KEY7.jsonl") || err == nil || !strings.Contains(err.Error(), "app 9") {
			t.Fatalf("files %v, %v", files, err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if len(lines) != 1201 || lines[0] != `{"n":0}` || lines[1200] != `{"n":1200}` {
			t.Errorf("%d lines, from %s to %s", len(lines), lines[0], lines[len(lines)-1])
		}
		info, err := os.Stat(files[0])
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if all, _ := os.ReadDir(filepath.Dir(files[0])); len(all) != 1 {
			t.Errorf("%d files in the directory", len(all))
		}
	}
	m.down = true
	if _, err := DeadFiles(context.Background(), m, dir, died, apps); !errors.Is(err, errDown) {
		t.Errorf("with the database away: %v", err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "20260320", "KEY7.jsonl")); !strings.HasPrefix(string(b), `{"n":0}`) {
		t.Error("a run that failed touched the file of the one before")
	}
}
