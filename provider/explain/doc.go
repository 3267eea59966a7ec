// Package explain turns manifests, as kubectl applies them, into a report of
// what would become of their pods on ECI: the request, the size that is asked
// for and the one that is billed, the price, warnings, refusals and objects that
// are missing.
//
// It does to a pod what a cluster would do before the node sees it, where that
// shows in the request: defaults (defaults.go), the ServiceAccount's token and
// pull secrets (account.go), bound claims (claims.go), the profile (profile.go).
// It knows nothing of the admission that a cluster may have beside that, such as
// LimitRanges and webhooks. What only a cluster knows has a stand-in: UIDs,
// tokens, and objects that no file holds.
//
// It is pure: no I/O, no clock, no logging. Prices and the dry run of the cloud
// come through interfaces. No text of a Secret is ever in a report.
package explain
