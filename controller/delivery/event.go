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
	DigitInfo      string  `json:"digitInfo,omitempty"`
	StateCode      *int    `json:"stateCode,omitempty"` // 0 is a value, so a pointer says absent
	StateDesc      string  `json:"stateDesc,omitempty"`
	SubscriptionID string  `json:"subscriptionId,omitempty"`
	UserData       string  `json:"userData,omitempty"`
}

// Event makes the push of one call event to the app's status URL; false when the app has none. notifyMode is absent, as AXB has it.
// CreatedAt is when it happened. The body shows real numbers: it goes to the tenant whose numbers they are, and nowhere else.
func Event(app models.App, s models.Session, e models.CallEvent) (models.Delivery, bool) {
	if app.StatusURL == "" {
		return models.Delivery{}, false
	}
	info := statusInfo{SessionID: s.ID, Timestamp: stamp(e.At)}
	if e.Type == models.EventCollect {
		info.DigitInfo = e.Digits
	} else {
		caller, called := e.Caller.Reveal(), e.Called.Reveal()
		info.Caller, info.Called = &caller, &called
		info.SubscriptionID, info.UserData = s.BindingID, s.UserData
	}
	if e.Type == models.EventDisconnect {
		// A code of the CDR's list alone becomes the nearest one that the event's list has (spec §9.2).
		code := e.State.ForEvent()
		info.StateCode, info.StateDesc = new(int(code)), code.Text()
	}
	return models.Delivery{
		AppID: app.ID, SessionID: s.ID, Kind: models.DeliverEvent, Key: e.Key, URL: app.StatusURL,
		Body: document(eventPush{e.Type, info}), State: models.DeliveryWaiting, CreatedAt: e.At,
	}, true
}
