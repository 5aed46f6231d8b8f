package delivery

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// errBarred says that an address may not be pushed to.
var errBarred = errors.New("the address is private or reserved, and delivery.allow does not list it")

// reserved are the networks of the IANA special-purpose registries that netip's own words (private, loopback, link-local, multicast,
// unspecified) leave out. 100.64.0.0/10 holds a cloud's metadata service (100.100.100.200), as does link-local.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("fec0::/10"),
}

// nat64 and sixToFour carry an IPv4 address inside, at these bytes: it is judged too, or it would be a way round.
var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// guard judges addresses after resolution, when the socket is about to connect, so that a name that resolves differently the second
// time (DNS rebinding) gains nothing.
type guard struct{ allow []netip.Prefix }

// control is a net.Dialer's Control.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to connect to: %w", err)
	}
	if !g.open(ap.Addr()) {
		return errBarred
	}
	return nil
}

// open says whether an address may be connected to.
func (g guard) open(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	contains := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(g.allow, contains) {
		return true
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || slices.ContainsFunc(reserved, contains) {
		return false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return g.open(netip.AddrFrom4([4]byte(b[12:16])))
	case sixToFour.Contains(a):
		return g.open(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return true
}
