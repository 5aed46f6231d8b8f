//go:build !race

package billing_test

// scale is how much of its work a long test does: the race detector makes everything several times slower.
func scale(n int) int { return n }
