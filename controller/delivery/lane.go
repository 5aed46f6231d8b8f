package delivery

import "hash/fnv"

// Lanes is into how many lanes the outbox is cut. A lane is what one daemon owns, by lease, once several share the work (DESIGN §11). The
// number is part of that contract: it does not change while deliveries wait.
const Lanes = 64

// Lane is the lane of a session's deliveries, 0 to Lanes-1. All of a session are in one, so its owner keeps their order; likewise all of an
// app's number status (see line).
func Lane(sessionID string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(sessionID))
	return int(h.Sum32() % Lanes)
}
