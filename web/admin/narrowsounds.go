package admin

import (
	"context"

	"maskline/models"
	"maskline/models/store"
)

func (n narrowed) Prompt(ctx context.Context, id int64) (models.Prompt, error) {
	p, err := n.Store.Prompt(ctx, id)
	return mine(ctx, p, p.TenantID, err, "prompt")
}

func (n narrowed) PromptsOf(ctx context.Context, f store.PromptFilter, page models.Page) ([]models.Prompt, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.PromptsOf(ctx, f, page)
}

func (n narrowed) UrgePrompt(ctx context.Context, id int64) error {
	if _, err := n.Prompt(ctx, id); err != nil {
		return err
	}
	return n.Store.UrgePrompt(ctx, id)
}

func (n narrowed) AddTemplate(ctx context.Context, t *models.Template) error {
	own(ctx, &t.TenantID)
	return n.Store.AddTemplate(ctx, t)
}

func (n narrowed) Template(ctx context.Context, tenantID int64, id string) (models.Template, error) {
	own(ctx, &tenantID)
	t, err := n.Store.Template(ctx, tenantID, id)
	return mine(ctx, t, t.TenantID, err, "template")
}

func (n narrowed) Templates(ctx context.Context, f store.TemplateFilter, page models.Page) ([]models.Template, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Templates(ctx, f, page)
}

func (n narrowed) UrgeTemplate(ctx context.Context, id string) error {
	if _, err := n.Template(ctx, 0, id); err != nil {
		return err
	}
	return n.Store.UrgeTemplate(ctx, id)
}

func (n narrowed) RemoveTemplate(ctx context.Context, id string, by, reason string) error {
	if _, err := n.Template(ctx, 0, id); err != nil {
		return err
	}
	return n.Store.RemoveTemplate(ctx, id, by, reason)
}
