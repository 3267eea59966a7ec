// Package campaign plays random histories against the real provider, the real
// pod controller of vnode and the real client of the cloud, on the emulator in
// process and an API server in memory, and checks the promises of the node
// after every turn: never twice, never leaked, never lost.
package campaign
