// Command maskline is the whole platform in one binary: the daemon (serve), the tools that work on its files alone (migrate, doctor,
// backup, restore), a client of its admin API for everything else, and a demo.
package main

import (
	"context"
	"io"
	"os"
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

// getenv reads the world's environment.
func (w world) getenv(name string) string {
	for i := len(w.environ) - 1; i >= 0; i-- {
		if len(w.environ[i]) > len(name) && w.environ[i][:len(name)] == name && w.environ[i][len(name)] == '=' {
			return w.environ[i][len(name)+1:]
		}
	}
	return ""
}
