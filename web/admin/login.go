package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

const (
	sessionLife = 12 * time.Hour  // the default of Options.SessionLife
	passwordIn  = 5 * time.Second // how long a password waits for its turn to be hashed
)

func (s *server) people(g *gin.RouterGroup) {
	s.handle(g, http.MethodPost, "/login", Anybody, s.login, outside)
	s.handle(g, http.MethodPost, "/logout", Known, s.logout)
	s.handle(g, http.MethodGet, "/me", Known, s.me)
	s.handle(g, http.MethodPut, "/me/password", Known, s.changeOwnPassword, outside)
	s.handle(g, http.MethodGet, "/me/logins", Known, s.ownLogins)
	s.handle(g, http.MethodDelete, "/me/logins/:login", Known, s.endOwnLogin)
	s.handle(g, http.MethodPost, "/me/tokens", Known, s.addOwnToken)
	s.operators(g)
	s.audits(g)
}

func showMe(who caller) Me {
	return Me{Name: who.name, Role: string(who.role), TenantID: who.tenant, Session: who.session, Permissions: permissionsOf(who.role)}
}

// me says who the caller is, and what he may do: a page shows what he can use.
func (s *server) me(c *gin.Context) {
	c.JSON(http.StatusOK, showMe(visitOf(c.Request.Context()).caller))
}

// checkPassword finds the account of a name and password. Whether the name or the password is wrong, or the account suspended, is not told, and takes
// the same time.
func (s *server) checkPassword(c *gin.Context, name, password string) (models.Operator, error) {
	ctx := c.Request.Context()
	if wait := s.lock.begin(time.Now(), name, c.ClientIP()); wait > 0 {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		return models.Operator{}, models.Fail(models.FlowControl, "", "too many failed logins; try again in %s", wait.Round(time.Second))
	}
	o, err := s.Store.OperatorByName(ctx, name)
	if err != nil && models.CodeOf(err) != models.NotFound {
		return o, err
	}
	same, err := samePassword(ctx, o.Password, password)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return models.Operator{}, models.Fail(models.FlowControl, "", "too many people log in at this moment; try again")
	case err != nil:
		return models.Operator{}, fmt.Errorf("check the password of %s: %w", name, err)
	}
	if !same || o.State != models.StateNormal {
		return models.Operator{}, models.Fail(Unauthorised, "", "the name or the password is wrong")
	}
	s.lock.passed(name, c.ClientIP())
	return o, nil
}

// login opens a session and gives its secret as a cookie.
func (s *server) login(c *gin.Context) {
	var in LoginRequest
	err := read(c, &in)
	if err == nil && (in.Name == "" || len(in.Name) > 64 || len(in.Password) > 256) {
		err = models.Fail(Unauthorised, "", "the name or the password is wrong")
	}
	var o models.Operator
	if err == nil {
		o, err = s.checkPassword(c, in.Name, in.Password)
	}
	secret := rand.Text() + rand.Text()
	l := models.Login{OperatorID: o.ID, Kind: models.LoginSession, Hash: hashSecret(secret), ExpiresAt: time.Now().Add(s.SessionLife), From: c.ClientIP()}
	if err == nil {
		err = s.Store.AddLogin(c.Request.Context(), &l)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	v := visitOf(c.Request.Context())
	v.caller = caller{name: o.Name, role: o.Role, tenant: o.TenantID, operator: o.ID, login: l.ID, session: true}
	about(c, o.Name, o.TenantID)
	became(c, map[string]any{"login": l.ID, "expires_at": l.ExpiresAt})
	setCookie(c, secret, int(s.SessionLife.Seconds()))
	c.JSON(http.StatusOK, showMe(v.caller))
}

// setCookie gives the session's cookie; age below 0 takes it away. Over plain HTTP a browser would not send a Secure one back.
func setCookie(c *gin.Context, secret string, age int) {
	//nolint:gosec // Secure follows the connection: without TLS it could never be used
	http.SetCookie(c.Writer, &http.Cookie{Name: sessionCookie, Value: secret, Path: Prefix, MaxAge: age, HttpOnly: true, Secure: c.Request.TLS != nil,
		SameSite: http.SameSiteStrictMode})
}

// logout ends the caller's session.
func (s *server) logout(c *gin.Context) {
	who := visitOf(c.Request.Context()).caller
	if !who.session {
		s.fail(c, models.Fail(models.Invalid, "", "only a session ends by logging out; a token is removed at /me/logins or in the configuration"))
		return
	}
	err := s.Store.EndLogin(c.Request.Context(), who.operator, who.login)
	about(c, who.name, who.tenant)
	setCookie(c, "", -1)
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

// inPerson gives the caller, who came with a session: a token that leaked shall not make itself another, or change a password.
func inPerson(c *gin.Context) (caller, error) {
	who := visitOf(c.Request.Context()).caller
	if !who.session {
		return who, models.Fail(Forbidden, "", "log in with name and password for this; a token is not enough")
	}
	return who, nil
}

// changeOwnPassword replaces the caller's password. All his sessions end; his tokens stay.
func (s *server) changeOwnPassword(c *gin.Context) {
	var in OwnPasswordRequest
	who, err := inPerson(c)
	if err == nil {
		err = read(c, &in)
	}
	if err == nil {
		err = goodPassword(who.name, in.New)
	}
	if err == nil {
		_, err = s.checkPassword(c, who.name, in.Old)
	}
	if models.CodeOf(err) == Unauthorised { // he is known: the old password alone is wrong
		err = models.Fail(models.Invalid, "old", "the old password is wrong")
	}
	hash := ""
	if err == nil {
		hash, err = hashPassword(c.Request.Context(), in.New)
	}
	if err == nil {
		_, _, err = s.Store.ChangeOperator(c.Request.Context(), who.operator, func(o *models.Operator) error { o.Password = hash; return nil })
		about(c, who.name, who.tenant)
		setCookie(c, "", -1)
	}
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

// ownAccount is the account of the caller; a token of the configuration has none.
func ownAccount(c *gin.Context) (caller, error) {
	who := visitOf(c.Request.Context()).caller
	if who.operator == 0 {
		return who, models.Fail(models.NotFound, "", "a token of the configuration has no account")
	}
	return who, nil
}

func (s *server) ownLogins(c *gin.Context) {
	who, err := ownAccount(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.loginsOf(c, who.operator)
}

func (s *server) endOwnLogin(c *gin.Context) {
	who, err := ownAccount(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.endLoginOf(c, models.Operator{ID: who.operator, Name: who.name, TenantID: who.tenant})
}

func (s *server) addOwnToken(c *gin.Context) {
	who, err := inPerson(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.addTokenFor(c, models.Operator{ID: who.operator, Name: who.name, TenantID: who.tenant})
}
