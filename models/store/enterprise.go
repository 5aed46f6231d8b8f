package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

var enterpriseColumns = columns[models.Enterprise]{
	table: "enterprises",
	names: slices.Concat([]string{"tenant_id", "kind", "name", "licence", "documents", "scenario", "script", "business", "sms", "refusals"}, reviewNames),
	values: func(e *models.Enterprise) []any {
		return append([]any{e.TenantID, e.Kind, e.Name, e.Licence, asDocument(e.Documents), e.Scenario, e.Script, e.Business, bit(e.SMS), e.Refusals},
			reviewValues(&e.Review)...)
	},
	dest: func(e *models.Enterprise) []any {
		return append([]any{num(&e.TenantID), text(&e.Kind), text(&e.Name), text(&e.Licence), document(&e.Documents), text(&e.Scenario), text(&e.Script),
			text(&e.Business), flag(&e.SMS), num(&e.Refusals)}, reviewDest(&e.Review)...)
	},
}

// ruledBy is who refuses an enterprise of a forbidden business.
const ruledBy = "rule"

// SubmitEnterprise stores what a tenant shows of himself, in place of what he showed before, and sets its Review and Refusals: it waits for its
// review then, also where the one before was approved. One whose business is among the forbidden is refused at once, which counts as a refusal; State and Reason say so, and the error
// is nil. The documents' files are the caller's; their facts are kept here.
//
// models.NotFound (the tenant), Invalid, or Conflict: it waits for its review already, or the tenant was refused models.RefusalsMost times for a
// forbidden business and must ask the operator (ClearRefusals).
func (s *Store) SubmitEnterprise(ctx context.Context, e *models.Enterprise, forbidden []string) error {
	if err := validEnterprise(*e); err != nil {
		return err
	}
	row := *e
	err := s.within(ctx, "submit enterprise", func(ctx context.Context, tx *gorm.DB) error {
		if _, err := s.Tenant(ctx, row.TenantID); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		old, found, err := lockEnterprise(tx, row.TenantID)
		if err != nil {
			return err
		}
		if err := maySubmit(old); err != nil {
			return err
		}
		row.Refusals = old.Refusals
		row.Review = models.Review{State: models.ReviewWaiting, Urgent: e.Urgent, UploadedBy: e.UploadedBy, UploadedAt: now}
		if slices.ContainsFunc(forbidden, func(b string) bool { return strings.EqualFold(b, strings.TrimSpace(row.Business)) }) {
			row.Refusals++
			verdict{models.ReviewRejected, ruledBy, fmt.Sprintf("no number is given for the business %q", row.Business)}.on(&row.Review, now)
		}
		if !found {
			return taken(enterpriseColumns.add(tx, &row), "enterprise", "the tenant's enterprise has been submitted just now")
		}
		return writeEnterprise(tx, &row)
	})
	if err == nil {
		*e = row
	}
	return err
}

func validEnterprise(e models.Enterprise) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if len(e.Documents) > models.DocumentsMost {
		return models.Fail(models.Invalid, "documents", "an enterprise shows at most %d documents", models.DocumentsMost)
	}
	for _, d := range e.Documents {
		hash, err := hex.DecodeString(d.Hash)
		switch {
		case !slices.Contains(models.DocumentKinds, d.Kind):
			return models.Fail(models.Invalid, "documents.kind", "kind %q is unknown; it is one of %v", d.Kind, models.DocumentKinds)
		case d.Name == "" || utf8.RuneCountInString(d.Name) > 255:
			return models.Fail(models.Invalid, "documents.name", "a document's name has 1 to 255 characters")
		case err != nil || len(hash) != 32:
			return models.Fail(models.Invalid, "documents.sha256", "a document has the SHA-256 of its file, 64 hex digits")
		case d.Bytes < 1:
			return models.Fail(models.Invalid, "documents.bytes", "a document has a size of 1 byte or more")
		}
	}
	return validWho(e.UploadedBy)
}

func maySubmit(old models.Enterprise) error {
	switch {
	case old.Refusals >= models.RefusalsMost:
		return models.Fail(models.Conflict, "enterprise", "the enterprise was refused %d times for a forbidden business; ask the operator", old.Refusals)
	case old.State == models.ReviewWaiting:
		return models.Fail(models.Conflict, "enterprise", "the enterprise waits for its review; change it once that is over")
	}
	return nil
}

