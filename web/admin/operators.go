package admin

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// tokenDays is how long a token holds at most, when it is to end at all.
const tokenDays = 3650

func (s *server) operators(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/operators", OperatorsManage, s.listOperators)
	s.handle(g, http.MethodPost, "/operators", OperatorsManage, s.addOperator)
	s.handle(g, http.MethodGet, "/operators/:operator", OperatorsManage, s.showOperator)
	s.handle(g, http.MethodPatch, "/operators/:operator", OperatorsManage, s.changeOperator)
	s.handle(g, http.MethodDelete, "/operators/:operator", OperatorsManage, s.removeOperator)
	s.handle(g, http.MethodPut, "/operators/:operator/password", OperatorsManage, s.setPassword)
	s.handle(g, http.MethodGet, "/operators/:operator/logins", OperatorsManage, s.listLogins)
	s.handle(g, http.MethodDelete, "/operators/:operator/logins/:login", OperatorsManage, s.endLogin)
	s.handle(g, http.MethodPost, "/operators/:operator/tokens", OperatorsManage, s.addToken)
}

func showOperator(o models.Operator) Operator {
	return Operator{ID: o.ID, Name: o.Name, Role: string(o.Role), TenantID: o.TenantID, State: string(o.State), Password: o.Password != "",
		CreatedAt: o.CreatedAt.UTC(), LoginAt: at(o.LoginAt)}
}

func showLogin(l models.Login) Login {
	return Login{ID: l.ID, Kind: string(l.Kind), Name: l.Name, From: l.From, CreatedAt: l.CreatedAt.UTC(), ExpiresAt: at(l.ExpiresAt), UsedAt: at(l.UsedAt)}
}

// operatorOf is the account that the path names, by id or name.
func (s *server) operatorOf(c *gin.Context) (models.Operator, error) {
	ref := c.Param("operator")
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return s.Store.Operator(c.Request.Context(), id)
	}
	return s.Store.OperatorByName(c.Request.Context(), ref)
}

func (s *server) listOperators(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.OperatorFilter{TenantID: tenant, Role: models.Role(c.Query("role")), State: models.State(c.Query("state")), Name: c.Query("name")}
	if err == nil {
		err = oneOf("role", f.Role, models.Roles...)
	}
	if err == nil {
		err = oneOf("state", f.State, models.StateNormal, models.StateSuspended)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Operator, int, error) {
		return s.Store.Operators(c.Request.Context(), f, p)
	}, showOperator)
}

func (s *server) addOperator(c *gin.Context) {
	var in OperatorRequest
	err := read(c, &in)
	if _, digits := strconv.ParseInt(in.Name, 10, 64); err == nil && digits == nil {
		err = models.Fail(models.Invalid, "name", "an operator's name is not a number, since operators are named by id too")
	}
	o := models.Operator{Name: in.Name, Role: models.Role(in.Role), State: models.StateNormal}
	if err == nil {
		o.TenantID, err = s.tenantID(c, in.Tenant)
	}
	if err == nil && in.Password != "" {
		if err = goodPassword(o.Name, in.Password); err == nil {
			o.Password, err = hashPassword(c.Request.Context(), in.Password)
		}
	}
	if err == nil {
		err = s.Store.CreateOperator(c.Request.Context(), &o)
	}
	about(c, o.Name, o.TenantID)
	s.answer(c, http.StatusCreated, showOperator(o), err)
}

func (s *server) showOperator(c *gin.Context) {
	o, err := s.operatorOf(c)
	s.answer(c, http.StatusOK, showOperator(o), err)
}

