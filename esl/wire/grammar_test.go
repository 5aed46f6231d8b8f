package wire

import (
	"maskline/esl"
	"maskline/esl/sim/dialstring"
)

// The grammar of dial strings stands in esl/sim/dialstring, translated from FreeSWITCH's sources, so that the builder is judged by the
// reader's rules and not by its own.

// parseDial reads a dial string: its parts, and the urls of the endpoints in order.
func parseDial(s string) (esl.Dial, []string, error) {
	var d esl.Dial
	var urls []string
	read, err := dialstring.Parse(s)
	if err != nil {
		return d, nil, err
	}
	d.Vars = read.Vars
	for _, way := range read.Ways {
		for _, p := range way {
			d.Endpoints = append(d.Endpoints, esl.Endpoint{Vars: p.Vars})
			urls = append(urls, p.URL)
		}
	}
	return d, urls, nil
}

// separate is switch_separate_string.
func separate(s string, sep byte, most int) []string { return dialstring.Separate(s, sep, most) }
