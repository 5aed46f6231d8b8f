package main

import (
	"context"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/doctor"
)

func (c *cli) doctorCommand() *cobra.Command {
	var set *[]string
	cmd := c.leaf("doctor --config FILE", "Check everything the daemon stands on, and say what to do; exit code 1 if something fails",
		"  maskline doctor --config /etc/maskline/maskline.yaml", noArgs,
		func(ctx context.Context, _ []string) error {
			cfg, err := c.load(*set)
			if err != nil {
				return err
			}
			findings := doctor.Examine(ctx, cfg)
			if c.json {
				err = c.printJSON(findings)
			} else {
				err = c.printFindings(findings)
			}
			if err == nil && doctor.Worst(findings) == doctor.Fail {
				err = silentError{}
			}
			return err
		})
	set = settings(cmd)
	return cmd
}

func (c *cli) printFindings(findings []doctor.Finding) error {
	for _, f := range findings {
		if err := c.printf("%-4s  %-22s  %s\n", f.Level, f.About, f.Says); err != nil {
			return err
		}
		if f.Do != "" {
			if err := c.printf("%-4s  %-22s  → %s\n", "", "", f.Do); err != nil {
				return err
			}
		}
	}
	return nil
}
