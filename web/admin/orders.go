package admin

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func (s *server) routeOrders(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/orders", OrdersView, s.listOrders)
	s.handle(g, http.MethodPost, "/orders", OrdersPlace, s.placeOrder)
	s.handle(g, http.MethodGet, "/orders/:id", OrdersView, s.showOrder)
	s.handle(g, http.MethodPost, "/orders/:id/approve", OrdersReview, s.decideOrder(models.OrderApproved))
	s.handle(g, http.MethodPost, "/orders/:id/reject", OrdersReview, s.decideOrder(models.OrderRejected))
	s.handle(g, http.MethodPost, "/orders/:id/withdraw", OrdersPlace, s.withdrawOrder)
	s.handle(g, http.MethodPost, "/orders/:id/deliver", OrdersDeliver, s.deliverOrder)
}

// orderStates are the states of orders.
var orderStates = []models.OrderState{models.OrderWaiting, models.OrderApproved, models.OrderRejected, models.OrderDelivered, models.OrderWithdrawn}

func showOrder(o models.Order) Order {
	return Order{ID: o.ID, TenantID: o.TenantID, AppID: o.AppID, Kind: string(o.Kind), Area: o.AreaCode, Carrier: o.Carrier, Count: o.Count, Quick: o.Quick,
		Recording: o.Recording, Inspection: o.Inspection, State: string(o.State), RequestedBy: o.RequestedBy, RequestedAt: o.RequestedAt.UTC(),
		ReviewedBy: o.ReviewedBy, ReviewedAt: at(o.ReviewedAt), Reason: o.Reason, DeliveredBy: o.DeliveredBy, DeliveredAt: at(o.DeliveredAt), Numbers: o.Numbers}
}

func (s *server) listOrders(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.OrderFilter{TenantID: tenant, State: models.OrderState(c.Query("state"))}
	if err == nil {
		err = oneOf("state", f.State, orderStates...)
	}
	if err == nil {
		f.AppID, err = s.appID(c, c.Query("app"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Order, int, error) { return s.Store.Orders(c.Request.Context(), f, p) }, showOrder)
}

func (s *server) placeOrder(c *gin.Context) {
	ctx := c.Request.Context()
	var in OrderRequest
	err := read(c, &in)
	var a models.App
	if err == nil {
		a, err = s.namedApp(ctx, in.App)
	}
	o := models.Order{AppID: a.ID, Kind: models.NumberKind(in.Kind), Carrier: in.Carrier, Count: in.Count, Quick: in.Quick, Inspection: in.Inspection,
		RequestedBy: s.operator(c)}
	if err == nil {
		if o.AreaCode, err = s.Numbering.AreaCode(in.Area); err != nil {
			err = models.Fail(models.Invalid, "area", "%s", err)
		}
	}
	if err == nil {
		err = s.Store.PlaceOrder(ctx, &o, s.EnterpriseFirst)
	}
	s.answer(c, http.StatusCreated, showOrder(o), err)
}

// namedApp finds an app by id or app_key, which must be there.
func (s *server) namedApp(ctx context.Context, ref string) (models.App, error) {
	if ref == "" {
		return models.App{}, models.Fail(models.Invalid, "app", "app is the id or app_key of the app")
	}
	return s.app(ctx, ref)
}

// orderBy makes the handler of a step of an order.
func (s *server) orderBy(do func(c *gin.Context, id int64) (models.Order, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		id, err := pathID(c, "order")
		var o models.Order
		if err == nil {
			o, err = s.Store.Order(c.Request.Context(), 0, id)
		}
		if err == nil {
			o.Numbers = nil
			was(c, showOrder(o))
			o, err = do(c, id)
		}
		s.answer(c, http.StatusOK, showOrder(o), err)
	}
}

func (s *server) showOrder(c *gin.Context) {
	id, err := pathID(c, "order")
	var o models.Order
	if err == nil {
		o, err = s.Store.Order(c.Request.Context(), 0, id)
	}
	s.answer(c, http.StatusOK, showOrder(o), err)
}

func (s *server) decideOrder(state models.OrderState) gin.HandlerFunc {
	return s.orderBy(func(c *gin.Context, id int64) (models.Order, error) {
		var in ReasonRequest
		if err := readOptional(c, &in); err != nil {
			return models.Order{}, err
		}
		return s.Store.DecideOrder(c.Request.Context(), id, state, s.operator(c), in.Reason)
	})
}

func (s *server) withdrawOrder(c *gin.Context) {
	s.orderBy(func(c *gin.Context, id int64) (models.Order, error) {
		return s.Store.WithdrawOrder(c.Request.Context(), 0, id, s.operator(c))
	})(c)
}

// deliverOrder hands numbers of the stock to the order's app.
func (s *server) deliverOrder(c *gin.Context) {
	s.orderBy(func(c *gin.Context, id int64) (models.Order, error) {
		var in DeliverRequest
		if err := readOptional(c, &in); err != nil {
			return models.Order{}, err
		}
		numbers := make([]string, 0, len(in.Numbers))
		for _, raw := range in.Numbers {
			n, err := s.Numbering.Global(raw)
			if err != nil {
				return models.Order{}, models.Fail(models.Invalid, raw, "is not a telephone number such as +8617000000001")
			}
			numbers = append(numbers, n)
		}
		return s.Store.DeliverOrder(c.Request.Context(), id, s.operator(c), numbers)
	})(c)
}
