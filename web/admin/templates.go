package admin

import (
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func showTemplate(t models.Template) Template {
	return Template{ID: t.ID, TenantID: t.TenantID, Name: t.Name, Content: t.Content, Voice: t.Voice, Rate: percent(t.Rate), Scene: t.Scene, Review: showReview(t.Review)}
}

// percent is a speed with its default.
func percent(rate int) int {
	if rate == 0 {
		return 100
	}
	return rate
}

func (s *server) listTemplates(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.TemplateFilter{TenantID: tenant, State: models.ReviewState(c.Query("state")), Urgent: mark(c, "urgent")}
	if err == nil {
		err = oneOf("state", f.State, reviewStates...)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Template, int, error) {
		return s.Store.Templates(c.Request.Context(), f, p)
	}, showTemplate)
}

func (s *server) addTemplate(c *gin.Context) {
	ctx := c.Request.Context()
	var in TemplateRequest
	err := read(c, &in)
	if in.Tenant == "" {
		in.Tenant = ownRef(ctx)
	}
	if err == nil && in.Tenant == "" {
		err = models.Fail(models.Invalid, "tenant", "tenant is the id or name of the tenant whose template it is")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	tenant, err := s.tenant(ctx, in.Tenant)
	t := models.Template{TenantID: tenant.ID, Name: strings.TrimSpace(in.Name), Content: in.Content, Voice: in.Voice, Rate: in.Rate, Scene: in.Scene,
		Review: models.Review{Urgent: in.Urgent, UploadedBy: s.operator(c)}}
	if err == nil {
		err = t.Validate()
	}
	if err == nil {
		err = s.Store.AddTemplate(ctx, &t)
	}
	s.answer(c, http.StatusCreated, showTemplate(t), err)
}

// template is the template that the path names.
func (s *server) template(c *gin.Context) (models.Template, error) {
	return s.Store.Template(c.Request.Context(), 0, c.Param("id"))
}

func (s *server) showTemplate(c *gin.Context) {
	t, err := s.template(c)
	s.answer(c, http.StatusOK, showTemplate(t), err)
}

// decideTemplate makes the handler of a decision.
func (s *server) decideTemplate(state models.ReviewState) gin.HandlerFunc {
	return func(c *gin.Context) {
		var in ReasonRequest
		err := readOptional(c, &in)
		var t models.Template
		if err == nil {
			t, err = s.template(c)
			was(c, showTemplate(t))
		}
		if err == nil {
			t, err = s.Store.DecideTemplate(c.Request.Context(), c.Param("id"), state, s.operator(c), in.Reason)
		}
		s.answer(c, http.StatusOK, showTemplate(t), err)
	}
}

func (s *server) urgeTemplate(c *gin.Context) {
	t, err := s.template(c)
	if err == nil {
		err = s.Store.UrgeTemplate(c.Request.Context(), t.ID)
	}
	about(c, t.ID, t.TenantID)
	became(c, map[string]any{"urgent": true})
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

func (s *server) removeTemplate(c *gin.Context) {
	t, err := s.template(c)
	if err == nil {
		err = s.Store.RemoveTemplate(c.Request.Context(), t.ID, s.operator(c), c.Query("reason"))
	}
	about(c, t.ID, t.TenantID)
	was(c, showTemplate(t))
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

// filled fills the template that the path names with the values of the request, as a call would. It may wait for its review still: the
// reviewer wants to hear it.
func (s *server) filled(c *gin.Context) (models.Speech, error) {
	var in FillRequest
	if err := readOptional(c, &in); err != nil {
		return models.Speech{}, err
	}
	t, err := s.template(c)
	if err != nil {
		return models.Speech{}, err
	}
	return t.FillWithin(s.Values, in.Paras)
}

func (s *server) tryTemplate(c *gin.Context) {
	speech, err := s.filled(c)
	s.answer(c, http.StatusOK, Filled{Text: speech.Text, Voice: speech.Voice, Rate: percent(speech.Rate)}, err)
}

// hearTemplate sends the sound of a filled template.
func (s *server) hearTemplate(c *gin.Context) {
	if s.Speak == nil {
		s.fail(c, models.Fail(models.NotFound, "", "this daemon renders no speech; see speech.engine of its configuration"))
		return
	}
	speech, err := s.filled(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	path, _, err := s.Speak(c.Request.Context(), speech)
	var file io.ReadCloser
	if err == nil {
		file, err = os.Open(path) //nolint:gosec // the speaker's own path
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	c.DataFromReader(http.StatusOK, -1, "audio/wav", file, map[string]string{"Content-Disposition": attachment(c.Param("id") + ".wav")})
}
