package media

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"maskline/models"
)

// DocumentMost bounds a document, bytes.
const DocumentMost = 5 << 20

// documentKinds are what a document may be, by its content and not by its name.
var documentKinds = []string{"application/pdf", "image/jpeg", "image/png"}

// Documents keeps the files that enterprises show: TENANT/SHA256 below Dir, the daemon's alone. A file never changes, so the same one again is the
// same file; none is removed, since a decision may rest on it.
type Documents struct {
	Dir string
}

// Keep stores a file for a tenant and gives its SHA-256, hex, and its size. models.Invalid names "file".
func (d Documents) Keep(_ context.Context, tenantID int64, r io.Reader) (hash string, size int64, err error) {
	file, err := io.ReadAll(io.LimitReader(r, DocumentMost+1))
	if _, long := errors.AsType[*http.MaxBytesError](err); long || len(file) > DocumentMost {
		return "", 0, models.Fail(models.Invalid, "file", "the file is longer than %d MiB", DocumentMost>>20)
	}
	if err != nil {
		return "", 0, models.Fail(models.Invalid, "file", "the file did not come whole")
	}
	if !slices.Contains(documentKinds, http.DetectContentType(file)) {
		return "", 0, models.Fail(models.Invalid, "file", "a document is a PDF, JPEG or PNG file")
	}
	hash = hashed(file)
	dir := d.folder(tenantID)
	part, err := stage(dir, file)
	if err != nil {
		return "", 0, fmt.Errorf("keep document: %w", err)
	}
	if err := putInPlace(part, filepath.Join(dir, hash)); err != nil {
		return "", 0, fmt.Errorf("keep document: %w", errors.Join(err, os.Remove(part)))
	}
	return hash, int64(len(file)), nil
}

// Open gives a tenant's file and its kind, such as image/png; the caller closes it. models.NotFound.
func (d Documents) Open(_ context.Context, tenantID int64, hash string) (io.ReadCloser, string, error) {
	missing := models.Fail(models.NotFound, "hash", "no such document")
	if sum, err := hex.DecodeString(hash); err != nil || len(sum) != 32 || hash != hex.EncodeToString(sum) {
		return nil, "", missing
	}
	f, err := os.Open(filepath.Join(d.folder(tenantID), hash)) //nolint:gosec // a number and hex digits below our directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", missing
	}
	if err != nil {
		return nil, "", fmt.Errorf("open document: %w", err)
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", fmt.Errorf("read document: %w", errors.Join(err, f.Close()))
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head[:n]), f), f}, http.DetectContentType(head[:n]), nil
}

func (d Documents) folder(tenantID int64) string {
	return filepath.Join(d.Dir, strconv.FormatInt(tenantID, 10))
}
