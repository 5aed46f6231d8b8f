package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"maskline/models"
)

func TestContactsAreToldOfWhatWasDone(t *testing.T) {
	l := newLab(t)
	var told []string
	engine, err := New(Options{Store: l.store, Tokens: []Token{{"ops", token}}, News: func(tenant int64, kind models.Notice, subject, text string) {
		told = append(told, fmt.Sprintf("%d %s %s|%s", tenant, kind, subject, text))
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.engine = engine
	app, _ := l.bound()
	l.do("PUT", "/tenants/Acme/state", `{"state":"suspended"}`, 200, nil)
	l.do("PUT", "/tenants/Acme/state", `{"state":"suspended"}`, 200, nil) // no news
	l.do("PUT", "/tenants/Acme/state", `{"state":"lost"}`, 400, nil)
	l.do("PATCH", "/apps/"+app.Key, `{"sms":true}`, 200, nil) // nor this
	l.do("PATCH", "/apps/"+app.Key, `{"state":"suspended"}`, 200, nil)
	l.do("PUT", "/numbers/+8617000000002/state", `{"state":"bind-frozen"}`, 200, nil)
	l.do("POST", "/numbers/+8617000000002/return", `{"reason":"complaints"}`, 200, nil)
	var tpl Template
	l.do("POST", "/templates", `{"tenant":"Acme","name":"parcel","content":"您的快递${TXT_8}已到。"}`, 201, &tpl)
	l.do("POST", "/templates/"+tpl.ID+"/reject", `{"reason":"call +8613800000001 first"}`, 200, nil)
	want := []string{
		"1 service The service of Acme is suspended now|The service of Acme is suspended now.",
		"1 service The app delivery is suspended now|The app delivery is suspended now.",
		"1 number The number +8617000000002 is bind-frozen now|The number +8617000000002 is bind-frozen now.",
		"1 number The number +8617000000002 was taken back|The number +8617000000002 was taken back. The reason: complaints",
		"1 review The template parcel was rejected|The template parcel was rejected. The reason: call +86138****0001 first",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// Each action that is news is an action of some route.
func TestNewsIsOfActionsThatThereAre(t *testing.T) {
	l := newLab(t)
	actions := map[string]bool{}
	for _, r := range l.engine.Routes() {
		actions[actionOf(r.Method, strings.TrimPrefix(r.Path, Prefix))] = true
	}
	for action := range newsworthy {
		if !actions[action] {
			t.Errorf("no route does %s", action)
		}
	}
}
