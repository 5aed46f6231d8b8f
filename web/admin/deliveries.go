package admin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func showDelivery(d models.Delivery) Delivery {
	return Delivery{
		ID: d.ID, AppID: d.AppID, SessionID: d.SessionID, Kind: string(d.Kind), URL: d.URL, State: string(d.State), Attempts: d.Attempts,
		FirstAt: at(d.FirstAt), DueAt: at(d.DueAt), LastStatus: d.LastStatus, LastError: d.LastError, CreatedAt: d.CreatedAt.UTC(), EndedAt: at(d.EndedAt),
	}
}

func (s *server) deliveryFilter(c *gin.Context) (store.DeliveryFilter, error) {
	q, err := s.query(c)
	f := store.DeliveryFilter{AppID: q.app, SessionID: c.Query("session"), State: models.DeliveryState(c.Query("state")),
		Kind: models.DeliveryKind(c.Query("kind")), Since: q.since, Until: q.until}
	if err != nil {
		return f, err
	}
	if err := oneOf("state", f.State, models.DeliveryHeld, models.DeliveryWaiting, models.DeliveryRetry, models.DeliveryDone, models.DeliveryDead); err != nil {
		return f, err
	}
	return f, oneOf("kind", f.Kind, models.DeliverEvent, models.DeliverCDR, models.DeliverNumber)
}

func (s *server) listDeliveries(c *gin.Context) {
	f, err := s.deliveryFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Delivery, int, error) {
		return s.Store.Deliveries(c.Request.Context(), f, p)
	}, showDelivery)
}

func (s *server) listDead(c *gin.Context) {
	f, err := s.deliveryFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	f.State = models.DeliveryDead
	listed(s, c, func(p models.Page) ([]models.Delivery, int, error) {
		return s.Store.Deliveries(c.Request.Context(), f, p)
	}, showDelivery)
}

// writeDead writes the files of one day's dead CDRs, which the daemon also does every night.
func (s *server) writeDead(c *gin.Context) {
	var in DayRequest
	if err := read(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	day, err := time.Parse(time.DateOnly, in.Day)
	switch {
	case err != nil:
		err = models.Fail(models.Invalid, "day", "day is a date such as 2026-11-20")
	case s.DeadFiles == nil:
		err = models.Fail(models.NotFound, "", "this daemon pushes nothing")
	}
	var n int
	if err == nil {
		n, err = s.DeadFiles(c.Request.Context(), day)
	}
	s.answer(c, http.StatusOK, Count{Count: n}, err)
}

func (s *server) replay(c *gin.Context) {
	var in ReplayRequest
	err := read(c, &in)
	if err == nil && in.App == "" && in.Session == "" && in.Since == nil {
		err = models.Fail(models.Invalid, "app", "name what to replay: app, session or since")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	app, err := s.appID(c, in.App)
	f := store.DeliveryFilter{AppID: app, SessionID: in.Session, State: models.DeliveryState(in.State), Kind: models.DeliveryKind(in.Kind)}
	if f.State == "" {
		f.State = models.DeliveryDead
	}
	if in.Since != nil {
		f.Since = *in.Since
	}
	if in.Until != nil {
		f.Until = *in.Until
	}
	if err == nil {
		err = oneOf("state", f.State, models.DeliveryDead, models.DeliveryDone)
	}
	if err == nil {
		err = oneOf("kind", f.Kind, models.DeliverEvent, models.DeliverCDR, models.DeliverNumber)
	}
	var n int
	if err == nil {
		n, err = s.Store.Replay(c.Request.Context(), f)
	}
	s.answer(c, http.StatusOK, Count{Count: n}, err)
}
