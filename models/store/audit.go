package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// How long the parts of an audit line are at most: characters, and bytes of what was before and after.
const (
	actionMost  = 64
	objectMost  = 191
	fromMost    = 64
	requestMost = 128
	changeMost  = 60_000
)

var auditColumns = columns[models.Audit]{
	table: "audit",
	names: []string{"id", "at", "who", "role", "tenant_id", "action", "object", "was", "became", "from_addr", "request", "previous", "hash"},
	values: func(a *models.Audit) []any {
		return []any{a.ID, micros(a.At), a.Who, string(a.Role), a.TenantID, a.Action, a.Object, a.Before, a.After, a.From, a.Request, a.Previous, a.Hash}
	},
	dest: func(a *models.Audit) []any {
		return []any{num(&a.ID), when(&a.At), text(&a.Who), text(&a.Role), num(&a.TenantID), text(&a.Action), text(&a.Object), text(&a.Before), text(&a.After),
			text(&a.From), text(&a.Request), text(&a.Previous), text(&a.Hash)}
	},
}

// Audited appends a line to the audit: ID, At, Previous and Hash are set here. With the context of Within or Once it stands or falls with what is
// written there; it is called last, since all who append wait for the one who has. Who and Action are needed, else models.Invalid. Nothing
// else refuses a line: parts that are too long are cut, and a Before or After above 60 000 bytes is kept as its hash. The caller masks numbers.
func (s *Store) Audited(ctx context.Context, a models.Audit) error {
	if a.Who == "" || a.Action == "" {
		return models.Fail(models.Invalid, "audit", "an audit line says who did what")
	}
	a = fitAudit(a)
	return s.within(ctx, "append audit line", func(ctx context.Context, tx *gorm.DB) error {
		n, err := run(tx, "UPDATE audit_head SET length = length + 1 WHERE id = 1")
		if err == nil && n == 0 {
			return errors.New("the row of the chain's end is gone; somebody deleted it: maskline audit verify")
		}
		if err != nil {
			return err
		}
		var head AuditEnd
		if head, err = s.AuditHead(ctx); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if now.Before(head.At) { // a clock that was set back: lines stay in order of time
			now = head.At
		}
		a.ID, a.At, a.Previous = head.Length, now, head.Hash
		a.Hash = auditHash(a)
		if err := auditColumns.add(tx, &a); errors.Is(err, gorm.ErrDuplicatedKey) {
			return fmt.Errorf("line %d was written by somebody else than Maskline: maskline audit verify", a.ID)
		} else if err != nil {
			return err
		}
		_, err = run(tx, "UPDATE audit_head SET at = ?, hash = ? WHERE id = 1", micros(a.At), a.Hash)
		return err
	})
}

// fitAudit makes the parts fit their columns. The line must be the same when it is read again: its hash is over what is stored.
func fitAudit(a models.Audit) models.Audit {
	a.Who, a.Action, a.Object = clip(a.Who, whoMost), clip(a.Action, actionMost), clip(a.Object, objectMost)
	a.From, a.Request, a.Role = clip(a.From, fromMost), clip(a.Request, requestMost), models.Role(clip(string(a.Role), 32))
	a.Before, a.After = fitChange(a.Before), fitChange(a.After)
	return a
}

func fitChange(v string) string {
	if len(v) > changeMost {
		sum := sha256.Sum256([]byte(v))
		return fmt.Sprintf(`{"bytes":%d,"sha256":"%x"}`, len(v), sum)
	}
	return storable(v)
}

// storable is a text that both databases give back as it was: valid UTF-8 without NUL.
func storable(v string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", "\uFFFD")
}

// clip is the first n characters of a text, storable.
func clip(v string, n int) string { return cut(storable(v), n) }

// auditHash is SHA-256 over the hash before and every field, each behind its length, so that no two lines run together.
func auditHash(a models.Audit) string {
	return hashParts("maskline audit 1", a.Previous, strconv.FormatInt(a.ID, 10), strconv.FormatInt(micros(a.At), 10), a.Who, string(a.Role),
		strconv.FormatInt(a.TenantID, 10), a.Action, a.Object, a.Before, a.After, a.From, a.Request)
}

// AuditEnd is the end of the chain: how many lines there are, and the time and hash of the last one. Kept elsewhere, it proves later that nothing
// before it was altered, even by one who wrote the whole chain anew.
type AuditEnd struct {
	Length int64
	At     time.Time
	Hash   string // hex; "" of an empty chain
}

// AuditHead reads the chain's end.
func (s *Store) AuditHead(ctx context.Context) (e AuditEnd, err error) {
	_, err = one(s.reader(ctx), []any{num(&e.Length), when(&e.At), text(&e.Hash)}, "SELECT length, at, hash FROM audit_head WHERE id = 1")
	return e, wrap("read the audit's end", err)
}

// AuditLine reads a line; models.NotFound.
func (s *Store) AuditLine(ctx context.Context, id int64) (models.Audit, error) {
	a, found, err := auditColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return a, known(found, wrap("read audit line", err), "audit", "no such audit line")
}
