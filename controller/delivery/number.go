package delivery

import (
	"slices"
	"strconv"
	"time"

	"maskline/models"
)

// numbersMax is how many numbers one push tells of (spec/privatenumber.md §4.5).
const numbersMax = 100

// NumberItem is how a private number stands.
type NumberItem struct {
	Number string // global form
	Status models.NumberState
	// Cause is why it is unavailable: 1 deleted, 2 arrears, 3 out of service, 5 call-barred by the carrier, 6 barring lifted, 7 to 9 forwarding
	// active (unconditional, no answer, busy). 0 is not said. It counts only with models.NumberUnavailable (spec §4.5).
	Cause int
}

// Tells says whether a customer is told of a number that stood otherwise before: its state has changed, or the cause of its being
// unavailable (spec/privatenumber.md §4.5).
func (i NumberItem) Tells(before NumberItem) bool {
	return i.Status != before.Status || i.cause() != before.cause()
}

func (i NumberItem) cause() string {
	if i.Status != models.NumberUnavailable || i.Cause <= 0 {
		return ""
	}
	return strconv.Itoa(i.Cause)
}

// numberPush is the body of a number-status push; both values are strings (spec/privatenumber.md §4.5).
type numberPush struct {
	EventType string       `json:"eventType"`
	NumInfo   []numberInfo `json:"numInfo"`
}

type numberInfo struct {
	Number string `json:"number"`
	Status string `json:"status"`
	Cause  string `json:"cause,omitempty"`
}

// NumberStatus makes the pushes that tell how an app's numbers stand, 1 to 100 numbers each, to its number-status URL, else its status URL;
// none when the app has not switched them on or has no URL. They carry no Key and no SessionID; CreatedAt is now. The Courier sends those of
// one app in the order of their ids (see keepOrder).
func NumberStatus(app models.App, items []NumberItem) []models.Delivery {
	url := app.Settings.NumberStatusURL
	if url == "" {
		url = app.StatusURL
	}
	if !app.Settings.PushNumberStatus || url == "" {
		return nil
	}
	var out []models.Delivery
	now := time.Now().UTC()
	for chunk := range slices.Chunk(items, numbersMax) {
		p := numberPush{EventType: "numStatus"}
		for _, i := range chunk {
			p.NumInfo = append(p.NumInfo, numberInfo{i.Number, strconv.Itoa(int(i.Status)), i.cause()})
		}
		out = append(out, models.Delivery{AppID: app.ID, Kind: models.DeliverNumber, URL: url, Body: document(p), State: models.DeliveryWaiting, CreatedAt: now})
	}
	return out
}
