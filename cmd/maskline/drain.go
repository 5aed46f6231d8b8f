package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/controller/media"
)

// drainFlags are those of "drain".
type drainFlags struct {
	dirs         []string
	to           string
	user         string
	passwordFile string
	once         bool
	log          conf.Log
}

func (c *cli) drainCommand() *cobra.Command {
	f := drainFlags{log: conf.Log{Level: "info", Format: "text"}}
	cmd := c.leaf("drain --dir DIR [--to URL | --config FILE] [--once]", "Move finished recordings from a switch's directory to where they are kept",
		`  # on the host of a switch; MASKLINE_CDR_PASSWORD is the one of its vars.xml
  maskline drain --dir /var/lib/maskline/recordings --to http://192.0.2.1:8090
  # straight into the store of a configuration
  maskline drain --dir /var/lib/maskline/recordings --config /etc/maskline/maskline.yaml`, noArgs,
		func(ctx context.Context, _ []string) error { return c.drain(ctx, f) })
	cmd.Long = cmd.Short + `.
A file is moved when the switch has closed it and it has stood still for some seconds, and removed here only when what arrived has been compared.
With --to it goes to a daemon's intake; without, into media.recordings or the object store of the configuration. A daemon does the same by itself
for the directories of its media.drain, so this is for switches on other machines.`
	fl := cmd.Flags()
	fl.StringArrayVar(&f.dirs, "dir", nil, "the `DIR` in which the switch records (maskline_recordings_dir); may be repeated")
	fl.StringVar(&f.to, "to", "", "the `URL` of a daemon's intake (listen.intake)")
	fl.StringVar(&f.user, "user", "switch", "intake.user of that daemon")
	fl.StringVar(&f.passwordFile, "password-file", "", "the `FILE` that holds intake.password; MASKLINE_CDR_PASSWORD if it is not given")
	fl.BoolVar(&f.once, "once", false, "move what is finished now, and end")
	fl.StringVar(&f.log.Level, "log-level", f.log.Level, "debug, info, warn or error")
	fl.StringVar(&f.log.Format, "log-format", f.log.Format, "text or json")
	require(cmd, "dir")
	return cmd
}

func (c *cli) drain(ctx context.Context, f drainFlags) error {
	sink, err := c.drainSink(f)
	if err != nil {
		return err
	}
	o := media.DrainOptions{Dirs: f.dirs, To: sink, Log: daemon.Logger(c.err, f.log)}
	if f.once {
		o.Still = time.Second
	}
	d, err := media.NewDrain(o)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	if !f.once {
		d.Run(ctx)
		return nil
	}
	n, err := d.Once(ctx)
	if err != nil {
		return fmt.Errorf("%d recordings moved, then: %w", n, err)
	}
	if c.json {
		return c.printJSON(map[string]int{"moved": n})
	}
	return c.printf("%d recordings moved\n", n)
}

// drainSink is where recordings go: a daemon, or the store of a configuration.
func (c *cli) drainSink(f drainFlags) (media.Sink, error) {
	if f.to == "" {
		if c.config == "" {
			return nil, usagef("where to? give --to URL of a daemon's intake, or --config FILE")
		}
		cfg, err := c.load(nil)
		if err != nil {
			return nil, err
		}
		return daemon.NewRecordings(cfg)
	}
	password, err := c.intakePassword(f.passwordFile)
	if err != nil {
		return nil, err
	}
	client, err := c.intakeClient()
	if err != nil {
		return nil, err
	}
	sender, err := media.NewSender(f.to, f.user, password, client)
	if err != nil {
		return nil, usageError{err}
	}
	return sender, nil
}
