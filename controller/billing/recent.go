package billing

import (
	"sync"
	"time"
)

// recent keeps values that were read for a while. Its zero value keeps nothing; life and most make it useful. It is safe for concurrent use.
type recent[K comparable, V any] struct {
	life time.Duration
	most int // values held; beyond it the cache begins anew

	mu      sync.Mutex
	values  map[K]kept[V]
	forgets int // how often something was forgotten
}

type kept[V any] struct {
	value V
	until time.Time
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[k]
	if !ok || !time.Now().Before(v.until) {
		var none V
		return none, false
	}
	return v.value, true
}

// mark is taken before a value is read, and given to put.
func (r *recent[K, V]) mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forgets
}

// put keeps a value, unless something was forgotten since mark: what was read may be older than that.
func (r *recent[K, V]) put(k K, v V, mark int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if mark != r.forgets || r.life <= 0 {
		return
	}
	if r.values == nil || len(r.values) >= r.most {
		r.values = map[K]kept[V]{}
	}
	r.values[k] = kept[V]{v, time.Now().Add(r.life)}
}

func (r *recent[K, V]) forget(k K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.values, k)
	r.forgets++
}
