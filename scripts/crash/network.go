package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// cutter is a way of one daemon to something, which can be cut. Silent: packets vanish; else connections break and are refused.
type cutter interface {
	sever(silent bool)
	mend()
	close()
}

// network is where everybody has his address. The zero value is the loopback, and daemons go through links. With namespaces each daemon is
// alone in one, behind a pair of veths, and what it talks to has addresses of its own on the host, so that each way is cut by a rule of the
// kernel's routing: answers from there to the daemon vanish, and nobody is told.
type network struct {
	spaces bool
	names  []string // of the namespaces
	opened []string // addresses that were added
}

// The addresses of a network with namespaces. They must be free; 10.213.0.0/16 is not used on the machine.
const spaceNet = "10.213.0.0/16"

func (n *network) serviceHost(k int) string {
	if !n.spaces {
		return "127.0.0.1"
	}
	return fmt.Sprintf("10.213.255.%d", k)
}

func (n *network) customerHost() string    { return n.serviceHost(1) }
func (n *network) databaseHost() string    { return n.serviceHost(2) }
func (n *network) switchHost(j int) string { return n.serviceHost(10 + j) }

func (n *network) daemonHost(i int) string {
	if !n.spaces {
		return "127.0.0.1"
	}
	return fmt.Sprintf("10.213.%d.2", i+1)
}

// command is how the i-th daemon's program is started.
func (n *network) command(i int, program string, args ...string) (string, []string) {
	if !n.spaces {
		return program, args
	}
	return "ip", append([]string{"netns", "exec", n.names[i], program}, args...) // which becomes the program, in the same process
}

// open makes the namespaces and addresses.
func (n *network) open(daemons, switches int) error {
	if !n.spaces {
		return nil
	}
	hosts := []string{n.customerHost(), n.databaseHost()}
	for j := range switches {
		hosts = append(hosts, n.switchHost(j))
	}
	for _, h := range hosts {
		if err := ip("addr add " + h + "/32 dev lo"); err != nil {
			return err
		}
		n.opened = append(n.opened, h)
	}
	for i := range daemons {
		name := fmt.Sprintf("crash-d%d", i+1)
		near, far, gateway := name+"h", name+"n", fmt.Sprintf("10.213.%d.1", i+1)
		for _, words := range []string{
			"netns add " + name,
			"link add " + near + " type veth peer name " + far + " netns " + name,
			"addr add " + gateway + "/24 dev " + near,
			"link set " + near + " up",
			"-n " + name + " link set lo up",
			"-n " + name + " addr add " + n.daemonHost(i) + "/24 dev " + far,
			"-n " + name + " link set " + far + " up",
			"-n " + name + " route add default via " + gateway,
		} {
			if err := ip(words); err != nil {
				return err
			}
			if strings.HasPrefix(words, "netns add") {
				n.names = append(n.names, name)
			}
		}
	}
	return nil
}

// close takes down what open made.
func (n *network) close() {
	for _, name := range n.names {
		_ = ip("netns del " + name)
	}
	for _, h := range n.opened {
		_ = ip("addr del " + h + "/32 dev lo")
	}
}

func ip(words string) error {
	out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput() //nolint:gosec,noctx // words of the run's own
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s (namespaces need root)", words, err, out)
	}
	return nil
}

// way is a daemon's way to a host, cut by the kernel.
type way struct{ rule string }

func newWay(from, to string) *way {
	return &way{rule: "from " + from + " to " + to + " blackhole"}
}

func (w *way) sever(bool) { _ = ip("rule add " + w.rule) }
func (w *way) mend()      { _ = ip("rule del " + w.rule) }
func (w *way) close()     { w.mend() }
