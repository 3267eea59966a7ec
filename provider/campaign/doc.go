// Package campaign plays random histories against the real provider, the real
// pod controller of vnode and the real client of the cloud, on the emulator in
// process and an API server in memory, and checks the promises of the node
// after every turn: never twice, never leaked, never lost.
//
// To read it in one sitting:
//
//  1. history.go: a history is a list of operations, made from a seed; Shrink
//     shortens one that fails.
//  2. world.go: Run plays a history. The world picks whose turn is next and moves
//     the clock; clock.go, task.go and queue.go are what it picks from.
//  3. users.go and faults.go: all that users and bad luck do.
//  4. instance.go and loops.go: one process of eci-vnode, and where it stops.
//  5. cloud.go is its way to the emulator; kube.go and objects.go its way to the
//     API server of api.go; hear.go takes its logs and events.
//  6. invariants.go and budget.go: what is checked; sight.go: what a process could
//     know, which is all that excuses it.
//  7. protections.go: what is switched off to see the campaign fail.
package campaign
