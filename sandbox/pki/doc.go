// Package pki turns nothing into the certificates of a throw-away cluster: an
// authority in memory, and key pairs that it signs. It never reads a
// certificate back, renews or revokes one: a sandbox makes new ones on every
// start.
package pki
