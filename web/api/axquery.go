package api

import (
	"context"
	"strconv"

	"maskline/models"
	"maskline/models/store"
)

// privateNums answers a query of AX.
type privateNums struct {
	done
	List []privateNum `json:"privateNumList"`
}

// privateNum is one binding of the list. Flags are strings, as bind documents them; recordHintTone is there only with recordFlag, and
// callDirection only when it was given (spec/privatenumber.md §2.2).
type privateNum struct {
	OrigNum          string   `json:"origNum"`
	PrivateNum       string   `json:"privateNum"`
	PrivateNumType   string   `json:"privateNumType"`
	SubscribeTime    string   `json:"subscribeTime"`
	RecordFlag       string   `json:"recordFlag"`
	RecordHintTone   *string  `json:"recordHintTone,omitempty"`
	CalleeNumDisplay string   `json:"calleeNumDisplay"`
	PrivateSms       string   `json:"privateSms"`
	PreVoice         preVoice `json:"preVoice"`
	MaxDuration      int      `json:"maxDuration"`
	LastMinVoice     string   `json:"lastMinVoice"`
	CallDirection    *int     `json:"callDirection,omitempty"`
	TurnFlag         string   `json:"turnFlag"`
	SubscriptionID   string   `json:"subscriptionId"`
	UserData         string   `json:"userData"`
}

// privateNumOf reveals A: the number goes to the tenant who bound it.
func privateNumOf(b models.Binding) privateNum {
	p := privateNum{
		OrigNum: b.A.Reveal(), PrivateNum: b.X, PrivateNumType: axNumberType, SubscribeTime: b.CreatedAt.UTC().Format(timeLayout),
		RecordFlag: strconv.FormatBool(b.Record), CalleeNumDisplay: displayOf(b.ShowCaller), PrivateSms: strconv.FormatBool(b.PrivateSMS),
		PreVoice: preVoice{b.PreVoiceA, b.PreVoiceB}, MaxDuration: b.MaxDuration, LastMinVoice: b.LastMinVoice, TurnFlag: "on",
		SubscriptionID: b.ID, UserData: b.UserData,
	}
	if b.Record {
		p.RecordHintTone = &b.RecordHintTone
	}
	if b.DirectionGiven {
		p.CallDirection = new(int(b.Direction))
	}
	if b.Off {
		p.TurnFlag = "off"
	}
	return p
}

// displayOf is calleeNumDisplay and displayNumMode: 0 for X, 1 for the real caller.
func displayOf(showCaller bool) string {
	if showCaller {
		return "1"
	}
	return "0"
}

// queryAX is GET: by subscriptionId, else all of A's by origNum, else by privateNum. There are at most five, so that one page holds them.
func (a *api) queryAX(_ context.Context, r request) (work, error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return nil, err
	}
	want := store.BindingFilter{AppID: r.ID, Open: true}
	if want.SubscriptionID = subscription(f); want.SubscriptionID == "" {
		want.A, _ = a.numbers.party(f, "origNum")
		if want.A.IsZero() && f.err == nil {
			if want.X = a.axNumber(f); want.X == "" {
				f.fail("subscriptionId", "subscriptionId, origNum or privateNum is missing")
			}
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	return func(ctx context.Context) (any, error) {
		rows, total, err := a.Store.Bindings(ctx, want, models.Page{})
		switch {
		case err != nil:
			return nil, err
		case total == 0:
			return nil, models.Fail(models.NotFound, "subscriptionId", "no such binding")
		}
		found := privateNums{success, make([]privateNum, 0, len(rows))}
		for _, b := range rows {
			found.List = append(found.List, privateNumOf(b))
		}
		return found, nil
	}, nil
}
