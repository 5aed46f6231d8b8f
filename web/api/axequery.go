package api

import (
	"context"
	"strconv"

	"maskline/models"
	"maskline/models/store"
)

// extended answers a query of AXE, flat: there is one binding behind what a query names (spec/privatenumber.md §2.3).
type extended struct {
	done
	SubscriptionID      string `json:"subscriptionId"`
	VirtualNum          string `json:"virtualNum"`
	ExtendNum           string `json:"extendNum"`
	BindNum             string `json:"bindNum"`
	DisplayNumMode      string `json:"displayNumMode"`
	RecordFlag          string `json:"recordFlag"`
	RecordHintTone      string `json:"recordHintTone"`
	CallbackTone        string `json:"callbackTone"`
	CallbackNum         string `json:"callbackNum"`
	TimeUnit            string `json:"timeUnit"`
	BindExpiredTime     int    `json:"bindExpiredTime"`
	CallbackExpiredTime int    `json:"callbackExpiredTime"`
	UserData            string `json:"userData"`
}

// extendedOf reveals A: the number goes to the tenant who bound it. timeUnit and bindExpiredTime are those of the bind.
func extendedOf(b models.Binding) extended {
	return extended{
		done: success, SubscriptionID: b.ID, VirtualNum: b.X, ExtendNum: b.Extension, BindNum: b.A.Reveal(),
		DisplayNumMode: displayOf(b.ShowCaller), RecordFlag: strconv.FormatBool(b.Record), RecordHintTone: b.RecordHintTone,
		CallbackTone: b.CallbackTone, CallbackNum: b.CallbackNum, TimeUnit: strconv.Itoa(b.BoundUnit), BindExpiredTime: b.BoundTime,
		CallbackExpiredTime: b.CallbackTime, UserData: b.UserData,
	}
}

// queryAXE is GET.
func (a *api) queryAXE(_ context.Context, r request) (work, error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return nil, err
	}
	by := a.whichAXE(f)
	if f.err != nil {
		return nil, f.err
	}
	want := store.BindingFilter{AppID: r.ID, SubscriptionID: by.SubscriptionID, X: by.X, Extension: by.Extension, Open: true}
	return func(ctx context.Context) (any, error) {
		rows, _, err := a.Store.Bindings(ctx, want, models.Page{Limit: 1})
		switch {
		case err != nil:
			return nil, err
		case len(rows) == 0:
			return nil, models.Fail(models.NotFound, "subscriptionId", "no such binding")
		}
		return extendedOf(rows[0]), nil
	}, nil
}
