package api

import (
	"context"
	"strconv"

	"maskline/models"
	"maskline/models/store"
)

// The sizes of a page; what is out of range is pageUsual (spec/privatenumber.md §2.1). Indexes beyond pageLast are refused.
const (
	pageLeast = 10
	pageMost  = 100
	pageUsual = 50
	pageLast  = 1_000_000
)

// timeLayout is how the wire writes a time, in UTC (spec/privatenumber.md §0).
const timeLayout = "2006-01-02 15:04:05"

// relations answers a query.
type relations struct {
	done
	TotalCount int        `json:"totalCount"`
	PageIndex  int        `json:"pageIndex"`
	List       []relation `json:"relationNumList"`
}

// relation is one binding of the list. Flags are strings, as bind documents them.
type relation struct {
	SubscriptionID string   `json:"subscriptionId"`
	RelationNum    string   `json:"relationNum"`
	CallerNum      string   `json:"callerNum"`
	CalleeNum      string   `json:"calleeNum"`
	CallDirection  int      `json:"callDirection"`
	Duration       int      `json:"duration"`
	MaxDuration    int      `json:"maxDuration"`
	LastMinVoice   string   `json:"lastMinVoice"`
	RecordFlag     string   `json:"recordFlag"`
	RecordHintTone string   `json:"recordHintTone"`
	PrivateSms     string   `json:"privateSms"`
	PreVoice       preVoice `json:"preVoice"`
	SubscribeTime  string   `json:"subscribeTime"`
	UserData       string   `json:"userData"`
}

type preVoice struct {
	CallerHintTone string `json:"callerHintTone"`
	CalleeHintTone string `json:"calleeHintTone"`
}

// relationOf reveals the parties: the numbers go to the tenant who bound them.
func relationOf(b models.Binding) relation {
	return relation{
		SubscriptionID: b.ID, RelationNum: b.X, CallerNum: b.A.Reveal(), CalleeNum: b.B.Reveal(),
		CallDirection: int(b.Direction), Duration: b.Lifetime, MaxDuration: b.MaxDuration, LastMinVoice: b.LastMinVoice,
		RecordFlag: strconv.FormatBool(b.Record), RecordHintTone: b.RecordHintTone, PrivateSms: strconv.FormatBool(b.PrivateSMS),
		PreVoice: preVoice{b.PreVoiceA, b.PreVoiceB}, SubscribeTime: b.CreatedAt.UTC().Format(timeLayout), UserData: b.UserData,
	}
}

// query is GET: by subscriptionId, or by relationNum with callerNum and calleeNum to narrow it. The former wins.
func (a *api) query(_ context.Context, r request) (work, error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return nil, err
	}
	want := store.BindingFilter{AppID: r.ID, Open: true}
	if want.SubscriptionID = subscription(f); want.SubscriptionID == "" {
		want.X, _ = a.numbers.private(f, "relationNum")
		want.A, _ = a.numbers.party(f, "callerNum")
		want.B, _ = a.numbers.party(f, "calleeNum")
	}
	index, size := readPage(f)
	if err := needOne(f, want.SubscriptionID, want.X); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		rows, total, err := a.Store.Bindings(ctx, want, models.Page{Offset: (index - 1) * size, Limit: size})
		if err != nil {
			return nil, err
		}
		if total == 0 {
			return nil, a.nothing(ctx, r.ID, want.X)
		}
		found := relations{done: success, TotalCount: total, PageIndex: index, List: make([]relation, 0, len(rows))}
		for _, b := range rows {
			found.List = append(found.List, relationOf(b))
		}
		return found, nil
	}, nil
}

func readPage(f *fields) (index, size int) {
	index, _ = f.whole("pageIndex")
	size, _ = f.whole("pageSize")
	if size < pageLeast || size > pageMost {
		size = pageUsual
	}
	if index > pageLast {
		f.fail("pageIndex", "pageIndex is 1 to %d", pageLast)
		index = 1
	}
	return max(1, index), size
}

// nothing says why a query found nothing: the number is not the app's, or it carries no such binding.
func (a *api) nothing(ctx context.Context, appID int64, x string) error {
	if x != "" {
		n, err := a.Store.Number(ctx, x)
		if models.CodeOf(err) == models.NotFound || err == nil && n.AppID != appID {
			return models.Fail(models.NumberNotOwned, "relationNum", "relationNum is no number of this app")
		}
		if err != nil {
			return err
		}
	}
	return models.Fail(models.NotFound, "subscriptionId", "no such binding")
}
