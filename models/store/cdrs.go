package store

import (
	"context"
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
}

// CDRs lists records, the call that came last first.
func (s *Store) CDRs(ctx context.Context, f CDRFilter, page models.Page) ([]models.CDR, int, error) {
	var c conditions
	is(&c, "t.session_id", f.SessionID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.caller", f.Caller)
	is(&c, "t.callee", f.Callee)
	is(&c, "t.x", f.X)
	c.span("t.call_in_at", f.Since, f.Until)
	return listed(ctx, s, cdrColumns, c, "t.call_in_at DESC, t.id DESC", page)
}
