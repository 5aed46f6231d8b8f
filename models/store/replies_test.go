package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

func replyKey(nonce, body string) ReplyKey {
	return ReplyKey{AppKey: "key-1", Nonce: nonce, Method: "POST", Path: "/rest/caas/relationnumber/partners/v1.0", BodyHash: body}
}

// once binds under a key and answers with the binding's id, or with 403 and the code.
func (h *house) once(ctx context.Context, key ReplyKey, r BindRequest) (int, string, bool, error) {
	status, body, replayed, err := h.Once(ctx, key, time.Hour, func(ctx context.Context) (int, []byte, error) {
		b, err := h.Bind(ctx, r)
		if code := models.CodeOf(err); err != nil && code != models.Internal {
			return 403, []byte(code), nil
		}
		return 200, []byte(b.ID), err
	})
	return status, string(body), replayed, err
}

func TestOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		status, id, replayed, err := h.once(ctx, replyKey("n1", "a"), h.request(x1, alice, bob))
		if err != nil || status != 200 || replayed {
			t.Fatalf("%d %s %v %v", status, id, replayed, err)
		}
		if _, again, replayed, err := h.once(ctx, replyKey("n1", "a"), h.request(x1, alice, bob)); err != nil || again != id || !replayed {
			t.Errorf("the retry got %s, replayed %v, %v", again, replayed, err)
		}
		// Another body under the nonce is another request; its refusal is replayed too, though the reason has gone.
		if status, body, _, err := h.once(ctx, replyKey("n1", "b"), h.request(x1, alice, carol)); err != nil || status != 403 || body != string(models.NumberBound) {
			t.Errorf("%d %s %v", status, body, err)
		}
		must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: id}))
		if status, _, replayed, err := h.once(ctx, replyKey("n1", "b"), h.request(x1, alice, carol)); err != nil || status != 403 || !replayed {
			t.Errorf("the retry of a refused request: %d, replayed %v, %v", status, replayed, err)
		}
		// Beyond the window it is a new request.
		h.clock.advance(time.Hour)
		if status, _, replayed, err := h.once(ctx, replyKey("n1", "b"), h.request(x1, alice, carol)); err != nil || status != 200 || replayed {
			t.Errorf("beyond the window: %d, replayed %v, %v", status, replayed, err)
		}
		used := must[bool](t)(h.NonceUsed(ctx, "key-1", "n1", replyKey("n1", "b")))
		unused := must[bool](t)(h.NonceUsed(ctx, "key-1", "n2", replyKey("n2", "b")))
		other := must[bool](t)(h.NonceUsed(ctx, "key-2", "n1", replyKey("n2", "b")))
		if !used || unused || other {
			t.Errorf("nonce used %v %v %v", used, unused, other)
		}
		if n := must[int](t)(h.PruneReplies(ctx, h.clock.Now(), 100)); n != 1 {
			t.Errorf("pruned %d, want the one of an hour ago", n)
		}
	})
}

func TestOnceUndoes(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		broken := errors.New("broken")
		for _, tt := range []struct {
			status int
			err    error
			kept   bool
		}{{200, broken, false}, {500, nil, false}, {403, nil, true}} {
			key := replyKey(fmt.Sprint(tt), "")
			status, body, _, err := h.Once(ctx, key, time.Hour, func(ctx context.Context) (int, []byte, error) {
				if _, err := h.Bind(ctx, h.request(x1, alice, bob)); err != nil {
					t.Error(err)
				}
				if applied, err := h.Record(ctx, h.end("s1")); err != nil || !applied {
					t.Errorf("record inside: %v %v", applied, err)
				}
				return tt.status, []byte("answer"), tt.err
			})
			if !errors.Is(err, tt.err) || err == nil && (status != tt.status || string(body) != "answer") {
				t.Errorf("%+v: %d %s %v", tt, status, body, err)
			}
			h.consistent(t, nil)
			_, err = h.Session(ctx, "s1")
			wantCode(t, err, models.NotFound)
			ran := false
			if _, _, replayed, err := h.Once(ctx, key, time.Hour, func(context.Context) (int, []byte, error) { ran = true; return 500, nil, nil }); err != nil || replayed != tt.kept || ran == tt.kept {
				t.Errorf("%+v: the retry replayed %v, ran %v, %v", tt, replayed, ran, err)
			}
		}
	})
}

func TestOnceAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		var wg sync.WaitGroup
		var mu sync.Mutex
		answers := map[string]map[string]int{}
		for i := range 40 {
			wg.Go(func() {
				n := i % 4
				r := h.request("", models.MustParty(fmt.Sprintf("+86138000010%d0", n)), models.MustParty(fmt.Sprintf("+86138000010%d1", n)))
				status, body, _, err := h.once(ctx, replyKey(fmt.Sprintf("n%d", n), ""), r)
				if err != nil || status != 200 {
					t.Errorf("%d %s %v", status, body, err)
				}
				mu.Lock()
				defer mu.Unlock()
				if answers[fmt.Sprint(n)] == nil {
					answers[fmt.Sprint(n)] = map[string]int{}
				}
				answers[fmt.Sprint(n)][body]++
			})
		}
		wg.Wait()
		for n, got := range answers {
			if len(got) != 1 {
				t.Errorf("request %s got %d different answers", n, len(got))
			}
		}
		if _, total, err := h.Bindings(ctx, BindingFilter{}, models.Page{}); err != nil || total != 4 {
			t.Errorf("%d bindings were made, want 4 (%v)", total, err)
		}
	})
}

func TestOneUseNonce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		var ran, refused atomic.Int32
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				key := replyKey("n1", strings.Repeat("b", i))
				key.OneUse = true
				_, _, replayed, err := h.Once(context.Background(), key, time.Hour, func(context.Context) (int, []byte, error) { return 200, nil, nil })
				switch {
				case models.CodeOf(err) == models.ReplayedNonce:
					refused.Add(1)
				case err == nil && !replayed:
					ran.Add(1)
				default:
					t.Errorf("replayed %v, %v", replayed, err)
				}
			})
		}
		wg.Wait()
		if ran.Load() != 1 || refused.Load() != 9 {
			t.Errorf("%d ran and %d were refused", ran.Load(), refused.Load())
		}
	})
}
