// Command maskline is the whole platform in one binary: the daemon (serve), the tools that work on its files alone (migrate, doctor,
// backup, restore), a client of its admin API for everything else, and a demo.
package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	_ "time/tzdata" // tenants have time zones, and a small image has none
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(run(context.Background(), world{
		args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
	}))
}

// world is what the command sees of the process, so that tests can give it another one.
type world struct {
	args     []string
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// getenv reads the world's environment; "" when it is not set.
func (w world) getenv(name string) string {
	for _, entry := range slices.Backward(w.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
