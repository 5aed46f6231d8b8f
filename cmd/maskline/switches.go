package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/trunkxml"
	"maskline/web/admin"
)

func switchRow(s admin.Switch) []string {
	state := "down"
	if s.Up {
		state = "up"
	}
	return []string{s.Name, state, clock(s.Since), strconv.Itoa(s.Sessions), s.Version, s.Error}
}

func (c *cli) switchCommand() *cobra.Command {
	return c.group("switch", "FreeSWITCHes", "", "",
		listCommand(c, "/switches", "List switches and how their connections are", "  maskline switch list",
			"NAME STATE SINCE SESSIONS VERSION ERROR", switchRow, nil),
		c.switchConfig(),
	)
}

// switchConfig writes the switch's side of the trunks.
func (c *cli) switchConfig() *cobra.Command {
	var set *[]string
	var dir string
	cmd := c.leaf("config --dir DIR --config FILE", "Write the part of FreeSWITCH's configuration that follows from the trunks",
		"  maskline switch config --dir conf/freeswitch/trunks --config /etc/maskline/maskline.yaml", noArgs,
		func(context.Context, []string) error {
			cfg, err := c.load(*set)
			if err != nil {
				return err
			}
			trunks, err := cfg.TrunkModels()
			if err != nil {
				return err
			}
			wrote, removed, others, err := trunkxml.Write(dir, trunkxml.Files(trunks))
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(map[string]any{"wrote": wrote, "removed": removed, "others": others, "registrar": trunkxml.Registrar(trunks)})
			}
			return c.printWritten(wrote, removed, others, trunkxml.Registrar(trunks))
		})
	cmd.Flags().StringVar(&dir, "dir", "", "maskline_trunks_dir of the switch's vars.xml")
	set = settings(cmd)
	require(cmd, "dir")
	return cmd
}

func (c *cli) printWritten(wrote, removed, others []string, registrar bool) error {
	for _, group := range []struct {
		word  string
		names []string
	}{{"wrote", wrote}, {"removed", removed}, {"not ours, left", others}} {
		for _, n := range group.names {
			if err := c.printf("%s %s\n", group.word, n); err != nil {
				return err
			}
		}
	}
	if registrar {
		if err := c.printf("A trunk registers with us: set maskline_registrar=true and maskline_disable_register=false in vars.xml.\n"); err != nil {
			return err
		}
	}
	return c.printf("On the switch: fs_cli -x reloadxml; fs_cli -x reloadacl; fs_cli -x 'sofia profile carrier rescan'\n")
}

func trunkRow(t admin.Trunk) []string {
	return []string{t.Name, strconv.Itoa(t.Order), strings.Join(t.Addresses, ","), t.Registers, t.Proxy, yes(t.TrustCaller), strconv.Itoa(t.Channels), strconv.FormatFloat(t.Rate, 'f', -1, 64)}
}

func (c *cli) trunkCommand() *cobra.Command {
	return c.group("trunk", "Ways in from and out to carriers", "", "",
		listCommand(c, "/trunks", "List trunks as configured", "  maskline trunk list", "NAME ORDER ADDRESSES REGISTERS PROXY TRUSTED CHANNELS RATE", trunkRow, nil),
	)
}

func (c *cli) keyCommand() *cobra.Command {
	return c.group("key", "Keys that seal the app secrets", "", "",
		c.leaf("rotate", "Seal every app secret again with the first key of the configuration",
			"  # put a new key first in keys, restart the daemon, then\n  maskline key rotate --config /etc/maskline/maskline.yaml", noArgs,
			func(ctx context.Context, _ []string) error {
				return ask(ctx, c, http.MethodPost, "/keys/rotate", nil, nil, func(n admin.Count) error {
					return c.printf("%d secrets sealed again\n", n.Count)
				})
			}),
	)
}
