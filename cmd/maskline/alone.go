package main

import "github.com/spf13/cobra"

// aloneCommands are those that need no running daemon.
func (c *cli) aloneCommands() []*cobra.Command {
	return nil
}
