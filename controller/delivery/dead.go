package delivery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"maskline/models"
)

// DeadLetters gives the CDRs of an app that died on a day (UTC), by id after another, up to limit.
type DeadLetters interface {
	DeadCDRs(ctx context.Context, day time.Time, appID, after int64, limit int) ([]models.Delivery, error)
}

const deadPage = 500

// DeadFiles writes the CDRs of the dead-letter list as files, one per app and day: <dir>/<yyyyMMdd>/<app key>.jsonl, one record a line, as
// it would have stood in feeLst. It gives the files it wrote; an app without such CDRs gets none. A file appears whole or not at all, replaces
// the one of an earlier run, and can be read by its owner only: it holds real numbers. An app that fails does not keep the others from
// their files.
func DeadFiles(ctx context.Context, letters DeadLetters, dir string, day time.Time, apps []models.App) (files []string, err error) {
	folder := filepath.Join(dir, day.UTC().Format("20060102"))
	for _, app := range apps {
		path, failed := deadFile(ctx, letters, folder, day, app)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("write the dead CDRs of app %d: %w", app.ID, failed))
		} else if path != "" {
			files = append(files, path)
		}
	}
	return files, err
}

func deadFile(ctx context.Context, letters DeadLetters, folder string, day time.Time, app models.App) (path string, err error) {
	rows, err := letters.DeadCDRs(ctx, day, app.ID, 0, deadPage)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	if app.Key == "" || strings.ContainsAny(app.Key, `/\`) || strings.HasPrefix(app.Key, ".") {
		return "", errors.New("its key cannot be a file name")
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(folder, ".dead-*") // made with mode 0600
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	w := bufio.NewWriter(f)
	for len(rows) > 0 && err == nil {
		if err = writeLines(w, rows); err == nil {
			rows, err = letters.DeadCDRs(ctx, day, app.ID, rows[len(rows)-1].ID, deadPage)
		}
	}
	if err = errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	path = filepath.Join(folder, app.Key+".jsonl")
	return path, os.Rename(f.Name(), path)
}

// writeLines writes one record a line. A body holds no line end: it was encoded without any.
func writeLines(w io.Writer, rows []models.Delivery) error {
	for _, d := range rows {
		if _, err := fmt.Fprintf(w, "%s\n", d.Body); err != nil {
			return err
		}
	}
	return nil
}
