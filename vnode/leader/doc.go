// Package leader lets one of several replicas work at a time. It turns a lease
// of the API server into a term: the work of a term begins when the lease is
// held, and its context ends when the lease is lost or the process is to stop.
// The lease is given up only when the work has come to its end.
//
// A process that was stopped for a while does not know that it was deposed until
// it looks. The Fence knows from the clock alone: it is open only for as long as
// nobody else can hold the lease, and whatever writes asks it first.
package leader
