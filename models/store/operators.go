package store

import (
	"context"

	"gorm.io/gorm"

	"maskline/models"
)

var operatorColumns = columns[models.Operator]{
	table: "operators",
	names: []string{"id", "name", "role", "tenant_id", "state", "password", "created_at", "login_at"},
	values: func(o *models.Operator) []any {
		return []any{idOrNull(o.ID), o.Name, string(o.Role), o.TenantID, string(o.State), o.Password, micros(o.CreatedAt), micros(o.LoginAt)}
	},
	dest: func(o *models.Operator) []any {
		return []any{num(&o.ID), text(&o.Name), text(&o.Role), num(&o.TenantID), text(&o.State), text(&o.Password), when(&o.CreatedAt), when(&o.LoginAt)}
	},
}

// CreateOperator stores an account and sets its ID, CreatedAt and, if empty, State. models.Conflict: the name exists; models.NotFound: the
// tenant does not.
func (s *Store) CreateOperator(ctx context.Context, o *models.Operator) error {
	row := *o
	if row.State == "" {
		row.State = models.StateNormal
	}
	err := s.within(ctx, "create operator", func(ctx context.Context, tx *gorm.DB) (err error) {
		if err = s.fitOperator(ctx, row); err != nil {
			return err
		}
		if row.CreatedAt, err = s.Now(ctx); err != nil {
			return err
		}
		row.ID = 0
		row.ID, err = operatorColumns.insertOne(tx, &row)
		return taken(err, "name", "an operator with this name exists already")
	})
	if err == nil {
		*o = row
	}
	return err
}

// fitOperator checks an account, and that its tenant exists.
func (s *Store) fitOperator(ctx context.Context, o models.Operator) error {
	err := o.Validate()
	if err == nil && o.TenantID != 0 {
		_, err = s.Tenant(ctx, o.TenantID)
	}
	return err
}

// Operator reads an account; models.NotFound.
func (s *Store) Operator(ctx context.Context, id int64) (models.Operator, error) {
	o, found, err := operatorColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return o, known(found, wrap("read operator", err), "operator", "no such operator")
}

// OperatorByName reads the account with a name; models.NotFound.
func (s *Store) OperatorByName(ctx context.Context, name string) (models.Operator, error) {
	o, found, err := operatorColumns.first(s.reader(ctx), "WHERE t.name = ?", name)
	return o, known(found, wrap("read operator", err), "name", "no such operator")
}

// OperatorFilter narrows Operators; zero fields narrow nothing.
type OperatorFilter struct {
	TenantID int64
	Role     models.Role
	State    models.State
	Name     string // the beginning of it
}

// Operators lists accounts, newest first; by name when the filter has the beginning of one.
func (s *Store) Operators(ctx context.Context, f OperatorFilter, page models.Page) ([]models.Operator, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.role", f.Role)
	is(&c, "t.state", f.State)
	begins(&c, "t.name", f.Name)
	order := "t.id DESC"
	if f.Name != "" {
		order = "t.name"
	}
	return listed(ctx, s, operatorColumns, c, order, page)
}

// ChangeOperator lets change alter an account, checks it and stores it; ID, CreatedAt and LoginAt stay. It gives the account before and after, for
// the audit line. An account that is suspended, or whose password changes, loses its sessions; tokens of a suspended one are refused while it is.
// models.NotFound, Conflict for a name that exists, and what change returns. change may run again after a deadlock.
func (s *Store) ChangeOperator(ctx context.Context, id int64, change func(*models.Operator) error) (was, is models.Operator, err error) {
	err = s.within(ctx, "change operator", func(ctx context.Context, tx *gorm.DB) error {
		if was, err = s.lockOperator(ctx, tx, id); err != nil {
			return err
		}
		is = was
		if err := change(&is); err != nil {
			return err
		}
		is.ID, is.CreatedAt, is.LoginAt = was.ID, was.CreatedAt, was.LoginAt
		if err := s.fitOperator(ctx, is); err != nil {
			return err
		}
		_, err := run(tx, "UPDATE operators SET name = ?, role = ?, tenant_id = ?, state = ?, password = ? WHERE id = ?",
			is.Name, string(is.Role), is.TenantID, string(is.State), is.Password, id)
		if err != nil {
			return taken(err, "name", "an operator with this name exists already")
		}
		if is.Password != was.Password || is.State != models.StateNormal {
			return endLogins(tx, id, models.LoginSession)
		}
		return nil
	})
	if err != nil {
		return models.Operator{}, models.Operator{}, err
	}
	return was, is, nil
}

// lockOperator reads an account and holds it until the transaction ends.
func (s *Store) lockOperator(ctx context.Context, tx *gorm.DB, id int64) (models.Operator, error) {
	if _, err := run(tx, "UPDATE operators SET id = id WHERE id = ?", id); err != nil {
		return models.Operator{}, err
	}
	return s.Operator(ctx, id)
}

// RemoveOperator deletes an account with its sessions and tokens, and gives what it was; models.NotFound. What it did stays in the audit lines,
// under its name.
func (s *Store) RemoveOperator(ctx context.Context, id int64) (was models.Operator, err error) {
	err = s.within(ctx, "remove operator", func(ctx context.Context, tx *gorm.DB) error {
		if was, err = s.lockOperator(ctx, tx, id); err != nil {
			return err
		}
		if err := endLogins(tx, id, ""); err != nil {
			return err
		}
		_, err := run(tx, "DELETE FROM operators WHERE id = ?", id)
		return err
	})
	return was, err
}
