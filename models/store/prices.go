package store

import (
	"context"
	"math"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var planColumns = columns[models.PricePlan]{
	table: "price_plans",
	names: []string{"id", "tenant_id", "name", "from_at", "until_at", "calls", "rent", "cut_calls", "created_at"},
	values: func(p *models.PricePlan) []any {
		return []any{idOrNull(p.ID), p.TenantID, p.Name, micros(p.From), micros(p.Until), asDocument(p.Calls), asDocument(p.Rent), bit(p.CutCalls), micros(p.CreatedAt)}
	},
	dest: func(p *models.PricePlan) []any {
		return []any{num(&p.ID), num(&p.TenantID), text(&p.Name), when(&p.From), when(&p.Until), document(&p.Calls), document(&p.Rent), flag(&p.CutCalls),
			when(&p.CreatedAt)}
	},
}

// AddPlan stores a price plan and sets its ID and CreatedAt; TenantID 0 is the platform's plan. One that overlaps another of the same tenant is
// models.Conflict, which names that one and its times; models.Invalid, or NotFound for the tenant.
func (s *Store) AddPlan(ctx context.Context, p *models.PricePlan) error {
	row := *p
	row.From, row.Until = clean(p.From), clean(p.Until)
	if err := row.Validate(); err != nil {
		return err
	}
	err := s.within(ctx, "add price plan", func(ctx context.Context, tx *gorm.DB) (err error) {
		row.ID = 0
		if row.TenantID != 0 {
			if _, err = s.Tenant(ctx, row.TenantID); err != nil {
				return err
			}
		}
		if err = lockTenantMoney(tx, row.TenantID); err != nil {
			return err
		}
		if err = apart(tx, row); err != nil {
			return err
		}
		if row.CreatedAt, err = s.Now(ctx); err != nil {
			return err
		}
		row.ID, err = planColumns.insertOne(tx, &row)
		return err
	})
	if err == nil {
		*p = row
	}
	return err
}

// apart refuses a plan that overlaps another of its tenant.
func apart(tx *gorm.DB, p models.PricePlan) error {
	until := int64(math.MaxInt64)
	if !p.Until.IsZero() {
		until = micros(p.Until)
	}
	other, found, err := planColumns.first(tx, "WHERE t.tenant_id = ? AND t.from_at < ? AND (t.until_at = 0 OR t.until_at > ?) AND t.id <> ? ORDER BY t.from_at",
		p.TenantID, until, micros(p.From), p.ID)
	if err != nil || !found {
		return err
	}
	end := "for the time being"
	if !other.Until.IsZero() {
		end = "until " + other.Until.Format(time.RFC3339)
	}
	return models.Fail(models.Conflict, "from", "plan %q (%d) holds from %s %s; end it first, or begin when it ends", other.Name, other.ID,
		other.From.Format(time.RFC3339), end)
}

// EndPlan sets when a plan ends, or with the zero time that it goes on. Calls that were rated stay as they are. models.NotFound, Invalid (it would end
// before it begins) or Conflict (it would overlap the next).
func (s *Store) EndPlan(ctx context.Context, id int64, until time.Time) error {
	return s.within(ctx, "end price plan", func(ctx context.Context, tx *gorm.DB) error {
		p, err := s.Plan(ctx, id)
		if err != nil {
			return err
		}
		if err := lockTenantMoney(tx, p.TenantID); err != nil {
			return err
		}
		if p, err = s.Plan(ctx, id); err != nil { // as it stands under the lock
			return err
		}
		p.Until = clean(until)
		if err := p.Validate(); err != nil {
			return err
		}
		if err := apart(tx, p); err != nil {
			return err
		}
		_, err = run(tx, "UPDATE price_plans SET until_at = ? WHERE id = ?", micros(p.Until), id)
		return err
	})
}

// Plan reads a price plan; models.NotFound.
func (s *Store) Plan(ctx context.Context, id int64) (models.PricePlan, error) {
	p, found, err := planColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return p, known(found, wrap("read price plan", err), "plan", "no such price plan")
}

// PlanFilter narrows Plans; zero fields narrow nothing.
type PlanFilter struct {
	TenantID int64
	Platform bool // the platform's alone
}

// Plans lists price plans, by tenant the one that began last first; of all tenants, newest first.
func (s *Store) Plans(ctx context.Context, f PlanFilter, page models.Page) ([]models.PricePlan, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	order := "t.id DESC"
	if f.Platform {
		c.add("t.tenant_id = 0")
	}
	if f.Platform || f.TenantID != 0 {
		order = "t.from_at DESC"
	}
	return listed(ctx, s, planColumns, c, order, page)
}

// PlanAt reads the plan that is in force for a tenant at a time: his own, else the platform's. found is false when there is neither.
func (s *Store) PlanAt(ctx context.Context, tenantID int64, at time.Time) (p models.PricePlan, found bool, err error) {
	owners := []int64{tenantID, 0}
	if tenantID == 0 {
		owners = owners[1:]
	}
	for _, owner := range owners {
		// They do not overlap: only the one that began last may hold.
		p, found, err = planColumns.first(s.reader(ctx), "WHERE t.tenant_id = ? AND t.from_at <= ? ORDER BY t.from_at DESC", owner, micros(at))
		if err != nil {
			return models.PricePlan{}, false, wrap("read price plan", err)
		}
		if found && p.Holds(at) {
			return p, true, nil
		}
	}
	return models.PricePlan{}, false, nil
}
