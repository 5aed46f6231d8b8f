package doctor

import "testing"

func TestPublicEventSocket(t *testing.T) {
	for addr, fails := range map[string]bool{"127.0.0.1:8021": false, "[::1]:8021": false, "10.1.2.3:8021": false, "[fd00::1]:8021": false, "[::ffff:192.168.1.1]:8021": false,
		"switch.internal:8021": false, "198.51.100.7:8021": true, "[2001:db8::1]:8021": true, "0.0.0.0:8021": true} {
		found := socketAddress("switch fs1", addr)
		if (len(found) > 0) != fails {
			t.Errorf("%s: %+v", addr, found)
		}
	}
}
