package store

import (
	"context"
	"fmt"
	"time"

	"maskline/models"
)

var sessionColumns = columns[models.Session]{
	table: "sessions",
	names: []string{"id", "leg_a", "switch", "host", "tenant_id", "app_id", "binding_id", "mode", "side", "dialled", "caller", "callee", "trunk",
		"user_data", "plan", "record_as", "stage", "stopped", "started_at", "ended_at", "extension", "area", "counted"},
	values: func(v *models.Session) []any {
		return []any{v.ID, v.LegA, v.Switch, v.Host, v.TenantID, v.AppID, v.BindingID, string(v.Mode), string(v.Side), v.Dialled, v.Caller, v.Callee,
			v.Trunk, v.UserData, asDocument(v.Plan), v.RecordAs, string(v.Stage), bit(v.Stopped), micros(v.StartedAt), micros(v.EndedAt),
			v.Extension, v.Area, bit(v.Counted)}
	},
	dest: func(v *models.Session) []any {
		return []any{text(&v.ID), text(&v.LegA), text(&v.Switch), text(&v.Host), num(&v.TenantID), num(&v.AppID), text(&v.BindingID),
			text(&v.Mode), text(&v.Side), text(&v.Dialled), &v.Caller, &v.Callee, text(&v.Trunk), text(&v.UserData), document(&v.Plan),
			text(&v.RecordAs), text(&v.Stage), flag(&v.Stopped), when(&v.StartedAt), when(&v.EndedAt),
			text(&v.Extension), text(&v.Area), flag(&v.Counted)}
	},
}

// Session reads a session; models.NotFound.
func (s *Store) Session(ctx context.Context, id string) (models.Session, error) {
	v, found, err := sessionColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return v, known(found, wrap("read session", err), "sessionid", "no such session")
}

// SessionFilter narrows Sessions; zero fields narrow nothing.
type SessionFilter struct {
	AppID, TenantID int64
	Switch          string
	Live            bool      // only those that have not ended
	Since, Until    time.Time // of the start
	Caller, Callee  models.Party
}

// Sessions lists sessions, the one that started last first.
func (s *Store) Sessions(ctx context.Context, f SessionFilter, page models.Page) ([]models.Session, int, error) {
	var c conditions
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.switch", f.Switch)
	is(&c, "t.caller", f.Caller)
	is(&c, "t.callee", f.Callee)
	if f.Live {
		c.add("t.ended_at = 0")
	}
	c.span("t.started_at", f.Since, f.Until)
	return listed(ctx, s, sessionColumns, c, "t.started_at DESC, t.seq DESC", page)
}

// LiveSessions reads every session of a switch that has not ended, oldest first, for resync. It reads in pages; how many there are is
// bounded by what the switch carries.
func (s *Store) LiveSessions(ctx context.Context, switchName string) ([]models.Session, error) {
	const page = 500
	var all []models.Session
	for after := ""; ; {
		rows, err := sessionColumns.all(s.reader(ctx), fmt.Sprintf("WHERE t.ended_at = 0 AND t.switch = ? AND t.seq > %s ORDER BY t.seq LIMIT %d",
			"COALESCE((SELECT l.seq FROM sessions l WHERE l.id = ?), 0)", page), switchName, after)
		if err != nil {
			return nil, fmt.Errorf("read live sessions: %w", err)
		}
		all = append(all, rows...)
		if len(rows) < page {
			return all, nil
		}
		after = rows[len(rows)-1].ID
	}
}