// changeOperator gives an account another role, tenant or state. It acts on the next request of its sessions and tokens.
func (s *server) changeOperator(c *gin.Context) {
	var in OperatorChange
	err := read(c, &in)
	var before, after models.Operator
	if err == nil {
		before, err = s.operatorOf(c)
	}
	var tenant int64
	if err == nil && in.Tenant != nil {
		tenant, err = s.tenantID(c, *in.Tenant)
	}
	if err == nil {
		before, after, err = s.Store.ChangeOperator(c.Request.Context(), before.ID, func(o *models.Operator) error {
			if in.Role != nil {
				o.Role = models.Role(*in.Role)
			}
			if in.State != nil {
				o.State = models.State(*in.State)
			}
			if in.Tenant != nil {
				o.TenantID = tenant
			}
			return nil
		})
	}
	about(c, after.Name, after.TenantID)
	was(c, showOperator(before))
	s.answer(c, http.StatusOK, showOperator(after), err)
}

// removeOperator removes an account with its sessions and tokens.
func (s *server) removeOperator(c *gin.Context) {
	o, err := s.operatorOf(c)
	if err == nil {
		o, err = s.Store.RemoveOperator(c.Request.Context(), o.ID)
	}
	about(c, o.Name, o.TenantID)
	was(c, showOperator(o))
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

// setPassword gives an account a new password and ends its sessions. "" takes the password away.
func (s *server) setPassword(c *gin.Context) {
	var in PasswordRequest
	err := read(c, &in)
	var o models.Operator
	if err == nil {
		o, err = s.operatorOf(c)
	}
	hash := ""
	if err == nil && in.Password != "" {
		if err = goodPassword(o.Name, in.Password); err == nil {
			hash, err = hashPassword(c.Request.Context(), in.Password)
		}
	}
	if err == nil {
		_, o, err = s.Store.ChangeOperator(c.Request.Context(), o.ID, func(o *models.Operator) error { o.Password = hash; return nil })
	}
	about(c, o.Name, o.TenantID)
	s.answer(c, http.StatusOK, showOperator(o), err)
}

func (s *server) listLogins(c *gin.Context) {
	o, err := s.operatorOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.loginsOf(c, o.ID)
}

func (s *server) loginsOf(c *gin.Context, operator int64) {
	listed(s, c, func(p models.Page) ([]models.Login, int, error) {
		return s.Store.Logins(c.Request.Context(), operator, p)
	}, showLogin)
}

func (s *server) endLogin(c *gin.Context) {
	o, err := s.operatorOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.endLoginOf(c, o)
}

func (s *server) endLoginOf(c *gin.Context, o models.Operator) {
	id, err := strconv.ParseInt(c.Param("login"), 10, 64)
	if err != nil {
		err = models.Fail(models.NotFound, "login", "no session or token has this id")
	} else {
		err = s.Store.EndLogin(c.Request.Context(), o.ID, id)
	}
	about(c, o.Name+"/"+strconv.FormatInt(id, 10), o.TenantID)
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

func (s *server) addToken(c *gin.Context) {
	o, err := s.operatorOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.addTokenFor(c, o)
}

// addTokenFor makes a token with the rights of an account. Its secret is told this once.
func (s *server) addTokenFor(c *gin.Context, o models.Operator) {
	var in TokenRequest
	err := read(c, &in)
	if err == nil && (in.Days < 0 || in.Days > tokenDays) {
		err = models.Fail(models.Invalid, "days", "days is 1 to %d, or 0 for a token that holds until it is removed", tokenDays)
	}
	secret := "mlt_" + strings.ToLower(rand.Text()+rand.Text())
	l := models.Login{OperatorID: o.ID, Kind: models.LoginToken, Hash: hashSecret(secret), Name: strings.TrimSpace(in.Name), From: c.ClientIP()}
	if in.Days > 0 {
		l.ExpiresAt = time.Now().AddDate(0, 0, in.Days)
	}
	if err == nil {
		err = s.Store.AddLogin(c.Request.Context(), &l)
	}
	out := TokenAnswer{Login: showLogin(l), Token: secret}
	about(c, o.Name+"/"+strconv.FormatInt(l.ID, 10), o.TenantID)
	s.answer(c, http.StatusCreated, out, err)
}
