package store

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

var templateColumns = columns[models.Template]{
	table: "templates",
	names: slices.Concat([]string{"id", "tenant_id", "name", "content", "voice", "rate", "scene"}, reviewNames),
	values: func(t *models.Template) []any {
		return append([]any{t.ID, t.TenantID, t.Name, t.Content, t.Voice, t.Rate, t.Scene}, reviewValues(&t.Review)...)
	},
	dest: func(t *models.Template) []any {
		return append([]any{text(&t.ID), num(&t.TenantID), text(&t.Name), text(&t.Content), text(&t.Voice), num(&t.Rate), text(&t.Scene)},
			reviewDest(&t.Review)...)
	},
}

var templatesReviewed = reviewed{"template", "templates", "id"}

// AddTemplate stores a template, which waits for review then, and sets ID (if empty), State, UploadedAt. Of the content only the length is
// checked here. models.NotFound (the tenant), Invalid, or Conflict, when a template has the ID.
func (s *Store) AddTemplate(ctx context.Context, t *models.Template) error {
	row := *t
	if row.ID == "" {
		row.ID = strings.ReplaceAll(models.NewID(), "-", "")
	}
	if err := validTemplate(row); err != nil {
		return err
	}
	err := s.within(ctx, "add template", func(ctx context.Context, tx *gorm.DB) (err error) {
		if _, err = s.Tenant(ctx, row.TenantID); err != nil {
			return err
		}
		row.Review = models.Review{State: models.ReviewWaiting, Urgent: t.Urgent, UploadedBy: t.UploadedBy}
		if row.UploadedAt, err = s.Now(ctx); err != nil {
			return err
		}
		return taken(templateColumns.add(tx, &row), "id", "a template with this id exists already")
	})
	if err == nil {
		*t = row
	}
	return err
}

func validTemplate(t models.Template) error {
	switch {
	case len(t.ID) > 32:
		return models.Fail(models.Invalid, "id", "a template's id has 1 to 32 characters")
	case t.Name == "" || utf8.RuneCountInString(t.Name) > 64:
		return models.Fail(models.Invalid, "name", "a template's name has 1 to 64 characters")
	case t.Content == "" || len(t.Content) > 900:
		return models.Fail(models.Invalid, "content", "a template has 1 to 900 bytes of text")
	case len(t.Voice) > 64:
		return models.Fail(models.Invalid, "voice", "a voice's name has at most 64 characters")
	case t.Rate != 0 && (t.Rate < 50 || t.Rate > 200):
		return models.Fail(models.Invalid, "rate", "the rate is 50 to 200 per cent")
	case utf8.RuneCountInString(t.Scene) > reasonMost:
		return models.Fail(models.Invalid, "scene", "the scene has at most %d characters", reasonMost)
	}
	return validWho(t.UploadedBy)
}

// Template reads a template of a tenant, or of anyone when tenantID is 0; models.NotFound.
func (s *Store) Template(ctx context.Context, tenantID int64, id string) (models.Template, error) {
	t, ok, err := templateColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	if ok && tenantID != 0 && t.TenantID != tenantID {
		t, ok = models.Template{}, false
	}
	return t, known(ok, wrap("read template", err), "templateId", "no such template")
}

// TemplateFilter narrows Templates; zero fields narrow nothing.
type TemplateFilter struct {
	TenantID int64
	State    models.ReviewState
	Urgent   bool // only those
}

// Templates lists templates, newest first.
func (s *Store) Templates(ctx context.Context, f TemplateFilter, page models.Page) ([]models.Template, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.state", f.State)
	if f.Urgent {
		c.add("t.urgent = 1")
	}
	return listed(ctx, s, templateColumns, c, "t.seq DESC", page)
}

// DecideTemplate approves or rejects a template that waits. models.NotFound, Invalid (a rejection without a reason), or Conflict when it has
// been decided.
func (s *Store) DecideTemplate(ctx context.Context, id string, state models.ReviewState, by, reason string) (models.Template, error) {
	v, err := decision(state, by, reason)
	if err != nil {
		return models.Template{}, err
	}
	return s.judgeTemplate(ctx, id, v, models.ReviewWaiting)
}

// RemoveTemplate takes a template out of use, whatever became of its review. Calls that wait have their text already. models.NotFound, Invalid,
// or Conflict when it is removed.
func (s *Store) RemoveTemplate(ctx context.Context, id, by, reason string) error {
	v := verdict{models.ReviewRemoved, by, reason}
	if err := v.valid(); err != nil {
		return err
	}
	_, err := s.judgeTemplate(ctx, id, v, models.ReviewWaiting, models.ReviewApproved, models.ReviewRejected)
	return err
}

func (s *Store) judgeTemplate(ctx context.Context, id string, v verdict, from ...models.ReviewState) (t models.Template, err error) {
	err = s.within(ctx, "decide on a template", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if t, err = s.Template(ctx, 0, id); err != nil {
			return err
		}
		if !slices.Contains(from, t.State) {
			return decided("template", t.Review)
		}
		if err := templatesReviewed.settle(tx, id, t.Review, v, now); err != nil {
			return err
		}
		v.on(&t.Review, now)
		return nil
	})
	if err != nil {
		return models.Template{}, err
	}
	return t, nil
}

// UrgeTemplate asks for the review's speed. models.NotFound, or Conflict when it has been decided.
func (s *Store) UrgeTemplate(ctx context.Context, id string) error {
	return s.urge(ctx, templatesReviewed, id, func(ctx context.Context) (models.Review, error) {
		t, err := s.Template(ctx, 0, id)
		return t.Review, err
	})
}
