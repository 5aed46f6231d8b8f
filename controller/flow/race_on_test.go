//go:build race

package flow

// scale is how much of its work a long test does: the race detector makes everything several times slower.
func scale(n int) int { return n / 6 }
