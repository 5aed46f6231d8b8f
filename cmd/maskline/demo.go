package main

import (
	"context"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/demo"
)

func (c *cli) demoCommand() *cobra.Command {
	o := demo.Options{Version: version}
	cmd := c.leaf("demo [--once] [--addr HOST:PORT]", "Show one masked call on a simulated switch, then stay up to be tried",
		"  maskline demo\n  maskline demo --once    # ends after the call, its record as JSON on the last line", noArgs,
		func(ctx context.Context, _ []string) error {
			ctx, stop := interruptible(ctx)
			defer stop()
			o.In, o.Out = c.in, c.out
			return demo.Run(ctx, o)
		})
	cmd.Flags().BoolVar(&o.Once, "once", c.getenv("ONCE") == "1", "end after the call (ONCE=1)")
	cmd.Flags().StringVar(&o.Addr, "addr", c.getenv("DEMO_ADDR"), "the tenant API's `HOST:PORT`; 127.0.0.1:8080 if empty (DEMO_ADDR)")
	cmd.Flags().StringVar(&o.Dir, "dir", "var", "where it puts what it makes")
	return cmd
}
