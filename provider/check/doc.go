// Package check asks an account and a cluster, before a virtual node is started
// there, whether everything that the node needs is in place: credentials, region,
// permissions, vSwitches, security group, quota; the API server, the rights of
// the caller, the name of the node. Every finding that is no success says what
// to do about it.
//
// It changes nothing: groups are asked for as dry runs, and deletes, updates and
// commands name a group that does not exist. That a permission is checked before
// the group is looked up is how the cloud's gateway works in general; it is not
// documented for ECI.
package check
