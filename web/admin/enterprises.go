package admin

import (
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
	"maskline/web/serve"
)

// Documents keeps the files that enterprises show, each tenant's apart, by their hash.
type Documents interface {
	// Keep stores a file and gives its hash and size, bytes. models.Invalid says that it is too large, or of a kind that is not taken.
	Keep(ctx context.Context, tenantID int64, r io.Reader) (hash string, size int64, err error)
	// Open gives a file and its kind; models.NotFound. The caller closes it.
	Open(ctx context.Context, tenantID int64, hash string) (file io.ReadCloser, kind string, err error)
}

func (s *server) routeEnterprises(g *gin.RouterGroup) {
	const path = "/tenants/:tenant/enterprise"
	s.handle(g, http.MethodGet, "/enterprises", EnterprisesView, s.listEnterprises)
	s.handle(g, http.MethodGet, path, EnterprisesView, s.showEnterprise)
	s.handle(g, http.MethodPut, path, EnterprisesSubmit, s.submitEnterprise)
	s.handle(g, http.MethodPost, path+"/approve", EnterprisesReview, s.decideEnterprise(models.ReviewApproved))
	s.handle(g, http.MethodPost, path+"/reject", EnterprisesReview, s.decideEnterprise(models.ReviewRejected))
	s.handle(g, http.MethodPost, path+"/clear-refusals", EnterprisesReview, s.clearRefusals)
}

func showEnterprise(e models.Enterprise) Enterprise {
	return Enterprise{TenantID: e.TenantID, Kind: e.Kind, Name: e.Name, Licence: e.Licence, Documents: append([]models.Document{}, e.Documents...),
		Scenario: e.Scenario, Script: e.Script, Business: e.Business, SMS: e.SMS, Review: showReview(e.Review), Refusals: e.Refusals}
}

func (s *server) listEnterprises(c *gin.Context) {
	f := store.EnterpriseFilter{State: models.ReviewState(c.Query("state"))}
	if err := oneOf("state", f.State, reviewStates...); err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Enterprise, int, error) {
		return s.Store.Enterprises(c.Request.Context(), f, p)
	}, showEnterprise)
}

func (s *server) showEnterprise(c *gin.Context) {
	t, err := s.pathTenant(c)
	var e models.Enterprise
	if err == nil {
		e, err = s.Store.Enterprise(c.Request.Context(), t.ID)
	}
	s.answer(c, http.StatusOK, showEnterprise(e), err)
}

// submitEnterprise puts what a tenant shows of himself up for review. One of a forbidden business is refused at once: the answer's state says so.
func (s *server) submitEnterprise(c *gin.Context) {
	ctx := c.Request.Context()
	var in EnterpriseRequest
	err := read(c, &in)
	var t models.Tenant
	if err == nil {
		t, err = s.pathTenant(c)
	}
	e := models.Enterprise{TenantID: t.ID, Kind: in.Kind, Name: in.Name, Licence: in.Licence, Documents: in.Documents, Scenario: in.Scenario, Script: in.Script,
		Business: in.Business, SMS: in.SMS, Review: models.Review{Urgent: in.Urgent, UploadedBy: s.operator(c)}}
	for i := range e.Documents {
		if err == nil {
			err = s.kept(ctx, t.ID, e.Documents[i])
		}
	}
	if old, missing := s.Store.Enterprise(ctx, t.ID); err == nil && missing == nil {
		was(c, showEnterprise(old))
	}
	if err == nil {
		err = s.Store.SubmitEnterprise(ctx, &e, slices.Concat(models.ForbiddenBusinesses, s.Forbidden))
	}
	s.answer(c, http.StatusOK, showEnterprise(e), err)
}

// kept checks that a document that is named has been uploaded.
func (s *server) kept(ctx context.Context, tenantID int64, d models.Document) error {
	if s.Documents == nil {
		return models.Fail(models.Invalid, "documents", "this daemon keeps no documents")
	}
	file, _, err := s.Documents.Open(ctx, tenantID, d.Hash)
	if models.CodeOf(err) == models.NotFound {
		return models.Fail(models.Invalid, "documents", "the document %q has not been uploaded; post it to enterprise/documents first", d.Name)
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func (s *server) decideEnterprise(state models.ReviewState) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		var in DecisionRequest
		err := readOptional(c, &in)
		var t models.Tenant
		if err == nil {
			t, err = s.pathTenant(c)
		}
		d := store.EnterpriseDecision{State: state, By: s.operator(c), Reason: in.Reason, Forbidden: in.Forbidden}
		if in.Submitted != nil {
			d.Submitted = *in.Submitted
		}
		var e models.Enterprise
		if err == nil {
			e, err = s.Store.DecideEnterprise(ctx, t.ID, d)
		}
		s.answer(c, http.StatusOK, showEnterprise(e), err)
	}
}

func (s *server) clearRefusals(c *gin.Context) {
	t, err := s.pathTenant(c)
	var e models.Enterprise
	if err == nil {
		e, err = s.Store.ClearRefusals(c.Request.Context(), t.ID)
	}
	s.answer(c, http.StatusOK, showEnterprise(e), err)
}

// addDocument takes a file: a form with the field file, or the file itself as the body. The answer is what the submission names it by.
func (s *server) addDocument(c *gin.Context) {
	kind, name := c.Query("kind"), c.Query("name")
	t, err := s.pathTenant(c)
	switch {
	case err != nil:
	case s.Documents == nil:
		err = models.Fail(models.NotFound, "", "this daemon keeps no documents")
	case !slices.Contains(models.DocumentKinds, kind):
		err = models.Fail(models.Invalid, "kind", "kind is one of %v", models.DocumentKinds)
	}
	var file io.Reader = c.Request.Body
	if form, params, bad := mime.ParseMediaType(c.GetHeader("Content-Type")); err == nil && bad == nil && form == "multipart/form-data" {
		var part *multipart.Part
		if part, err = fileOf(multipart.NewReader(c.Request.Body, params["boundary"])); err == nil {
			file = part
			if name == "" {
				name = part.FileName()
			}
		}
	}
	if err == nil && (name == "" || len([]rune(name)) > 255) {
		err = models.Fail(models.Invalid, "name", "name is the file's name, such as licence.pdf, of at most 255 characters")
	}
	d := models.Document{Kind: kind, Name: name}
	if err == nil {
		d.Hash, d.Bytes, err = s.Documents.Keep(c.Request.Context(), t.ID, file)
	}
	about(c, strconv.FormatInt(t.ID, 10)+"/"+d.Hash, t.ID)
	s.answer(c, http.StatusCreated, d, err)
}

// getDocument sends a file. It is for download, never to be shown as a page of ours: a tenant made it.
func (s *server) getDocument(c *gin.Context) {
	t, err := s.pathTenant(c)
	if err == nil && s.Documents == nil {
		err = models.Fail(models.NotFound, "", "this daemon keeps no documents")
	}
	var file io.ReadCloser
	var kind string
	if err == nil {
		file, kind, err = s.Documents.Open(c.Request.Context(), t.ID, c.Param("hash"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	serve.Note(c, "document", c.Param("hash"))
	c.DataFromReader(http.StatusOK, -1, kind, file, map[string]string{
		"Content-Disposition": attachment(c.Param("hash")[:16] + extensionOf(kind)), "X-Content-Type-Options": "nosniff",
	})
}

func extensionOf(kind string) string {
	return map[string]string{"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}[kind]
}
