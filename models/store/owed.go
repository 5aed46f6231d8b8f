package store

import (
	"context"
	"fmt"

	"maskline/models"
)

// Owed is what a tenant's calls have cost that is not settled yet, and the minutes of packages that they may take. It reads the charges of the open
// hours only.
func (s *Store) Owed(ctx context.Context, tenantID int64) (amount models.Amount, minutes int64, err error) {
	const query = "SELECT COALESCE(SUM(t.amount), 0), COALESCE(SUM(t.minutes), 0) FROM charges t WHERE t.settled_at = 0 AND t.tenant_id = ?"
	if _, err := one(s.reader(ctx), []any{num(&amount), num(&minutes)}, query, tenantID); err != nil {
		return 0, 0, fmt.Errorf("add up what tenant %d owes: %w", tenantID, err)
	}
	return amount, minutes, nil
}
