package admin

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
	"maskline/web/serve"
)

var recordingStates = []models.RecordingState{models.RecordingWaiting, models.RecordingKept, models.RecordingShort, models.RecordingMissing, models.RecordingRemoved}

func showRecording(r models.Recording) Recording {
	return Recording{Name: r.Name, SessionID: r.SessionID, TenantID: r.TenantID, AppID: r.AppID, Switch: r.Switch, State: string(r.State), Bytes: r.Bytes,
		Seconds: r.Duration.Seconds(), BeganAt: r.BeganAt.UTC(), WaitUntil: at(r.WaitUntil), KeptAt: at(r.KeptAt), RemovedAt: at(r.RemovedAt)}
}

func (s *server) listRecordings(c *gin.Context) {
	q, err := s.query(c)
	f := store.RecordingFilter{AppID: q.app, TenantID: q.tenant, SessionID: c.Query("session"), State: models.RecordingState(c.Query("state")), Until: q.until}
	if err == nil {
		err = oneOf("state", f.State, recordingStates...)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Recording, int, error) {
		return s.Store.RecordingsOf(c.Request.Context(), f, p)
	}, showRecording)
}

func (s *server) showRecording(c *gin.Context) {
	r, err := s.Store.Recording(c.Request.Context(), c.Param("name"))
	s.answer(c, http.StatusOK, showRecording(r), err)
}

// hearRecording sends a recording. People talk in it: that it was heard, and by whom, is logged.
func (s *server) hearRecording(c *gin.Context) {
	ctx := c.Request.Context()
	r, err := s.Store.Recording(ctx, c.Param("name"))
	switch {
	case err != nil:
	case s.OpenRecording == nil:
		err = models.Fail(models.NotFound, "", "this daemon keeps no recordings")
	case r.State != models.RecordingKept && r.State != models.RecordingShort:
		err = models.Fail(models.RecordMissing, "name", "the recording is %s", r.State)
	}
	var file io.ReadCloser
	var size int64
	if err == nil {
		file, size, err = s.OpenRecording(ctx, r.Name)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	serve.Note(c, "recording", r.Name)
	c.DataFromReader(http.StatusOK, size, "audio/wav", file, map[string]string{"Content-Disposition": attachment(r.Name)})
}

// removeRecording removes a recording for good. That it was, and by whom, is logged.
func (s *server) removeRecording(c *gin.Context) {
	ctx := c.Request.Context()
	r, err := s.Store.Recording(ctx, c.Param("name"))
	switch {
	case err != nil:
	case s.RemoveRecording == nil:
		err = models.Fail(models.NotFound, "", "this daemon keeps no recordings")
	case r.State == models.RecordingRemoved:
		err = models.Fail(models.Conflict, "name", "the recording has been removed already")
	case r.State == models.RecordingWaiting:
		err = models.Fail(models.Conflict, "name", "the recording is not in its place yet; try again in a minute")
	default:
		err = s.RemoveRecording(ctx, r.Name)
	}
	if err == nil {
		serve.Note(c, "removed", r.Name)
		about(c, r.Name, r.TenantID)
		was(c, showRecording(r))
	}
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}
