package cdr

import (
	"time"

	"maskline/models"
)

// Fold makes the CDR of a session from its legs. end is used when no leg tells when the call ended (source lost): until then it was known
// to live, and for no second more does anybody pay.
func Fold(s models.Session, legs Legs, source models.Source, end time.Time) models.CDR {
	o := legs.Outcome(s.Plan, s.Stopped)
	b, dialled := legs.Callee()
	c := models.CDR{
		SessionID: s.ID, ICID: models.CallRef(s.LegA) + ".1", TenantID: s.TenantID, AppID: s.AppID, BindingID: s.BindingID, Mode: s.Mode,
		Direction: s.Plan.Direction, Area: s.Area, Extension: s.Extension, X: s.Dialled, Caller: s.Caller, Switch: s.Switch, Host: s.Host, UserData: s.UserData,
		CallInAt: earliest(s.StartedAt, legs.A.Created), EndAt: legs.A.HungUp,
		Fail: o.State, Q850: o.Q850, SIPStatus: o.SIPStatus, HungUpBy: o.HungUpBy, Source: source,
	}
	if connect := s.Plan.Callee(); connect != nil {
		c.Display, c.Callee, c.Trunk = connect.Show, s.Callee, s.Trunk
	}
	if s.Plan.Place != nil {
		c.ICID = models.PlacedICID(s.ID, s.StartedAt)
		c.Trunk, c.OutQ850, c.CallInAt = s.Trunk, o.OutQ850, s.StartedAt
		c.OutAt, c.OutAlertingAt, c.OutAnswerAt = legs.A.Created, legs.A.Alerted(), legs.A.Answered
		if legs.A.Trunk != "" {
			c.Trunk = legs.A.Trunk
		}
	}
	if dialled {
		c.StartAt, c.AlertingAt, c.AnswerAt = b.Created, b.Alerted(), b.Answered
		if b.Trunk != "" {
			c.Trunk = b.Trunk
		}
		// The callee's leg is what is paid for: the call ends with it, even if the caller's leg hears something more.
		if !b.Answered.IsZero() && !b.HungUp.IsZero() {
			c.EndAt = b.HungUp
		}
	}
	if c.EndAt.IsZero() {
		c.EndAt = end
	}
	if !c.Answered() {
		c.FailAt = c.EndAt
	} else if s.RecordAs != "" {
		c.Record, c.RecordAt, c.RecordFile = true, c.AnswerAt, s.RecordAs
	}
	return c
}
