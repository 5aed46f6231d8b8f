package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"maskline/models"
)

var cdrColumns = columns[models.CDR]{
	table: "cdrs",
	names: []string{"id", "session_id", "icid", "tenant_id", "app_id", "binding_id", "mode", "direction", "x", "area", "caller", "display", "callee",
		"trunk", "switch", "host", "call_in_at", "start_at", "alerting_at", "answer_at", "end_at", "fail_at", "q850", "fail", "sip_status",
		"hung_up_by", "record", "record_at", "record_file", "user_data", "source", "completed_at", "extension", "out_at", "out_alerting_at", "out_answer_at",
		"out_q850", "speech_plays", "speech_seconds"},
	values: func(c *models.CDR) []any {
		return []any{nil, c.SessionID, c.ICID, c.TenantID, c.AppID, c.BindingID, string(c.Mode), c.Direction, c.X, c.Area, c.Caller, c.Display, c.Callee,
			c.Trunk, c.Switch, c.Host, micros(c.CallInAt), micros(c.StartAt), micros(c.AlertingAt), micros(c.AnswerAt), micros(c.EndAt),
			micros(c.FailAt), c.Q850, int(c.Fail), c.SIPStatus, c.HungUpBy, bit(c.Record), micros(c.RecordAt), c.RecordFile, c.UserData,
			string(c.Source), micros(c.CompletedAt), c.Extension, micros(c.OutAt), micros(c.OutAlertingAt), micros(c.OutAnswerAt), c.OutQ850,
			c.SpeechPlays, c.SpeechSeconds}
	},
	dest: func(c *models.CDR) []any {
		return []any{num(&c.ID), text(&c.SessionID), text(&c.ICID), num(&c.TenantID), num(&c.AppID), text(&c.BindingID), text(&c.Mode),
			num(&c.Direction), text(&c.X), text(&c.Area), &c.Caller, text(&c.Display), &c.Callee, text(&c.Trunk), text(&c.Switch),
			text(&c.Host), when(&c.CallInAt), when(&c.StartAt), when(&c.AlertingAt), when(&c.AnswerAt), when(&c.EndAt), when(&c.FailAt),
			num(&c.Q850), num(&c.Fail), num(&c.SIPStatus), num(&c.HungUpBy), flag(&c.Record), when(&c.RecordAt), text(&c.RecordFile),
			text(&c.UserData), text(&c.Source), when(&c.CompletedAt), text(&c.Extension), when(&c.OutAt), when(&c.OutAlertingAt),
			when(&c.OutAnswerAt), num(&c.OutQ850), num(&c.SpeechPlays), num(&c.SpeechSeconds)}
	},
}

// CDR reads a session's record; models.NotFound.
func (s *Store) CDR(ctx context.Context, sessionID string) (models.CDR, error) {
	c, found, err := cdrColumns.first(s.reader(ctx), "WHERE t.session_id = ?", sessionID)
	return c, known(found, wrap("read cdr", err), "sessionid", "no such record")
}

// CDRFilter narrows CDRs; zero fields narrow nothing.
type CDRFilter struct {
	TenantID, AppID int64
	SessionID       string
	Caller, Callee  models.Party
	X               string
	Since, Until    time.Time // of the call's arrival
	// CallerLike and CalleeLike are digits that the number holds, or ends with: see Like. They look at the newest LikeMost records of what the other
	// fields leave.
	CallerLike, CalleeLike Like
	OldestFirst            bool
}

// Like is part of a number: digits.
type Like struct {
	Digits string
	AtEnd  bool // the number ends with them
}

// LikeMost is how many records a search for part of a number looks at: no index helps it, so it is bounded.
const LikeMost = 200_000

func (f CDRFilter) conditions() (c conditions) {
	is(&c, "t.session_id", f.SessionID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.caller", f.Caller)
	is(&c, "t.callee", f.Callee)
	is(&c, "t.x", f.X)
	c.span("t.call_in_at", f.Since, f.Until)
	return c
}

// like adds a search for part of a number. Anything but digits finds nothing.
func (c *conditions) like(column string, l Like) {
	switch {
	case l.Digits == "":
	case strings.Trim(l.Digits, "0123456789") != "":
		c.add("1 = 0")
	case l.AtEnd:
		c.add(column+" LIKE ?", "%"+l.Digits)
	default:
		c.add(column+" LIKE ?", "%"+l.Digits+"%")
	}
}

// CDRs lists records, the call that came last first, or the other way round.
func (s *Store) CDRs(ctx context.Context, f CDRFilter, page models.Page) ([]models.CDR, int, error) {
	c, err := s.cdrConditions(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	order := "t.call_in_at DESC, t.id DESC"
	if f.OldestFirst {
		order = "t.call_in_at, t.id"
	}
	return listed(ctx, s, cdrColumns, c, order, page)
}

// cdrConditions is the filter's conditions with those for parts of numbers, and the bound that they need.
func (s *Store) cdrConditions(ctx context.Context, f CDRFilter) (conditions, error) {
	c := f.conditions()
	if f.CallerLike.Digits == "" && f.CalleeLike.Digits == "" {
		return c, nil
	}
	from, err := s.likeFrom(ctx, c)
	if err != nil {
		return c, err
	}
	c.add("t.call_in_at >= ?", from)
	c.like("t.caller", f.CallerLike)
	c.like("t.callee", f.CalleeLike)
	return c, nil
}

// likeFrom is the arrival of the oldest record that a search for part of a number looks at, as it is stored; 0 when it looks at all. It reads an index.
func (s *Store) likeFrom(ctx context.Context, c conditions) (from int64, err error) {
	_, err = one(s.reader(ctx), []any{num(&from)}, "SELECT t.call_in_at FROM cdrs t "+c.String()+" ORDER BY t.call_in_at DESC LIMIT 1 OFFSET ?",
		append(slices.Clip(c.args), LikeMost-1)...)
	return from, wrap("bound a search for part of a number", err)
}

// SearchedSince says from which arrival on CDRs looks at records when the filter asks for part of a number; zero when it looks at all.
func (s *Store) SearchedSince(ctx context.Context, f CDRFilter) (time.Time, error) {
	if f.CallerLike.Digits == "" && f.CalleeLike.Digits == "" {
		return time.Time{}, nil
	}
	from, err := s.likeFrom(ctx, f.conditions())
	return instant(from), err
}
