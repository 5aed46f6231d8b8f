package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tools are the programs a run needs beside FreeSWITCH, and the Debian packages that bring them.
var tools = map[string]string{"sipp": "sip-tester", "tshark": "tshark"}

// needTools finds the tools, and installs what is missing where that can be done (root, apt-get).
func needTools(ctx context.Context) error {
	var missing []string
	for program, pkg := range tools {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("missing: %[1]s; install with: apt-get install %[1]s", strings.Join(missing, " "))
	}
	fmt.Println("live: installing", strings.Join(missing, " "))
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for _, args := range [][]string{{"update", "-qq"}, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, missing...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...) //nolint:gosec // names of packages, above
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", args[0], err, tail(out, 300))
		}
	}
	return nil
}

// softswitch is a FreeSWITCH that can be started.
type softswitch struct{ binary, modules string }

// findSwitch takes the named binary, or the one on PATH, and looks for its modules from the binary's own place: Debian's packages,
// FreeSWITCH's own prefix, and a source build lay them out differently.
func findSwitch(named string) (softswitch, error) {
	if named == "" {
		named = "freeswitch"
	}
	binary, err := exec.LookPath(named)
	if err != nil {
		return softswitch{}, errors.New("no FreeSWITCH: put it on PATH or say make live FREESWITCH=/path/to/freeswitch")
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return softswitch{}, fmt.Errorf("path of FreeSWITCH: %w", err)
	}
	places := []string{os.Getenv("MASKLINE_FREESWITCH_MOD")}
	for _, b := range []string{binary, resolved(binary)} {
		above := filepath.Dir(filepath.Dir(b))
		places = append(places, filepath.Join(above, "lib/freeswitch/mod"), filepath.Join(above, "mod"), filepath.Join(above, "lib/*/freeswitch/mod"))
	}
	for _, p := range places {
		found, _ := filepath.Glob(filepath.Join(p, "mod_sofia.so"))
		if p != "" && len(found) > 0 {
			return softswitch{binary, filepath.Dir(found[0])}, nil
		}
	}
	return softswitch{}, fmt.Errorf("no modules beside %s: set MASKLINE_FREESWITCH_MOD to the directory that holds mod_sofia.so", binary)
}

func resolved(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

// tail is the end of a text, for a failure's line.
func tail(b []byte, n int) string { return strings.TrimSpace(string(b[max(0, len(b)-n):])) }
