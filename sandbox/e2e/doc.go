// Package e2e holds the tests that drive the built programs as a user does: a
// sandbox of its own, the bundled kubectl, client-go, and a client of the
// emulator. It never imports Kubernetes' control plane, so that it compiles in
// seconds; ECI_SANDBOX_BIN names the directory of the programs (default
// .sandbox/bin, where `make build` puts them).
//
// On Linux the tests run in a network namespace of their own: their ports are
// always free, beside a running `make sandbox` too, and the node has an address
// that no other machine has.
//
// It is a module of its own, with the versions of the main module: those of the
// control plane are older, and are kept as Kubernetes was released with them.
package e2e
