package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"maskline/models"
)

// SetArrears notes that a tenant's balance is beyond his credit, or is not any more, and gives the numbers that changed with it, as they stand then:
// on suspends those that are normal; off restores those that it suspended and that nobody has set since. The tenant's State stays as it is. Asked
// twice, it changes nothing the second time, but for numbers that were added or set normal in between. To commit what is told of the numbers with
// them, call it within a transaction. models.NotFound.
func (s *Store) SetArrears(ctx context.Context, tenantID int64, on bool) (numbers []models.Number, err error) {
	from, to, reason, now := models.NumberNormal, models.NumberSuspended, "", models.SuspendedForArrears
	if !on {
		from, to, reason, now = to, from, now, reason
	}
	err = s.within(ctx, "set arrears", func(_ context.Context, tx *gorm.DB) error {
		numbers = nil
		n, err := run(tx, "UPDATE tenants SET arrears = ? WHERE id = ?", bit(on), tenantID)
		if err = known(n > 0, err, "tenant", "no such tenant"); err != nil {
			return err
		}
		const match = " AND state = ? AND suspended_for = ?"
		list, err := numberColumns.all(tx, "WHERE t.tenant_id = ? AND t.state = ? AND t.suspended_for = ? ORDER BY t.number", tenantID, int(from), reason)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(list, 100) {
			names := make([]string, len(chunk))
			for i := range chunk {
				names[i] = chunk[i].Number
			}
			// Their locks, in order; then a number that somebody else has set meanwhile is left out.
			if err := lockNumbers(tx, names); err != nil {
				return err
			}
			still, err := numberColumns.all(tx, "WHERE t.number IN ? AND t.state = ? AND t.suspended_for = ?", names, int(from), reason)
			if err != nil {
				return err
			}
			if _, err := run(tx, "UPDATE numbers SET state = ?, cause = 0, suspended_for = ? WHERE number IN ?"+match, int(to), now, names, int(from), reason); err != nil {
				return err
			}
			for _, n := range still {
				n.State, n.Cause, n.SuspendedFor = to, 0, now
				numbers = append(numbers, n)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return numbers, nil
}
