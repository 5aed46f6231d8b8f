package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"maskline/controller/voice"
	"maskline/models"
)

// voiceCalls is the surface of the other product: calls that the platform places itself (spec/voicecall.md §0, §2 to §4). The older login, by which
// a token in the query takes the place of signatures (§1.3), is not there: what stands in the query is ignored.
var voiceCalls = surface{
	mode:    models.ModeVoice,
	results: voiceResults,
	endpoints: slices.Concat(
		posts((*api).click, versions("/rest/httpsessions/click2Call", "v2.0", "v1.0")),
		posts((*api).notify, versions("/rest/httpsessions/callnotify", "v2.0", "v1.0")),
		posts((*api).verify, versions("/rest/httpsessions/callVerify", "v1.0")),
	),
}

// versions are the paths of an operation in each of its versions, and once more under /sandbox, where test apps look for it (spec/voicecall.md §0).
func versions(path string, names ...string) (paths []string) {
	for _, v := range names {
		paths = append(paths, path+"/"+v, "/sandbox"+path+"/"+v)
	}
	return paths
}

func posts(read func(a *api, ctx context.Context, r request) (work, error), paths []string) (all []endpoint) {
	for _, p := range paths {
		all = append(all, endpoint{http.MethodPost, p, read})
	}
	return all
}

// Desk accepts calls to be placed (voice.Desk). Called with the context that Once gives, it joins its transaction, so that a repeated request
// places no second call. Its errors name parameters as the wire does.
type Desk interface {
	Click(ctx context.Context, app models.App, tenant models.Tenant, q voice.ClickRequest) (voice.Accepted, error)
	Notify(ctx context.Context, app models.App, tenant models.Tenant, q voice.NotifyRequest) (voice.Accepted, error)
	Verify(ctx context.Context, app models.App, tenant models.Tenant, q voice.VerifyRequest) (voice.Accepted, error)
}

// voiceStore is what the stop of a call asks of the database beside what every mode does.
type voiceStore interface {
	Outgoing(ctx context.Context, sessionID string) (models.Outgoing, error)
}

// placed answers a request for a call (spec/voicecall.md §2).
type placed struct {
	done
	SessionID string `json:"sessionId"`
	IdlePort  *int   `json:"idlePort,omitempty"`
}

// idlePortMost is the largest idlePort there is (spec/voicecall.md §2).
const idlePortMost = 65535

// place is the work of a request whose parameters, in f, have been read.
func (a *api) place(f *fields, asked voice.Asked, accept func(ctx context.Context) (voice.Accepted, error)) (work, error) {
	if f.err != nil {
		return nil, f.err
	}
	if a.Desk == nil {
		return nil, models.Fail(models.ModeMismatch, "", "no calls are placed here")
	}
	return func(ctx context.Context) (any, error) {
		call, err := accept(ctx)
		if err != nil {
			return nil, blameBindNbr(f, err)
		}
		answer := placed{done: success, SessionID: call.SessionID}
		if asked.IdlePort {
			idle := min(max(call.IdlePort, 0), idlePortMost)
			answer.IdlePort = &idle
		}
		return answer, nil
	}, nil
}

// readAsked reads what all three operations may say.
func (a *api) readAsked(f *fields) voice.Asked {
	q := voice.Asked{Display: a.numbers.shown(f, "displayNbr"), StatusURL: f.link("statusUrl"), FeeURL: f.link("feeUrl")}
	q.UserData, _ = f.text("userData")
	q.IdlePort, _ = f.flag("returnIdlePort")
	return q
}

// called reads the number of whom a call is placed to. Whether it can be called is the Desk's to say.
func (n numbers) called(f *fields, name string, wrong models.Code) models.Party {
	raw, _ := f.text(name)
	if raw == "" {
		f.fail(name, "%s is missing", name)
		return models.Party{}
	}
	p, err := n.Party(raw)
	if err != nil || len(raw) > 31 {
		f.failAs(wrong, name, "%s is not a telephone number in the form +<country><number>", name)
	}
	return p
}

// shown reads a display number. Where it is absent the older bindNbr stands for it; beside it bindNbr says nothing (spec/voicecall.md §2).
func (n numbers) shown(f *fields, name string) string {
	from, wrong := name, models.DisplayNumber
	if !f.says(name) && f.says("bindNbr") {
		from, wrong = "bindNbr", models.NumberNotOwned
	}
	raw, _ := f.text(from)
	if raw == "" {
		f.fail(name, "%s is missing", name)
		return ""
	}
	number, err := n.Global(raw)
	if err != nil || len(raw) > 31 {
		f.failAs(wrong, from, "%s is not a telephone number in the form +<country><number>", from)
	}
	return number
}

// blameBindNbr says of a wrong display number that the request does not hold what it is: the bindNbr that stood for it (1012006).
func blameBindNbr(f *fields, err error) error {
	fail, ok := errors.AsType[*models.Error](err)
	if !ok || fail.Code != models.DisplayNumber || f.says(fail.Param) {
		return err
	}
	return models.Fail(models.NumberNotOwned, "bindNbr", "bindNbr is no number of the app")
}
