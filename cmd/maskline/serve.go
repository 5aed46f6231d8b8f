package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
)

// settings adds --set to a command that reads the whole configuration.
func settings(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArray("set", nil, "set `KEY=VALUE` over the configuration, such as log.level=debug; may be repeated")
}

// load reads and checks the daemon's configuration.
func (c *cli) load(set []string) (conf.Config, error) {
	if c.config == "" {
		return conf.Config{}, usagef("which configuration? give --config FILE; conf/maskline.yaml is a sample")
	}
	return conf.Load(c.config, c.environ, set)
}

func (c *cli) serveCommand() *cobra.Command {
	var set *[]string
	cmd := c.leaf("serve --config FILE [--set KEY=VALUE]", "Run the daemon",
		"  maskline serve --config /etc/maskline/maskline.yaml\n  maskline serve --config maskline.yaml --set log.level=debug", noArgs,
		func(ctx context.Context, _ []string) error {
			cfg, err := c.load(*set)
			if err != nil {
				return err
			}
			ctx, stop := interruptible(ctx)
			defer stop()
			log := daemon.Logger(c.err, cfg.Log)
			d, err := daemon.New(ctx, cfg, daemon.Options{Version: version, Log: log})
			if err != nil {
				return err
			}
			return d.Run(ctx)
		})
	set = settings(cmd)
	return cmd
}

// interruptible ends ctx at the first SIGINT or SIGTERM and gives the signals back, so that a second one ends the process at once.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func (c *cli) migrateCommand() *cobra.Command {
	var set *[]string
	var dry bool
	cmd := c.leaf("migrate --config FILE [--dry-run]", "Bring the database's schema up to date", "  maskline migrate --config /etc/maskline/maskline.yaml", noArgs,
		func(ctx context.Context, _ []string) error {
			cfg, err := c.load(*set)
			if err != nil {
				return err
			}
			st, err := openStore(ctx, cfg)
			if err != nil {
				return err
			}
			defer func() { _ = st.Close() }()
			n, err := st.Pending(ctx)
			if err != nil {
				return err
			}
			if !dry && n > 0 {
				if err := st.Migrate(ctx); err != nil {
					return err
				}
			}
			if c.json {
				return c.printJSON(map[string]any{"pending": n, "migrated": !dry})
			}
			word := "applied"
			if dry {
				word = "to apply"
			}
			return c.printf("%d migrations %s\n", n, word)
		})
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say how many migrations are missing")
	set = settings(cmd)
	return cmd
}

// aloneCommands are those that need no running daemon.
func (c *cli) aloneCommands() []*cobra.Command {
	return []*cobra.Command{c.serveCommand(), c.migrateCommand(), c.doctorCommand(), c.backupCommand(), c.restoreCommand(), c.demoCommand()}
}
