package store

import (
	"context"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

var contactColumns = columns[models.Contact]{
	table: "contacts",
	names: []string{"id", "tenant_id", "name", "phone", "mail", "webhook", "notices"},
	values: func(c *models.Contact) []any {
		return []any{idOrNull(c.ID), c.TenantID, c.Name, c.Phone, c.Mail, c.Webhook, asDocument(c.Notices)}
	},
	dest: func(c *models.Contact) []any {
		return []any{num(&c.ID), num(&c.TenantID), text(&c.Name), text(&c.Phone), text(&c.Mail), text(&c.Webhook), document(&c.Notices)}
	},
}

func validContact(c models.Contact) error {
	if utf8.RuneCountInString(c.Phone) > 32 {
		return models.Fail(models.Invalid, "phone", "a contact's telephone number has at most 32 characters")
	}
	return c.Validate()
}

// AddContact stores a contact and sets its ID. models.NotFound (the tenant), Invalid, or Conflict when the tenant has models.ContactsMost.
func (s *Store) AddContact(ctx context.Context, c *models.Contact) error {
	if err := validContact(*c); err != nil {
		return err
	}
	row := *c
	row.ID = 0
	err := s.within(ctx, "add contact", func(ctx context.Context, tx *gorm.DB) error {
		// The tenant's row is the lock under which his contacts are counted.
		if _, err := run(tx, "UPDATE tenants SET id = id WHERE id = ?", row.TenantID); err != nil {
			return err
		}
		if _, err := s.Tenant(ctx, row.TenantID); err != nil {
			return err
		}
		list, err := s.Contacts(ctx, row.TenantID)
		if err != nil {
			return err
		}
		if len(list) >= models.ContactsMost {
			return models.Fail(models.Conflict, "contact", "a tenant has at most %d contacts; remove one first", models.ContactsMost)
		}
		row.ID, err = contactColumns.insertOne(tx, &row)
		return err
	})
	if err == nil {
		*c = row
	}
	return err
}

// ChangeContact writes a contact of a tenant anew; models.NotFound or Invalid.
func (s *Store) ChangeContact(ctx context.Context, c models.Contact) error {
	if err := validContact(c); err != nil {
		return err
	}
	return s.within(ctx, "change contact", func(ctx context.Context, tx *gorm.DB) error {
		if _, err := s.Contact(ctx, c.TenantID, c.ID); err != nil {
			return err
		}
		_, err := contactColumns.update(tx, &c, "id = ?", c.ID)
		return err
	})
}

// RemoveContact removes a contact of a tenant; models.NotFound.
func (s *Store) RemoveContact(ctx context.Context, tenantID, id int64) error {
	return s.within(ctx, "remove contact", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "DELETE FROM contacts WHERE id = ? AND tenant_id = ?", id, tenantID)
		return known(n > 0, err, "contact", "no such contact")
	})
}

// Contact reads a contact of a tenant; models.NotFound.
func (s *Store) Contact(ctx context.Context, tenantID, id int64) (models.Contact, error) {
	c, found, err := contactColumns.first(s.reader(ctx), "WHERE t.id = ? AND t.tenant_id = ?", id, tenantID)
	return c, known(found, wrap("read contact", err), "contact", "no such contact")
}

// Contacts reads a tenant's contacts, oldest first. There are at most models.ContactsMost.
func (s *Store) Contacts(ctx context.Context, tenantID int64) ([]models.Contact, error) {
	list, err := contactColumns.all(s.reader(ctx), "WHERE t.tenant_id = ? ORDER BY t.id LIMIT ?", tenantID, models.ContactsMost)
	return list, wrap("read contacts", err)
}
