package models

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParsePrefix reads an address prefix such as 192.0.2.0/24, or a bare address as the prefix of itself.
func ParsePrefix(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a prefix such as 192.0.2.0/24", s)
	}
	return p.Masked(), nil
}
