package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// soundIn bounds the transfer of one sound.
const soundIn = 5 * time.Minute

// upload sends a body that is no JSON, and decodes the answer.
func (cl *client) upload(ctx context.Context, path string, query url.Values, kind string, in io.Reader, out any) error {
	cl.http.Timeout = soundIn
	res, err := cl.send(ctx, http.MethodPost, path, query, kind, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(res.Body, answerMax)).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// soundCommand is a command that downloads a sound to a file.
func (c *cli) soundCommand(use, short, example, what string, request func(args []string) (method, path string, in any)) *cobra.Command {
	var out string
	args := oneArg(what)
	cmd := c.leaf(use, short, example, args, func(ctx context.Context, args []string) error {
		method, path, in := request(args)
		return c.download(ctx, method, path, in, out)
	})
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, - for standard output; its own name, here, if it is not given")
	return cmd
}

// download saves the sound that a request is answered with. A file that is there already is overwritten only when it is named.
func (c *cli) download(ctx context.Context, method, path string, in any, out string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	cl.http.Timeout = soundIn
	var body io.Reader
	kind := ""
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		body, kind = bytes.NewReader(b), "application/json"
	}
	res, err := cl.send(ctx, method, path, nil, kind, body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if out == "-" {
		_, err := io.Copy(c.out, res.Body)
		return err
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if out == "" {
		flags = os.O_CREATE | os.O_WRONLY | os.O_EXCL
		if out, err = ownName(res.Header); err != nil {
			return err
		}
	}
	n, err := save(out, flags, res.Body)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; name another file with --out", out)
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]any{"file": out, "bytes": n})
	}
	return c.printf("wrote %s, %d bytes\n", out, n)
}

// ownName is the file name that an answer gives its content, without any directory.
func ownName(h http.Header) (string, error) {
	_, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := filepath.Base(params["filename"])
	if err != nil || name == "." || name == string(filepath.Separator) {
		return "", errors.New("the daemon gave the sound no name; give one with --out")
	}
	return name, nil
}

// save writes a file and removes it again when it cannot be completed.
func save(path string, flags int, from io.Reader) (int64, error) {
	f, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return 0, fmt.Errorf("write the sound: %w", err)
	}
	n, err := io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return n, errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return n, nil
}
