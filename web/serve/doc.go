// Package serve is what every HTTP listener of the platform shares: a server with limits and an orderly end, certificates, and the
// middleware that numbers, logs, bounds and recovers requests.
//
// A Server owns the goroutine that accepts (Run) and, through net/http, one per connection; all have ended when Run returns. The
// middleware keeps no state and starts nothing. Nothing here writes a query, a body, a header or a path to the log: they hold
// telephone numbers. The log names the route's pattern instead.
package serve
