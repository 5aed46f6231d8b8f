package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/trunkxml"
	"maskline/models"
	"maskline/web/admin"
)

const switchHeading = "NAME DAEMON UP STATE SINCE SESSIONS VERSION ERROR"

func switchRow(s admin.Switch) []string {
	since := s.StateSince
	if s.State == string(models.SwitchServing) && s.Since != nil {
		since = s.Since // of the connection
	}
	return []string{s.Name, s.Daemon, yes(s.Up), switchState(s), clock(since), strconv.Itoa(s.Sessions), s.Version, s.Error}
}

// switchState is how a switch stands, with what is ordered and not done yet.
func switchState(s admin.Switch) string {
	serves := string(models.SwitchServing)
	switch {
	case (s.State == serves) != (s.Wanted == serves):
		return s.State + ", ordered: " + s.Wanted
	case s.Shutdown:
		return s.State + ", to end"
	}
	return s.State
}

func (c *cli) switchCommand() *cobra.Command {
	return c.group("switch", "FreeSWITCHes", "", "",
		listCommand(c, "/switches", "List switches: who holds them, whether they take calls, and how many sessions they have", "  maskline switch list",
			switchHeading, switchRow, nil),
		c.switchDrain(), c.switchResume(), c.switchConfig(),
	)
}

func (c *cli) switchDrain() *cobra.Command {
	in := admin.SwitchStateRequest{State: string(models.SwitchDraining)}
	cmd := c.leaf("drain NAME [--shutdown]", "Let a switch take no new calls; those that are up come to their own end",
		"  maskline switch drain fs1\n  maskline switch drain fs1 --shutdown", oneArg("switch"),
		func(ctx context.Context, args []string) error { return c.orderSwitch(ctx, args[0], in) })
	cmd.Long = cmd.Short + `.
A new INVITE gets 503, by which a carrier or a dispatcher takes another switch; calls of our own go to the others. The order is carried out within two
seconds by whichever daemon holds the switch, and holds until resume, across restarts of switch and daemons. maskline switch list tells of draining, and
of drained when the last call has gone.`
	cmd.Flags().BoolVar(&in.Shutdown, "shutdown", false, "then end the switch's process; one that is started later stays draining until resume")
	return cmd
}

func (c *cli) switchResume() *cobra.Command {
	return c.leaf("resume NAME", "Let a switch take calls again that was drained", "  maskline switch resume fs1", oneArg("switch"),
		func(ctx context.Context, args []string) error {
			return c.orderSwitch(ctx, args[0], admin.SwitchStateRequest{State: string(models.SwitchServing)})
		})
}

// orderSwitch gives an order, and says on standard error what whoever gave it should know.
func (c *cli) orderSwitch(ctx context.Context, name string, in admin.SwitchStateRequest) error {
	return ask(ctx, c, http.MethodPut, "/switches/"+url.PathEscape(name)+"/state", nil, in, func(s admin.Switch) error {
		if s.Warning != "" {
			if _, err := fmt.Fprintf(c.err, "maskline: warning: %s\n", s.Warning); err != nil {
				return err
			}
		}
		return c.table(switchHeading, [][]string{switchRow(s)})
	})
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
