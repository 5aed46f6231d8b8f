// Package models is the domain of Maskline: tenants, apps, numbers, bindings, routes, plans, sessions, CDRs and deliveries, the rules
// that hold for each of them by itself, and the codes by which the platform speaks of failure. It imports the standard library only,
// keeps no state and starts no goroutine. How the types are stored is models/store; how they look on the wire is web.
package models
