package delivery

import (
	"context"
	"net/http"
)

// Poster posts single messages to URLs that customers named, under the rules of pushes: no private addresses, no proxy, no redirects, certificates
// verified. It keeps no row and repeats nothing; that is its caller's.
type Poster struct{ send *network }

// NewPoster makes a Poster. Of the options it heeds Timeout, Allow, Insecure and Roots.
func NewPoster(o Options) *Poster { return &Poster{newNetwork(o.withDefaults())} }

// Post posts JSON and gives the answer's HTTP status; 0 and an error in our own words, which hold nothing of the URL, when none came.
func (p *Poster) Post(ctx context.Context, url string, body []byte) (int, error) {
	a := post(ctx, p.send, url, http.Header{}, body, nil)
	if a.status != 0 {
		return a.status, nil
	}
	return 0, a.err
}

// CloseIdleConnections ends the connections that wait for another message.
func (p *Poster) CloseIdleConnections() { p.send.CloseIdleConnections() }