// lockEnterprise reads a tenant's enterprise and takes its row until the end of the transaction.
func lockEnterprise(tx *gorm.DB, tenantID int64) (models.Enterprise, bool, error) {
	if _, err := run(tx, "UPDATE enterprises SET id = id WHERE tenant_id = ?", tenantID); err != nil {
		return models.Enterprise{}, false, err
	}
	return enterpriseColumns.first(tx, "WHERE t.tenant_id = ?", tenantID)
}

func writeEnterprise(tx *gorm.DB, e *models.Enterprise) error {
	_, err := enterpriseColumns.update(tx, e, "tenant_id = ?", e.TenantID)
	return err
}

// Enterprise reads what a tenant has shown of himself; models.NotFound.
func (s *Store) Enterprise(ctx context.Context, tenantID int64) (models.Enterprise, error) {
	e, found, err := enterpriseColumns.first(s.reader(ctx), "WHERE t.tenant_id = ?", tenantID)
	return e, known(found, wrap("read enterprise", err), "enterprise", "the tenant has submitted no enterprise")
}

// EnterpriseFilter narrows Enterprises; zero fields narrow nothing.
type EnterpriseFilter struct {
	State models.ReviewState
}

// Enterprises lists enterprises; those of who came last first.
func (s *Store) Enterprises(ctx context.Context, f EnterpriseFilter, page models.Page) ([]models.Enterprise, int, error) {
	var c conditions
	is(&c, "t.state", f.State)
	return listed(ctx, s, enterpriseColumns, c, "t.id DESC", page)
}

// EnterpriseDecision is what a reviewer says of an enterprise.
type EnterpriseDecision struct {
	State     models.ReviewState // approved or rejected
	By        string
	Reason    string    // of a rejection
	Forbidden bool      // rejected for a forbidden business: it counts toward models.RefusalsMost
	Submitted time.Time // UploadedAt of what the reviewer has seen; zero does not look
}

// DecideEnterprise approves or rejects an enterprise that waits. An approval ends a row of refusals; a rejection for another reason neither adds
// to it nor ends it. models.NotFound, Invalid, or Conflict: it has been decided, or the tenant has submitted another one since.
func (s *Store) DecideEnterprise(ctx context.Context, tenantID int64, d EnterpriseDecision) (e models.Enterprise, err error) {
	v, err := decision(d.State, d.By, d.Reason)
	if err == nil && d.Forbidden && d.State != models.ReviewRejected {
		err = models.Fail(models.Invalid, "forbidden", "a forbidden business is rejected")
	}
	if err != nil {
		return e, err
	}
	err = s.changeEnterprise(ctx, "decide on an enterprise", tenantID, &e, func(e *models.Enterprise, now time.Time) error {
		switch {
		case e.State != models.ReviewWaiting:
			return decided("enterprise", e.Review)
		case !d.Submitted.IsZero() && !clean(d.Submitted).Equal(e.UploadedAt):
			return models.Fail(models.Conflict, "submitted", "the tenant has submitted another enterprise since; look at that one")
		case d.Forbidden:
			e.Refusals++
		case d.State == models.ReviewApproved:
			e.Refusals = 0
		}
		v.on(&e.Review, now)
		return nil
	})
	return e, err
}

// ClearRefusals lets a tenant submit his enterprise again who was refused too often; models.NotFound.
func (s *Store) ClearRefusals(ctx context.Context, tenantID int64) (e models.Enterprise, err error) {
	err = s.changeEnterprise(ctx, "clear refusals", tenantID, &e, func(e *models.Enterprise, _ time.Time) error {
		e.Refusals = 0
		return nil
	})
	return e, err
}

func (s *Store) changeEnterprise(ctx context.Context, what string, tenantID int64, out *models.Enterprise, change func(*models.Enterprise, time.Time) error) error {
	return s.within(ctx, what, func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		e, found, err := lockEnterprise(tx, tenantID)
		if err = known(found, err, "enterprise", "the tenant has submitted no enterprise"); err != nil {
			return err
		}
		if err = change(&e, now); err != nil {
			return err
		}
		*out = e
		return writeEnterprise(tx, &e)
	})
}

// enterpriseApproved says whether a tenant's enterprise has been, as models.Conflict when not.
func (s *Store) enterpriseApproved(ctx context.Context, tenantID int64) error {
	e, err := s.Enterprise(ctx, tenantID)
	switch {
	case models.CodeOf(err) == models.NotFound:
		return models.Fail(models.Conflict, "enterprise", "numbers are ordered once the enterprise is approved; none has been submitted")
	case err != nil:
		return err
	case e.State != models.ReviewApproved:
		return models.Fail(models.Conflict, "enterprise", "numbers are ordered once the enterprise is approved; %q is %s", e.Name, e.State)
	}
	return nil
}
