// Package connlimit bounds the connections that an HTTP server holds, so that
// clients without credentials cannot take the place of those that have them.
//
// Every accepted connection starts as an unauthenticated one and becomes an
// authenticated one when the server promotes it. The two kinds have separate
// bounds. A new connection is never turned away because of others that have not
// authenticated yet: it displaces one of them, from the source that holds the most.
// The package reads no requests and decides about nobody's rights.
package connlimit
