package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var promptColumns = columns[models.Prompt]{
	table: "prompts",
	names: slices.Concat([]string{"id", "tenant_id", "name", "bytes", "encoding", "duration", "hash"}, reviewNames),
	dest: func(p *models.Prompt) []any {
		return append([]any{num(&p.ID), num(&p.TenantID), text(&p.Name), num(&p.Bytes), text(&p.Encoding), lasting(&p.Duration), text(&p.Hash)},
			reviewDest(&p.Review)...)
	},
}

// newPrompts is promptColumns for writing: a new prompt waits, and holds its name's place among those that wait.
var newPrompts = columns[models.Prompt]{
	table: "prompts",
	names: slices.Concat([]string{"tenant_id", "name", "slot", "bytes", "encoding", "duration", "hash"}, reviewNames),
	values: func(p *models.Prompt) []any {
		return append([]any{p.TenantID, p.Name, string(models.ReviewWaiting), p.Bytes, p.Encoding, p.Duration.Microseconds(), p.Hash},
			reviewValues(&p.Review)...)
	},
}

var promptsReviewed = reviewed{"prompt", "prompts", "id"}

// AddPrompt stores an uploaded prompt, which waits for review then, and sets ID, State, UploadedAt. models.NotFound (the tenant), Invalid, or
// Conflict, when a prompt of this name waits already.
func (s *Store) AddPrompt(ctx context.Context, p *models.Prompt) error {
	row := *p
	if err := validPrompt(row); err != nil {
		return err
	}
	err := s.within(ctx, "add prompt", func(ctx context.Context, tx *gorm.DB) (err error) {
		if _, err = s.Tenant(ctx, row.TenantID); err != nil {
			return err
		}
		row.Review = models.Review{State: models.ReviewWaiting, Urgent: p.Urgent, UploadedBy: p.UploadedBy}
		if row.UploadedAt, err = s.Now(ctx); err != nil {
			return err
		}
		row.Duration = row.Duration.Truncate(time.Microsecond)
		row.ID, err = newPrompts.insertOne(tx, &row)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return models.Fail(models.Conflict, "name", "a prompt named %s waits for review already", row.Name)
		}
		return err
	})
	if err == nil {
		*p = row
	}
	return err
}

func validPrompt(p models.Prompt) error {
	if p.Name == "" {
		return models.Fail(models.Invalid, "name", "a prompt has a name")
	}
	if len(p.Encoding) > 32 || len(p.Hash) > 64 {
		return models.Fail(models.Invalid, "encoding", "an encoding has at most 32 characters, a hash 64")
	}
	if err := models.ValidPromptName("name", p.Name); err != nil {
		return err
	}
	return validWho(p.UploadedBy)
}

// Prompt reads a prompt; models.NotFound.
func (s *Store) Prompt(ctx context.Context, id int64) (models.Prompt, error) {
	p, ok, err := promptColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return p, known(ok, wrap("read prompt", err), "prompt", "no such prompt")
}

// PromptFilter narrows PromptsOf; zero fields narrow nothing.
type PromptFilter struct {
	TenantID int64
	State    models.ReviewState
	Name     string
	Urgent   bool // only those
}

// PromptsOf lists prompts, newest first.
func (s *Store) PromptsOf(ctx context.Context, f PromptFilter, page models.Page) ([]models.Prompt, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.name", f.Name)
	is(&c, "t.state", f.State)
	if f.Urgent {
		c.add("t.urgent = 1")
	}
	return listed(ctx, s, promptColumns, c, "t.id DESC", page)
}

// DecidePrompt approves or rejects a prompt that waits. An approved one of the same name is removed with it, and comes back as replaced.
// models.NotFound, Invalid (a rejection without a reason), or Conflict when it has been decided.
func (s *Store) DecidePrompt(ctx context.Context, id int64, state models.ReviewState, by, reason string) (p models.Prompt, replaced *models.Prompt, err error) {
	v, err := decision(state, by, reason)
	if err != nil {
		return models.Prompt{}, nil, err
	}
	err = s.within(ctx, "decide on a prompt", func(ctx context.Context, tx *gorm.DB) error {
		replaced = nil
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if p, err = s.Prompt(ctx, id); err != nil {
			return err
		}
		if p.State != models.ReviewWaiting {
			return decided("prompt", p.Review)
		}
		if state == models.ReviewApproved {
			if replaced, err = retirePrompt(tx, p, by, now); err != nil {
				return err
			}
		}
		return judgePrompt(tx, &p, v, now)
	})
	if err != nil {
		return models.Prompt{}, nil, err
	}
	return p, replaced, nil
}

// retirePrompt removes the approved prompt that another of its name replaces.
func retirePrompt(tx *gorm.DB, by models.Prompt, who string, now time.Time) (*models.Prompt, error) {
	old, ok, err := promptColumns.first(tx, "WHERE t.tenant_id = ? AND t.name = ? AND t.slot = ?", by.TenantID, by.Name, string(models.ReviewApproved))
	if err != nil || !ok {
		return nil, err
	}
	v := verdict{models.ReviewRemoved, who, fmt.Sprintf("replaced by prompt %d", by.ID)}
	return &old, judgePrompt(tx, &old, v, now)
}

// judgePrompt writes a verdict on a prompt, in the state in which it was read. Another of its name that was approved meanwhile is a conflict.
func judgePrompt(tx *gorm.DB, p *models.Prompt, v verdict, now time.Time) error {
	if err := promptsReviewed.settle(tx, p.ID, p.Review, v, now); err != nil {
		return err
	}
	var slot any
	if v.state == models.ReviewApproved {
		slot = string(v.state)
	}
	_, err := run(tx, "UPDATE prompts SET slot = ? WHERE id = ?", slot, p.ID)
	if err != nil {
		return taken(err, "name", "another prompt of this name has been approved just now")
	}
	v.on(&p.Review, now)
	return nil
}

// UrgePrompt asks for the review's speed. models.NotFound, or Conflict when it has been decided.
func (s *Store) UrgePrompt(ctx context.Context, id int64) error {
	return s.urge(ctx, promptsReviewed, id, func(ctx context.Context) (models.Review, error) {
		p, err := s.Prompt(ctx, id)
		return p.Review, err
	})
}

// RemovePrompt takes a prompt out of use: an approved one, one that waits, or one that was rejected. models.NotFound, Invalid, Conflict when it
// is removed, or InUse, whose Detail names the user, while a live binding or an app of the tenant names the approved prompt.
//
// Bindings are looked through before the transaction: it may be a million of them, and nobody waits for that. A bind in the same moment may
// come to name a prompt that is gone; its calls end with 8006, as the wire has it.
func (s *Store) RemovePrompt(ctx context.Context, id int64, by, reason string) error {
	v := verdict{models.ReviewRemoved, by, reason}
	if err := v.valid(); err != nil {
		return err
	}
	p, err := s.Prompt(ctx, id)
	if err != nil {
		return err
	}
	if p.State == models.ReviewApproved {
		if err := s.promptFree(ctx, p); err != nil {
			return err
		}
	}
	return s.within(ctx, "remove prompt", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if p.State == models.ReviewRemoved {
			return decided("prompt", p.Review)
		}
		row := p
		return judgePrompt(tx, &row, v, now)
	})
}
