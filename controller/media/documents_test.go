package media

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/models"
)

const png = "\x89PNG\r\n\x1a\n"

func TestDocuments(t *testing.T) {
	ctx := context.Background()
	d := Documents{Dir: filepath.Join(t.TempDir(), "documents")}
	body := png + strings.Repeat("x", 2000)
	hash, size, err := d.Keep(ctx, 7, strings.NewReader(body))
	if err != nil || size != int64(len(body)) || len(hash) != 64 {
		t.Fatalf("kept %s, %d bytes, %v", hash, size, err)
	}
	if again, _, err := d.Keep(ctx, 7, strings.NewReader(body)); err != nil || again != hash {
		t.Errorf("the same again: %s, %v", again, err)
	}
	file, kind, err := d.Open(ctx, 7, hash)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(file)
	if err != nil || string(got) != body || kind != "image/png" {
		t.Errorf("%d bytes of %s, %v", len(got), kind, err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(filepath.Join(d.Dir, "7"))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files, %v", len(left), err)
	}
	for _, c := range []struct {
		tenant int64
		hash   string
	}{{8, hash}, {7, strings.ToUpper(hash)}, {7, "../7/" + hash}, {7, strings.Repeat("0", 64)}, {7, ""}} {
		if _, _, err := d.Open(ctx, c.tenant, c.hash); models.CodeOf(err) != models.NotFound {
			t.Errorf("%d %q: %v", c.tenant, c.hash, err)
		}
	}
	for name, file := range map[string]io.Reader{
		"a page": strings.NewReader("<html><script>"), "nothing": strings.NewReader(""), "too long": io.MultiReader(strings.NewReader(png), bytes.NewReader(make([]byte, DocumentMost))),
	} {
		if _, _, err := d.Keep(ctx, 7, file); models.CodeOf(err) != models.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
