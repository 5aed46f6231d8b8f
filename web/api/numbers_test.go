package api

import (
	"context"
	"fmt"
	"testing"

	"maskline/models"
)

func TestPartiesAreReadAsClientsWriteThem(t *testing.T) {
	for raw, want := range map[string]string{
		"+8613800000001": "+8613800000001", "8613800000001": "+8613800000001", "008613800000001": "+8613800000001", "13800000001": "+8613800000001",
		"+8675528000001": "+8675528000001", "075528000001": "+8675528000001", "0755-2800-0001": "+8675528000001", "+861012345678": "+861012345678",
		"4001234567": "", "+864001234567": "", "95588": "", "abc": "", "+": "", "1380000000": "", "+86138000000011111": "", "+14155550100": "",
	} {
		f := mustBody(t, fmt.Sprintf(`{"callerNum":%q}`, raw))
		p, ok := numbers{}.party(f, "callerNum")
		if p.Reveal() != want || ok != (want != "") || (f.err == nil) != (want != "") {
			t.Errorf("%s: %s %t %v, want %q", raw, p.Reveal(), ok, f.err, want)
		}
	}
	f := mustBody(t, `{"callerNum":"+14155550100"}`)
	if p, ok := (numbers{abroad: true}).party(f, "callerNum"); !ok || p.Reveal() != "+14155550100" {
		t.Errorf("a number abroad, allowed: %s %v", p.Reveal(), f.err)
	}
}

func TestCities(t *testing.T) {
	for raw, want := range map[string]string{"0755": "0755", "755": "0755", "010": "010", "10": "010", "": "", "x": "", "123456": ""} {
		f := mustBody(t, fmt.Sprintf(`{"areaCode":%q}`, raw))
		if got, _ := (numbers{}).city(f, "areaCode"); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
	n := numbers{cityOfMobile: func(_ context.Context, number string) (string, bool) { return "0571", number == "+8613800000001" }}
	for number, want := range map[string]string{
		"+8675528000001": "0755", "+861012345678": "010", "+862112345678": "021", "+8657112345678": "0571", "+8613800000001": "0571", "+14155550100": "",
	} {
		if got, _ := n.cityOf(t.Context(), models.MustParty(number)); got != want && want != "" {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	if _, ok := (numbers{}).cityOf(t.Context(), models.MustParty("+8613800000001")); ok {
		t.Error("a mobile has a city without a table")
	}
}
