package freeswitch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// looked is what one look at the switch's channels found. A look that failed says nothing about any call.
type looked struct {
	err      error
	took     time.Duration
	core     string
	hostname string
	version  string
	legs     []esl.Event         // our legs that live, as Snapshot events, in the order of their creation
	known    map[string]struct{} // the legs that stood in our book when the look began
	gone     map[string]struct{} // those of them that are no more
	calls    map[string]struct{} // the calls of every leg that exists, the ones being hung up included
}

// channels is the answer to `show channels as json`; without rows there is no rows field.
type channels struct {
	Count *int `json:"row_count"`
	Rows  []struct {
		UUID     string `json:"uuid"`
		Presence string `json:"presence_data"`
	} `json:"rows"`
}

// look asks the switch for its channels. Only legs in known can be found gone, and only when uuid_exists says so: the table of
// channels lags behind.
func (s *Switch) look(ctx context.Context, known map[string]struct{}) looked {
	started := time.Now()
	l := looked{known: known, gone: map[string]struct{}{}, calls: map[string]struct{}{}}
	l.err = l.fill(ctx, s)
	l.took = time.Since(started)
	return l
}

// has tells whether a leg of the call exists.
func (l *looked) has(c *call) bool {
	_, ok := l.calls[c.id]
	return ok
}

func (l *looked) fill(ctx context.Context, s *Switch) error {
	var err error
	if l.core, err = s.global(ctx, "core_uuid"); err != nil {
		return err
	}
	if l.hostname, err = s.global(ctx, "hostname"); err != nil {
		return err
	}
	text, err := s.API(ctx, "version", "")
	if err != nil {
		return err
	}
	if words := strings.Fields(text); len(words) > 2 { // FreeSWITCH Version 1.11.1-release~64bit …
		l.version = words[2]
	}
	ids, err := s.ours(ctx)
	if err != nil {
		return err
	}
	listed := make(map[string]struct{}, len(ids))
	for _, id := range ids {
		listed[id] = struct{}{}
	}
	for id := range l.known {
		if _, ok := listed[id]; !ok {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if err := l.leg(ctx, s, id); err != nil {
			return err
		}
	}
	return nil
}

// leg reads one leg. A leg without an answer to uuid_dump is gone only if uuid_exists agrees.
func (l *looked) leg(ctx context.Context, s *Switch, id string) error {
	text, err := s.API(ctx, "uuid_dump", id)
	if errors.Is(err, esl.ErrGone) {
		exists, err := s.API(ctx, "uuid_exists", id)
		if err != nil {
			return err
		}
		if _, ok := l.known[id]; ok && strings.TrimSpace(exists) == "false" {
			l.gone[id] = struct{}{}
		}
		return nil
	}
	if err != nil {
		return err
	}
	dump, err := wire.ParseEvent([]byte(text))
	if err != nil {
		return fmt.Errorf("uuid_dump: %w", err)
	}
	e := eventOf(esl.Snapshot, dump)
	if e.Leg != id {
		return errors.New("uuid_dump tells of another leg")
	}
	if e.Call != "" {
		l.calls[e.Call] = struct{}{}
	}
	if !ending(e) {
		l.legs = append(l.legs, e)
	}
	return nil
}

// ending tells whether a leg is being hung up: its last event has come or is about to.
func ending(e esl.Event) bool {
	switch e.Get("Channel-State") {
	case "CS_HANGUP", "CS_REPORTING", "CS_DESTROY":
		return true
	}
	return false
}

func (s *Switch) global(ctx context.Context, name string) (string, error) {
	text, err := s.API(ctx, "global_getvar", name)
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("the switch has no %s", name)
	}
	return text, nil
}

// ours lists the legs whose presence_data is ours.
func (s *Switch) ours(ctx context.Context) ([]string, error) {
	text, err := s.API(ctx, "show", "channels as json")
	if err != nil {
		return nil, err
	}
	var all channels
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("show channels: %w", err)
	}
	if all.Count == nil || *all.Count != len(all.Rows) {
		return nil, errors.New("show channels: rows are missing")
	}
	var ids []string
	for _, r := range all.Rows {
		if strings.HasPrefix(r.Presence, presence) && wire.UUID("leg", r.UUID) == nil {
			ids = append(ids, r.UUID)
		}
	}
	return ids, nil
}
