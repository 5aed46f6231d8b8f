package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"maskline/models"
)

// HeldDeliveries reads up to n deliveries that wait for their call's recording, those first whose DueAt comes first.
func (s *Store) HeldDeliveries(ctx context.Context, n int) ([]models.Delivery, error) {
	rows, err := deliveryColumns.all(s.reader(ctx), "WHERE t.state = ? ORDER BY t.due_at, t.id LIMIT ?", string(models.DeliveryHeld), n)
	return rows, wrap("read held deliveries", err)
}

// ReleaseDelivery lets a session's held delivery go, with this body, and says whether it did: of two who release it, one does. The delivery
// is as it stands then, to be handed to the courier.
//
// With it go the CDR's Record, RecordFile and Fail, if cdr is given. A session that has no push of its CDR has them changed too; a session
// whose push is on its way does not, so that both say the same.
func (s *Store) ReleaseDelivery(ctx context.Context, sessionID string, body []byte, cdr *models.CDR) (d models.Delivery, released bool, err error) {
	err = s.within(ctx, "release delivery", func(ctx context.Context, tx *gorm.DB) error {
		d, released = models.Delivery{}, false
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		n, err := run(tx, "UPDATE deliveries SET state = ?, body = ?, due_at = ? WHERE session_id = ? AND state = ?",
			string(models.DeliveryWaiting), append([]byte{}, body...), micros(now), sessionID, string(models.DeliveryHeld))
		if err != nil {
			return err
		}
		row, pushed, err := deliveryColumns.first(tx, "WHERE t.session_id = ? AND t.kind = ? ORDER BY t.id", sessionID, string(models.DeliverCDR))
		if err != nil || n == 0 && pushed {
			return err
		}
		if cdr != nil {
			if _, err := run(tx, "UPDATE cdrs SET record = ?, record_file = ?, fail = ? WHERE session_id = ?",
				bit(cdr.Record), cdr.RecordFile, int(cdr.Fail), sessionID); err != nil {
				return fmt.Errorf("its cdr: %w", err)
			}
		}
		d, released = row, n > 0
		return nil
	})
	if err != nil || !released {
		return models.Delivery{}, false, err
	}
	return d, true, nil
}
