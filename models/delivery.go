package models

import (
	"hash/fnv"
	"strconv"
	"time"
)

// DeliveryKind is what a delivery carries.
type DeliveryKind string

// The kinds.
const (
	DeliverEvent  DeliveryKind = "event"
	DeliverCDR    DeliveryKind = "cdr"
	DeliverNumber DeliveryKind = "number" // X-number status
	DeliverTest   DeliveryKind = "test"
)

// DeliveryState is how a delivery stands.
type DeliveryState string

// The states.
const (
	DeliveryHeld    DeliveryState = "held"    // waits for its call's recording; DueAt says how long (store.ReleaseDelivery)
	DeliveryWaiting DeliveryState = "waiting" // its first attempt has not ended
	DeliveryRetry   DeliveryState = "retry"   // waits for its calendar
	DeliveryDone    DeliveryState = "done"
	DeliveryDead    DeliveryState = "dead" // every attempt failed
)

// Delivery is one push to a customer's URL. Its body is fixed when it is written: an event's is the whole JSON document, a CDR's
// is its one record, which the sender puts into feeLst with up to 49 others of the same app and URL.
type Delivery struct {
	ID         int64
	AppID      int64
	SessionID  string
	Kind       DeliveryKind
	Key        string // what it tells, once a session: its event's Key, or "cdr"; (SessionID, Key) is unique where both are set
	URL        string
	Body       []byte
	State      DeliveryState
	Attempts   int       // ended attempts
	FirstAt    time.Time // when the first attempt began; the calendar counts from it
	DueAt      time.Time
	LastStatus int    // HTTP status of the last attempt; 0 when none came
	LastError  string // "" after a success; names no number
	CreatedAt  time.Time
	EndedAt    time.Time // done or dead
	Lane       int       // 0 to Lanes-1; the store's, from Line
}

// Lanes is into how many lanes the outbox is cut. A lane is what one daemon owns, by lease (DESIGN §11). The number does not change while
// deliveries wait.
const Lanes = 16

// Line names what a delivery keeps its order in: its session, or for number status its app; "" for none.
func (d Delivery) Line() string {
	if d.SessionID == "" && d.Kind == DeliverNumber {
		return "numbers:" + strconv.FormatInt(d.AppID, 10)
	}
	return d.SessionID
}

// LaneOf is the lane of a line: all of a line are in one, so the lane's owner keeps their order.
func LaneOf(line string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(line))
	return int(h.Sum32() % Lanes)
}

// BatchMax is how many CDRs one push holds at most (spec/privatenumber.md §4.4).
const BatchMax = 50
