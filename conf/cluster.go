package conf

import (
	"net"
	"net/netip"
	"os"
	"time"
)

// Cluster is this daemon among others that share its database.
type Cluster struct {
	Name  string        `koanf:"name"`  // "" is the host's name and the port of listen.admin
	Lease time.Duration `koanf:"lease"` // how long what a daemon owned stays its own when it is silent
	URL   string        `koanf:"url"`   // how others reach listen.peers; "" follows from it
}

// The bounds of a lease: a shorter one is lost to a slow database, a longer one keeps calls waiting past the switch's 10 s.
const leaseLeast, leaseMost = 2 * time.Second, 30 * time.Second

// DaemonName is this daemon's among others, the same after a restart: cluster.name, or the host's name and the port of listen.admin, which no two
// that run can have.
func (c Config) DaemonName() string {
	if c.Cluster.Name != "" {
		return c.Cluster.Name
	}
	host, err := os.Hostname()
	if err != nil {
		host = "daemon"
	}
	_, port, err := net.SplitHostPort(c.Listen.Admin)
	if err != nil {
		return host
	}
	return host + ":" + port
}

// PeerURL is how other daemons reach this one; "" is not at all.
func (c Config) PeerURL() string {
	if c.Cluster.URL != "" || c.Listen.Peers == "" {
		return c.Cluster.URL
	}
	return "http://" + c.Listen.Peers
}

func (c Config) checkCluster(f *faults) {
	f.between("cluster.lease", c.Cluster.Lease, leaseLeast, leaseMost)
	if len(c.Cluster.Name) > 100 {
		f.add("cluster.name", "has %d bytes; 100 are the most", len(c.Cluster.Name))
	}
	if u := c.Cluster.URL; u != "" {
		f.webAddress("cluster.url", u, "it is how other daemons reach listen.peers")
		if c.Listen.Peers == "" {
			f.add("listen.peers", "is empty and cluster.url is not; write the address at which this daemon listens to others, such as 192.0.2.1:8082")
		}
		return
	}
	host, _, err := net.SplitHostPort(c.Listen.Peers)
	if err != nil {
		return
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		f.add("cluster.url", "is empty and listen.peers names no address; say how other daemons reach this one, such as http://192.0.2.1:8082")
	}
}
