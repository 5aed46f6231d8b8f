package delivery

import "maskline/models"

// eventPush is the body of a call event. The order of the fields is that of the official example (spec/privatenumber.md §4.1).
type eventPush struct {
	EventType  models.EventType `json:"eventType"`
	StatusInfo statusInfo       `json:"statusInfo"`
}

type statusInfo struct {
	SessionID      string  `json:"sessionId"`
	Timestamp      string  `json:"timestamp"`
	Caller         *string `json:"caller,omitempty"`
	Called         *string `json:"called,omitempty"`
	DigitInfo      *string `json:"digitInfo,omitempty"`
	StateCode      *int    `json:"stateCode,omitempty"` // 0 is a value, so a pointer says absent
	StateDesc      string  `json:"stateDesc,omitempty"`
	SubscriptionID string  `json:"subscriptionId,omitempty"`
	NotifyMode     string  `json:"notifyMode,omitempty"`
	UserData       string  `json:"userData,omitempty"`
}

// The values of notifyMode. Only mode X has it: Block wants an answer that decides (or, in a CDR, says that one did), Notify tells.
const (
	modeBlock  = "Block"
	modeNotify = "Notify"
)

// Event makes the push of one call event to the status URL of the call's request, else of the app; false when neither has one, and for the
// callin of a call about which the tenant is asked (s.Plan.Ask): the question is that push (see Courier.Ask). CreatedAt is when it
// happened. The body shows real numbers: it goes to the tenant whose numbers they are, and nowhere else.
func Event(app models.App, s models.Session, e models.CallEvent) (models.Delivery, bool) {
	target := app.StatusURL
	if p := s.Plan.Place; p != nil && p.StatusURL != "" {
		target = p.StatusURL
	}
	if target == "" || e.Type == models.EventCallIn && s.Plan.Ask != nil {
		return models.Delivery{}, false
	}
	d := models.Delivery{AppID: app.ID, SessionID: s.ID, Kind: models.DeliverEvent, Key: e.Key, URL: target, State: models.DeliveryWaiting, CreatedAt: e.At}
	switch {
	case s.Mode.Placed():
		d.Body = placedEvent(s, e)
	case app.Mode == models.ModeX:
		d.Body = eventBody(app.Mode, modeNotify, s, e)
	default:
		d.Body = eventBody(app.Mode, "", s, e)
	}
	return d, true
}

// eventBody writes an event with the fields that its type and the app's mode have (spec/privatenumber.md §4.1, the table).
func eventBody(mode models.Mode, notify string, s models.Session, e models.CallEvent) []byte {
	info := statusInfo{SessionID: s.ID, Timestamp: stamp(e.At), NotifyMode: notify}
	if e.Type == models.EventCollect {
		info.DigitInfo = &e.Digits
		return document(eventPush{e.Type, info})
	}
	caller, called := e.Caller.Reveal(), e.Called.Reveal()
	info.Caller, info.Called, info.UserData = &caller, &called, s.UserData
	// In AXE the binding is not known at the callin, in X there is none.
	if mode != models.ModeX && (mode != models.ModeAXE || e.Type != models.EventCallIn) {
		info.SubscriptionID = s.BindingID
	}
	if e.Type == models.EventDisconnect {
		// A code of the CDR's list alone becomes the nearest one that the event's list has (spec §9.2).
		code := e.State.ForEvent()
		info.StateCode, info.StateDesc = new(int(code)), code.Text()
	}
	return document(eventPush{e.Type, info})
}
