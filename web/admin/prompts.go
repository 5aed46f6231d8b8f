package admin

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
	"maskline/web/serve"
)

// Shelf keeps the files of prompts beside what the database says of them.
type Shelf interface {
	Upload(ctx context.Context, tenant models.Tenant, name string, r io.Reader, by string, urgent bool) (models.Prompt, error)
	Open(ctx context.Context, id int64) (io.ReadCloser, models.Prompt, error) // as uploaded
	Approve(ctx context.Context, id int64, by, reason string) (models.Prompt, error)
	Reject(ctx context.Context, id int64, by, reason string) (models.Prompt, error)
	Remove(ctx context.Context, id int64, by, reason string) error
}

// uploadLimit bounds the upload of a prompt, bytes: the largest file, what a form puts around it, and one more, so that a file that is too
// large is told so by its size.
const uploadLimit = models.PromptMax + 64<<10

var reviewStates = []models.ReviewState{models.ReviewWaiting, models.ReviewApproved, models.ReviewRejected, models.ReviewRemoved}

func showReview(r models.Review) Review {
	return Review{State: string(r.State), Urgent: r.Urgent, UploadedBy: r.UploadedBy, UploadedAt: r.UploadedAt.UTC(), ReviewedBy: r.ReviewedBy,
		ReviewedAt: at(r.ReviewedAt), Reason: r.Reason}
}

func showPrompt(p models.Prompt) Prompt {
	return Prompt{ID: p.ID, TenantID: p.TenantID, Name: p.Name, Review: showReview(p.Review), Bytes: p.Bytes, Encoding: p.Encoding,
		Seconds: p.Duration.Seconds(), Hash: p.Hash}
}

func (s *server) listPrompts(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.PromptFilter{TenantID: tenant, State: models.ReviewState(c.Query("state")), Name: c.Query("name"), Urgent: mark(c, "urgent")}
	if err == nil {
		err = oneOf("state", f.State, reviewStates...)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Prompt, int, error) { return s.Store.PromptsOf(c.Request.Context(), f, p) }, showPrompt)
}

// promptID is the prompt that the path names.
func promptID(c *gin.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return 0, models.Fail(models.NotFound, "id", "no prompt has this id; list them with: maskline prompt list")
	}
	return id, nil
}

// shelf is the shelf, or an error where this daemon has none.
func (s *server) shelf() (Shelf, error) {
	if s.Shelf == nil {
		return nil, models.Fail(models.NotFound, "", "this daemon keeps no prompts")
	}
	return s.Shelf, nil
}

// addPrompt takes a file: a form with the field file, or the file itself as the body.
func (s *server) addPrompt(c *gin.Context) {
	shelf, err := s.shelf()
	var tenant models.Tenant
	if err == nil {
		tenant, err = s.uploader(c)
	}
	var name string
	var file io.ReadCloser
	if err == nil {
		name, file, err = uploaded(c.Request, c.Query("name"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	p, err := shelf.Upload(c.Request.Context(), tenant, name, file, s.operator(c), mark(c, "urgent"))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		err = models.Fail(models.Invalid, "file", "the file is longer than %d bytes", models.PromptMax)
	}
	s.answer(c, http.StatusCreated, showPrompt(p), err)
}

// uploader is the tenant whose prompt is uploaded.
func (s *server) uploader(c *gin.Context) (models.Tenant, error) {
	if c.Query("tenant") == "" {
		return models.Tenant{}, models.Fail(models.Invalid, "tenant", "tenant is the id or name of the tenant whose prompt it is")
	}
	return s.tenant(c.Request.Context(), c.Query("tenant"))
}

// uploaded finds the file of an upload and its name: the one of the query, else the form's. The caller closes the file.
func uploaded(r *http.Request, name string) (string, io.ReadCloser, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		if name == "" {
			return "", nil, models.Fail(models.Invalid, "name", "name is the file's name, such as welcome.wav; say it in the query, or send a form with the field file")
		}
		return name, r.Body, nil
	}
	form := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := form.NextPart()
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return "", nil, models.Fail(models.Invalid, "file", "the upload is longer than %d bytes", uploadLimit)
		}
		if err != nil {
			return "", nil, models.Fail(models.Invalid, "file", "the form has no field file that holds the prompt")
		}
		if part.FormName() != "file" {
			continue
		}
		if name == "" {
			name = part.FileName()
		}
		return name, part, nil
	}
}

func (s *server) showPrompt(c *gin.Context) {
	id, err := promptID(c)
	var p models.Prompt
	if err == nil {
		p, err = s.Store.Prompt(c.Request.Context(), id)
	}
	s.answer(c, http.StatusOK, showPrompt(p), err)
}

// hearPrompt sends a prompt as it was uploaded.
func (s *server) hearPrompt(c *gin.Context) {
	id, err := promptID(c)
	var shelf Shelf
	if err == nil {
		shelf, err = s.shelf()
	}
	var file io.ReadCloser
	var p models.Prompt
	if err == nil {
		file, p, err = shelf.Open(c.Request.Context(), id)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	defer func() { _ = file.Close() }()
	serve.Note(c, "prompt", p.ID)
	c.DataFromReader(http.StatusOK, p.Bytes, "audio/wav", file, map[string]string{"Content-Disposition": attachment(p.Name)})
}

// attachment is the header that names a file to be saved. Names of prompts and recordings need no quoting.
func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

// decidePrompt makes the handler of a decision.
func (s *server) decidePrompt(decide func(Shelf, context.Context, int64, string, string) (models.Prompt, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		id, err := promptID(c)
		var in ReasonRequest
		if err == nil {
			err = readOptional(c, &in)
		}
		var shelf Shelf
		if err == nil {
			shelf, err = s.shelf()
		}
		var p models.Prompt
		if err == nil {
			p, err = s.Store.Prompt(c.Request.Context(), id)
			was(c, showPrompt(p))
		}
		if err == nil {
			p, err = decide(shelf, c.Request.Context(), id, s.operator(c), in.Reason)
		}
		s.answer(c, http.StatusOK, showPrompt(p), err)
	}
}

// readOptional is read for a body that may be empty.
func readOptional(c *gin.Context, into any) error {
	if c.Request.ContentLength == 0 {
		return nil
	}
	return read(c, into)
}

func (s *server) urgePrompt(c *gin.Context) {
	id, err := promptID(c)
	var p models.Prompt
	if err == nil {
		p, err = s.Store.Prompt(c.Request.Context(), id)
	}
	if err == nil {
		err = s.Store.UrgePrompt(c.Request.Context(), id)
	}
	about(c, c.Param("id"), p.TenantID)
	became(c, map[string]any{"urgent": true})
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

func (s *server) removePrompt(c *gin.Context) {
	id, err := promptID(c)
	var shelf Shelf
	if err == nil {
		shelf, err = s.shelf()
	}
	var p models.Prompt
	if err == nil {
		p, err = s.Store.Prompt(c.Request.Context(), id)
	}
	about(c, c.Param("id"), p.TenantID)
	was(c, showPrompt(p))
	if err == nil {
		err = shelf.Remove(c.Request.Context(), id, s.operator(c), c.Query("reason"))
	}
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}
