package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

func (s *server) routeContacts(g *gin.RouterGroup) {
	const path = "/tenants/:tenant/contacts"
	s.handle(g, http.MethodGet, path, ContactsView, s.listContacts)
	s.handle(g, http.MethodPost, path, ContactsChange, s.addContact)
	s.handle(g, http.MethodPut, path+"/:id", ContactsChange, s.changeContact)
	s.handle(g, http.MethodDelete, path+"/:id", ContactsChange, s.removeContact)
}

func showContact(c models.Contact) Contact {
	return Contact{ID: c.ID, TenantID: c.TenantID, Name: c.Name, Phone: c.Phone, Mail: c.Mail, Webhook: c.Webhook, Notices: append([]models.Notice{}, c.Notices...)}
}

func (r ContactRequest) contact(tenantID, id int64) models.Contact {
	return models.Contact{ID: id, TenantID: tenantID, Name: r.Name, Phone: r.Phone, Mail: r.Mail, Webhook: r.Webhook, Notices: r.Notices}
}

// listContacts gives all of them: a tenant has at most models.ContactsMost.
func (s *server) listContacts(c *gin.Context) {
	t, err := s.pathTenant(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Contact, int, error) {
		list, err := s.Store.Contacts(c.Request.Context(), t.ID)
		from := min(p.Offset, len(list))
		return list[from:min(from+p.Limit, len(list))], len(list), err
	}, showContact)
}

func (s *server) addContact(c *gin.Context) {
	var in ContactRequest
	t, err := s.pathTenant(c)
	if err == nil {
		err = read(c, &in)
	}
	contact := in.contact(t.ID, 0)
	if err == nil {
		err = s.Store.AddContact(c.Request.Context(), &contact)
	}
	s.answer(c, http.StatusCreated, showContact(contact), err)
}

// contactOf reads the contact that the path names.
func (s *server) contactOf(c *gin.Context) (models.Contact, error) {
	t, err := s.pathTenant(c)
	var id int64
	if err == nil {
		id, err = pathID(c, "contact")
	}
	if err != nil {
		return models.Contact{}, err
	}
	return s.Store.Contact(c.Request.Context(), t.ID, id)
}

func (s *server) changeContact(c *gin.Context) {
	var in ContactRequest
	err := read(c, &in)
	var old models.Contact
	if err == nil {
		old, err = s.contactOf(c)
	}
	fresh := in.contact(old.TenantID, old.ID)
	if err == nil {
		was(c, showContact(old))
		err = s.Store.ChangeContact(c.Request.Context(), fresh)
	}
	s.answer(c, http.StatusOK, showContact(fresh), err)
}

func (s *server) removeContact(c *gin.Context) {
	old, err := s.contactOf(c)
	if err == nil {
		was(c, showContact(old))
		about(c, "", old.TenantID)
		err = s.Store.RemoveContact(c.Request.Context(), old.TenantID, old.ID)
	}
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}
