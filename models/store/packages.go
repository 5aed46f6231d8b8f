package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var packageColumns = columns[models.Package]{
	table: "packages",
	names: []string{"id", "tenant_id", "name", "modes", "minutes", "minutes_left", "price", "bought_at", "from_at", "until_at"},
	dest: func(p *models.Package) []any {
		return []any{num(&p.ID), num(&p.TenantID), text(&p.Name), modesOf(&p.Modes), num(&p.Minutes), num(&p.Left), num(&p.Price), when(&p.BoughtAt), when(&p.From),
			when(&p.Until)}
	},
}

// keyedPackage is a package as it is written.
type keyedPackage struct {
	models.Package
	key string
}

var newPackages = columns[keyedPackage]{
	table: "packages",
	names: []string{"tenant_id", "name", "modes", "minutes", "minutes_left", "price", "bought_at", "from_at", "until_at", "pkey"},
	values: func(p *keyedPackage) []any {
		modes := make([]string, len(p.Modes))
		for i, m := range p.Modes {
			modes[i] = string(m)
		}
		return []any{p.TenantID, p.Name, strings.Join(modes, ","), p.Minutes, p.Left, int64(p.Price), micros(p.BoughtAt), micros(p.From), micros(p.Until), p.key}
	},
}

// modesOf reads a list of modes from one column.
func modesOf(list *[]models.Mode) scanner {
	return func(src any) error {
		var joined string
		err := text(&joined).Scan(src)
		*list = nil
		for m := range strings.SplitSeq(joined, ",") {
			if m != "" {
				*list = append(*list, models.Mode(m))
			}
		}
		return err
	}
}

// BuyPackage stores a package and posts the entry that pays it, or neither. Of the entry the caller gives Key, Memo and By; kind, tenant and postings
// are set here: the price goes from the tenant's balance to models.AccountPackages. A package of price 0 has no entry, and e.ID stays 0. Of p, Left,
// ID, BoughtAt (zero is the store's clock) and From (the first full hour after it, unless given) are set.
//
// A second purchase with the same key gives the first package back, and bought is false; one that asks for something else, or another tenant's, is
// models.Conflict with the key as Param. models.Invalid; NotFound for the tenant.
func (s *Store) BuyPackage(ctx context.Context, p *models.Package, e *models.Entry) (bought bool, err error) {
	var row models.Package
	var entry models.Entry
	err = s.within(ctx, "buy package", func(ctx context.Context, tx *gorm.DB) error {
		row, entry, bought = *p, *e, false
		if _, err := s.Tenant(ctx, row.TenantID); err != nil {
			return err
		}
		if err := lockTenantMoney(tx, row.TenantID); err != nil {
			return err
		}
		first, found, err := packageColumns.first(tx, "WHERE t.pkey = ?", entry.Key)
		if err != nil {
			return err
		}
		if found {
			if !samePackage(first, row) {
				return models.Fail(models.Conflict, entry.Key, "a purchase of this key says something else: it bought package %d", first.ID)
			}
			row = first
			if entry, _, err = entryByKey(tx, entry.Key); err == nil && entry.ID == 0 {
				entry = *e
			}
			return err
		}
		bought = true
		return s.sell(ctx, tx, &row, &entry)
	})
	if err != nil {
		return false, err
	}
	*p, *e = row, entry
	return bought, nil
}

// samePackage says whether two purchases ask for the same. When it begins is no part of that: it follows from the time of the request.
func samePackage(a, b models.Package) bool {
	return a.Until.Equal(clean(b.Until)) && a.TenantID == b.TenantID && a.Name == b.Name && a.Minutes == b.Minutes && a.Price == b.Price && slices.Equal(a.Modes, b.Modes)
}

func (s *Store) sell(ctx context.Context, tx *gorm.DB, p *models.Package, e *models.Entry) (err error) {
	if p.BoughtAt.IsZero() {
		if p.BoughtAt, err = s.Now(ctx); err != nil {
			return err
		}
	}
	if p.From.IsZero() {
		p.From = models.NextHour(p.BoughtAt)
	}
	p.Left = p.Minutes
	p.BoughtAt, p.From, p.Until = clean(p.BoughtAt), clean(p.From), clean(p.Until)
	if err := p.Validate(); err != nil {
		return err
	}
	e.Kind, e.TenantID = models.EntryPackage, p.TenantID
	if e.At.IsZero() {
		e.At = p.BoughtAt
	}
	e.Postings = models.Transfer(models.TenantAccount(p.TenantID), models.AccountPackages, p.Price)
	if p.Price > 0 {
		if _, err := s.post(ctx, tx, e); err != nil {
			return err
		}
	} else if e.Postings = nil; e.Key == "" || len(e.Key) > 120 {
		return models.Fail(models.Invalid, "key", "a key has 1 to 120 characters")
	}
	p.ID, err = newPackages.insertOne(tx, &keyedPackage{*p, e.Key})
	return taken(err, e.Key, "a purchase of this key is another tenant's")
}

// Package reads a package; models.NotFound.
func (s *Store) Package(ctx context.Context, id int64) (models.Package, error) {
	p, found, err := packageColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return p, known(found, wrap("read package", err), "package", "no such package")
}

// PackageFilter narrows Packages; zero fields narrow nothing.
type PackageFilter struct {
	TenantID int64
	Open     bool      // that have minutes left
	At       time.Time // in force then
}

// Packages lists packages, newest first; a tenant's the one that expires last first.
func (s *Store) Packages(ctx context.Context, f PackageFilter, page models.Page) ([]models.Package, int, error) {
	var c conditions
	order := "t.id DESC"
	if f.TenantID != 0 {
		order = "t.until_at DESC, t.id DESC"
	}
	is(&c, "t.tenant_id", f.TenantID)
	if f.Open {
		c.add("t.minutes_left > 0")
	}
	if !f.At.IsZero() {
		c.add("t.from_at <= ? AND t.until_at > ?", micros(f.At), micros(f.At))
	}
	return listed(ctx, s, packageColumns, c, order, page)
}
