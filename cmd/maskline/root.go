package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError is an error of the command line itself.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// silentError ends with its code; what was wrong has been said.
type silentError struct{}

func (silentError) Error() string { return "failed" }

// cli is one run of the command line: the world, and the flags that every command has.
type cli struct {
	world
	config string
	server string
	token  string
	ca     string
	json   bool
	began  bool // a command's own code has been reached: errors are no longer about usage
}

func run(ctx context.Context, w world) int {
	c := &cli{world: w}
	root := c.root()
	root.SetArgs(w.args)
	root.SetIn(w.in)
	root.SetOut(w.out)
	root.SetErr(w.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, silentError{}) {
		return exitFailure
	}
	message := strings.Join(strings.Fields(err.Error()), " ")
	_, isUsage := errors.AsType[usageError](err)
	if isUsage || !c.began {
		_, _ = fmt.Fprintf(w.err, "maskline: %s; see %s --help\n", strings.TrimSuffix(message, "."), cmd.CommandPath())
		return exitUsage
	}
	_, _ = fmt.Fprintf(w.err, "maskline: %s\n", message)
	return exitFailure
}

func (c *cli) root() *cobra.Command {
	root := c.group("maskline", "Masked and placed calls on FreeSWITCH, on the wires of PrivateNumber and VoiceCall",
		`Maskline connects two people through a number X, so that neither sees the other's. It also places calls itself:
click-to-dial, notifications and verification codes.

serve, migrate, doctor, backup, restore, drain and spool work alone, with --config. The other commands ask a running daemon: name it with
--config FILE (the daemon's own configuration) or with --server URL and --token (or MASKLINE_SERVER and MASKLINE_TOKEN).`,
		`  maskline demo
  maskline serve --config /etc/maskline/maskline.yaml
  maskline tenant create --name Acme --config /etc/maskline/maskline.yaml`)
	root.Version = version
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	f := root.PersistentFlags()
	f.StringVar(&c.config, "config", c.getenv("MASKLINE_CONFIG"), "the daemon's configuration `FILE` (MASKLINE_CONFIG)")
	f.StringVar(&c.server, "server", c.getenv("MASKLINE_SERVER"), "the admin API's `URL` (MASKLINE_SERVER)")
	f.StringVar(&c.token, "token", "", "the admin API's token (MASKLINE_TOKEN)")
	f.StringVar(&c.ca, "ca", "", "PEM `FILE` of the certificate to trust for an https server")
	f.BoolVar(&c.json, "json", false, "answer in JSON")
	root.AddCommand(
		c.tenantCommand(), c.appCommand(), c.numberCommand(), c.bindingCommand(), c.callCommand(), c.cdrCommand(),
		c.promptCommand(), c.templateCommand(), c.recordingCommand(), c.drainCommand(), c.spoolCommand(), c.deliveryCommand(), c.barCommand(), c.switchCommand(), c.daemonCommand(), c.trunkCommand(), c.keyCommand(), c.simCommand(), c.versionCommand(),
		c.jobCommand(), c.auditCommand(), c.operatorCommand(), c.ledgerCommand(), c.priceCommand(), c.packageCommand(), c.orderCommand(),
		c.stockCommand(), c.enterpriseCommand(), c.contactCommand(), c.partyCommand(),
	)
	root.AddCommand(c.aloneCommands()...)
	return root
}

// group is a command that only holds others.
func (c *cli) group(use, short, long, example string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = ", did you mean " + strings.Join(near, " or ") + "?"
			}
			return usagef("unknown command %q for %s%s", args[0], cmd.CommandPath(), hint)
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(children...)
	return cmd
}

// leaf is a command that does something. args checks its arguments.
func (c *cli) leaf(use, short, example string, args cobra.PositionalArgs, do func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: example, Args: args, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.began = true
			return do(cmd.Context(), args)
		},
	}
}

// require marks flags without which a command has nothing to do.
func require(cmd *cobra.Command, names ...string) {
	for _, n := range names {
		if err := cmd.MarkFlagRequired(n); err != nil {
			cmd.Args = func(*cobra.Command, []string) error { return err }
		}
	}
}

// oneArg takes exactly one argument and says what it is.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("name the %s", what)
		case len(args) > 1:
			return usagef("one %s at a time; %q is too much", what, args[1])
		}
		return nil
	}
}

// noArgs takes none.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%q is not expected here", args[0])
	}
	return nil
}

func (c *cli) versionCommand() *cobra.Command {
	return c.leaf("version", "Print the version", "  maskline version", noArgs, func(context.Context, []string) error {
		if c.json {
			return c.printJSON(map[string]string{"version": version})
		}
		return c.printf("maskline %s\n", version)
	})
}
