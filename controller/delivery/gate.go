package delivery

import (
	"context"
	"errors"
	"maps"
	"sync"
)

// gate bounds the questions under way. A URL has a window as destinations have theirs, but a softer one, since what finds no place is a lost
// call: it begins at an eighth of perURL, doubles with each answer up to perURL, and halves with each question that found none down to
// one. So a URL that hangs soon holds one place, and one that was late once hardly notices. A URL holds no more than a quarter of the places
// that are free, too, but one: the fuller it gets, the less each may add.
type gate struct {
	all, perURL int

	mu     sync.Mutex
	inside int
	urls   map[string]*window
}

type window struct{ inside, size int }

// word is what a question has shown of its URL.
type word int

const (
	nothing  word = iota // it was not sent, or given up by whoever asked
	silent               // no whole answer in its time
	answered             // an answer, whichever
)

func newGate(all, perURL int) *gate {
	return &gate{all: all, perURL: perURL, urls: map[string]*window{}}
}

// enter takes a place, or says at once that there is none.
func (g *gate) enter(url string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.urls[url]
	if w == nil {
		if len(g.urls) >= urlsMax {
			maps.DeleteFunc(g.urls, func(_ string, w *window) bool { return w.inside == 0 })
		}
		w = &window{size: max(1, g.perURL/8)}
		g.urls[url] = w
	}
	free := g.all - g.inside
	if free <= 0 || w.inside >= min(w.size, max(1, free/4)) {
		return false
	}
	g.inside++
	w.inside++
	return true
}

// leave gives the place back, with what the question has shown.
func (g *gate) leave(url string, said word) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.urls[url]
	g.inside--
	w.inside--
	switch said {
	case answered:
		w.size = min(2*w.size, g.perURL)
	case silent:
		w.size = max(1, w.size/2)
	}
}

// heard judges a question that was asked within ctx.
func heard(ctx context.Context, a answer) word {
	switch {
	case a.result == Skipped, errors.Is(ctx.Err(), context.Canceled):
		return nothing
	case a.result == NoAnswer, a.result == Barred:
		return silent
	}
	return answered
}
