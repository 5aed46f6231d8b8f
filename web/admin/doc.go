// Package admin is the operator's JSON API under /admin/v1: tenants, apps, numbers, bindings, calls, records, deliveries, switches
// and trunks. openapi.yaml beside it describes every route, and the tests hold the two together. It keeps no state of its own and
// starts no goroutine; who may use it is decided by bearer tokens.
package admin
