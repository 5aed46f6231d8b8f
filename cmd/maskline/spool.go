package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/controller/spool"
)

// spoolFlags are those of "spool".
type spoolFlags struct {
	to           []string
	user         string
	passwordFile string
	once         bool
	log          conf.Log
}

func (c *cli) spoolCommand() *cobra.Command {
	f := spoolFlags{log: conf.Log{Level: "info", Format: "text"}}
	cmd := c.leaf("spool DIR --to URL [--to URL …] [--once]", "Hand a daemon the records of legs that a switch could not post",
		`  # on the host of a switch; MASKLINE_CDR_PASSWORD is the one of its vars.xml
  maskline spool /var/lib/maskline/switch-spool --to http://192.0.2.1:8090 --to http://192.0.2.2:8090`, oneArg("directory (maskline_spool_dir)"),
		func(ctx context.Context, args []string) error { return c.spool(ctx, args[0], f) })
	cmd.Long = cmd.Short + `.
A record is removed here only when a daemon has it on its disk. One that cannot be read for a minute is put aside under its name with .bad. If several
daemons are named, the next is tried when one fails; sent twice is as good as once. A daemon takes in by itself what lies in the directories that its
configuration names for its switches (switches: spool), so this is for switches on other machines.`
	fl := cmd.Flags()
	fl.StringArrayVar(&f.to, "to", nil, "the `URL` of a daemon's intake (listen.intake); may be repeated")
	fl.StringVar(&f.user, "user", "switch", "intake.user of the daemons")
	fl.StringVar(&f.passwordFile, "password-file", "", "the `FILE` that holds intake.password; MASKLINE_CDR_PASSWORD if it is not given")
	fl.BoolVar(&f.once, "once", false, "hand over what lies there now, and end")
	fl.StringVar(&f.log.Level, "log-level", f.log.Level, "debug, info, warn or error")
	fl.StringVar(&f.log.Format, "log-format", f.log.Format, "text or json")
	require(cmd, "to")
	return cmd
}

func (c *cli) spool(ctx context.Context, dir string, f spoolFlags) error {
	password, err := c.intakePassword(f.passwordFile)
	if err != nil {
		return err
	}
	client, err := c.intakeClient()
	if err != nil {
		return err
	}
	sender, err := spool.NewSender(f.to, f.user, password, client)
	if err != nil {
		return usageError{err}
	}
	if _, err := os.ReadDir(dir); err != nil { // a name that is wrong is said at once, not every minute
		return err
	}
	forward := &spool.Forwarder{Dir: dir, To: sender, Log: daemon.Logger(c.err, f.log)}
	ctx, stop := interruptible(ctx)
	defer stop()
	if !f.once {
		forward.Run(ctx)
		return nil
	}
	done, err := forward.Once(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%d records handed over, then: %w", done.Sent, err)
	case c.json:
		return c.printJSON(done)
	}
	return c.printf("%d records handed over, %d put aside, %d unfinished\n", done.Sent, done.Aside, done.Left)
}

// intakePassword is the password of a daemon's intake, from a file or the environment.
func (c *cli) intakePassword(file string) (string, error) {
	password := c.getenv("MASKLINE_CDR_PASSWORD")
	if file != "" {
		b, err := os.ReadFile(file) //nolint:gosec // the operator names it
		if err != nil {
			return "", fmt.Errorf("read the intake's password: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	if password == "" {
		return "", usagef("the intake's password is missing: set MASKLINE_CDR_PASSWORD, or give --password-file")
	}
	return password, nil
}

// intakeClient is an HTTP client for a daemon's intake.
func (c *cli) intakeClient() (*http.Client, error) {
	transport, err := trusting(c.ca)
	if err != nil {
		return nil, err
	}
	transport.MaxIdleConnsPerHost, transport.IdleConnTimeout, transport.TLSHandshakeTimeout = 4, 90*time.Second, 10*time.Second
	return &http.Client{Transport: transport}, nil
}
