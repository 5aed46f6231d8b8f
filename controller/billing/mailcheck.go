package billing

import (
	"context"
	"fmt"
)

// Check logs in to the mail server and sends nothing.
func (m Mail) Check(ctx context.Context) error {
	c, done, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer done()
	if err := m.greet(c); err != nil {
		return fmt.Errorf("log in to the mail server: %w", err)
	}
	_ = c.Quit() // it took us in; how it says good-bye is its own matter
	return nil
}
