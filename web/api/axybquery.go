package api

import (
	"context"
	"strconv"

	"maskline/models"
	"maskline/models/store"
)

// xyRelations answers a query of AXYB.
type xyRelations struct {
	done
	List []xyRelation `json:"xyRelationNumList"`
}

// xyRelation is one row of the list: a Y of a binding, or a binding that has none yet. Lifetimes are strings here, and recordHintTone is left
// out when there is none, as the original's documentation has it (spec/privatenumber.md §2.4).
type xyRelation struct {
	BindID         string `json:"bindId"`
	NumA           string `json:"numA"`
	NumX           string `json:"numX"`
	NumY           string `json:"numY"`
	NumB           string `json:"numB"`
	RecordFlag     string `json:"recordFlag"`
	RecordHintTone string `json:"recordHintTone,omitempty"`
	SubscribeTime  string `json:"subscribeTime"`
	CallDirection  int    `json:"callDirection"`
	Duration       string `json:"duration"`
	YBDuration     string `json:"ybDuration"`
	PreVoiceX      string `json:"preVoiceX"`
	PreVoiceY      string `json:"preVoiceY"`
	UserData       string `json:"userData"`
}

// xyRelationOf reveals the parties: the numbers go to the tenant who bound them. The lifetimes are those of the first step, ax, also for a Y.
func xyRelationOf(b, ax models.Binding) xyRelation {
	return xyRelation{
		BindID: b.ID, NumA: b.A.Reveal(), NumX: b.X, NumY: b.Y, NumB: b.B.Reveal(), RecordFlag: strconv.FormatBool(b.Record),
		RecordHintTone: b.RecordHintTone, SubscribeTime: b.CreatedAt.UTC().Format(timeLayout), CallDirection: int(b.Direction),
		Duration: strconv.Itoa(ax.Lifetime), YBDuration: strconv.Itoa(ax.YBLifetime), PreVoiceX: b.PreVoiceA, PreVoiceY: b.PreVoiceB, UserData: b.UserData,
	}
}

// queryAXYB is GET: by the subscriptionId of either step, or by an X. The former wins. The interface names no pages and no total; those of
// AXB's query are heeded, and a page beyond the last is empty.
func (a *api) queryAXYB(_ context.Context, r request) (work, error) {
	f, err := queryAXYBFields(r)
	if err != nil {
		return nil, err
	}
	id, x := subscription(f), ""
	if id == "" {
		x, _ = a.numbers.private(f, "relationNum")
	}
	index, size := readPage(f)
	if err := needOne(f, id, x); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		b, err := a.findAXYB(ctx, r.ID, id, x)
		if err != nil {
			return nil, err
		}
		return a.relationsOf(ctx, b, id == "", models.Page{Offset: (index - 1) * size, Limit: size})
	}, nil
}

// findAXYB finds the open binding of an id, or the latest on an X.
func (a *api) findAXYB(ctx context.Context, appID int64, id, x string) (models.Binding, error) {
	rows, _, err := a.Store.Bindings(ctx, store.BindingFilter{AppID: appID, SubscriptionID: id, X: x, Open: true}, models.Page{Limit: 1})
	if err != nil {
		return models.Binding{}, err
	}
	if len(rows) == 0 {
		return models.Binding{}, a.nothing(ctx, appID, x)
	}
	return rows[0], nil
}

// relationsOf lists the Y of a binding, or the binding itself when it has none. b may be a Y: then it stands alone, unless all of its X is
// asked for.
func (a *api) relationsOf(ctx context.Context, b models.Binding, wholeX bool, page models.Page) (any, error) {
	ax := b
	if b.Parent != "" {
		var err error
		if ax, err = a.Store.Binding(ctx, b.AppID, b.Parent); err != nil {
			return nil, err
		}
	}
	rows, total := []models.Binding{b}, 1
	if wholeX || b.Parent == "" {
		var err error
		if rows, total, err = a.Store.Bindings(ctx, store.BindingFilter{AppID: b.AppID, Parent: ax.ID, Open: true}, page); err != nil {
			return nil, err
		}
	}
	if total == 0 && page.Offset == 0 {
		rows = []models.Binding{ax}
	}
	found := xyRelations{done: success, List: make([]xyRelation, 0, len(rows))}
	for _, row := range rows {
		found.List = append(found.List, xyRelationOf(row, ax))
	}
	return found, nil
}
