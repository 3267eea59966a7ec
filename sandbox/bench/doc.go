// Command bench measures the virtual node against its rivals, on the real
// control plane of a sandbox that it starts, and prints one table: each figure
// with the figure of its rival from the same run, what it must reach, and whether
// it does. The same rows go to a JSON file.
//
// # Who runs where
//
// `eci-sandbox up` gives the control plane (its own node has no pods). The
// emulator of the cloud runs inside of this process, without delays and, but for
// the one row about rates, without rates, so that its access log and the very
// moment of a change are known. Everything that is measured is a process of its
// own: `eci-vnode run` as it was built, with the ServiceAccount and the rights of
// the operator's manifest, and for the library this program, called again with
// the argument "library". All share the cores of one machine, over loopback.
//
// # How it is measured
//
//   - A pod is bound to its node when it is made, has one container, grace period
//     1 s, no token volume and the DNS of its node: it names no other object.
//   - Creating: from before the first of 50 parallel creators starts until a
//     watch has shown every pod Running. Deleting: from before the first delete
//     until the watch has shown every pod gone. Of the library's deletes the grace
//     period is taken off, since it always waits for all of it; ours ends when the
//     group has, and nothing is taken off.
//   - Whoever else uses the machine's processors moves all figures from minute to
//     minute. The first number of pods is therefore done three times, each time by
//     all rivals in turn, and a row has the medians; more pods take minutes, and are
//     done once.
//   - The raw client has 50 workers. Each takes a pod through the writes that were
//     counted for us: the create and as many status patches of the same content;
//     then the delete, the patches of our deletes, and the final delete. It writes
//     as many events as we did in that time. The same watch runs beside it.
//   - Writes are those that the API server counted (apiserver_request_total: pods,
//     pods/status, events), less the creates and deletes of the load itself. They,
//     and CPU time, are counted until no more come, so that events which are
//     written late are counted too; pods per second end with the last pod.
//   - The library is virtual-kubelet's PodController with a provider that keeps
//     pods in memory and reports them Running at once. "Stock" has its default
//     rate limiter, client-go's default rates and 10 workers; "best" has no rate
//     limiter but for retries, 1,000 requests a second, 50 workers and informers
//     without managedFields. Stock takes minutes for what the others do in
//     seconds, so that it gets fewer pods, which is to its advantage: a burst is free.
//   - CPU time is user and system time of the process from /proc/PID/stat, over
//     creating and deleting. Memory is its resident set, above what it was before
//     the first pod.
//   - Nodes of each size rest at the same time, each with a cloud of its own, for
//     two minutes: the time between two complete listings of the repair.
//   - Calls of the cloud are counted by the emulator, refused ones included.
//   - The time from a change in the cloud to the status: the containers of pods
//     end one after the other; what counts is the time from the call that ends a
//     container to the event of the watch that shows the pod Succeeded.
//   - Bytes and lines go to and from pods of the sandbox's own node, whose
//     containers are processes: the one part that needs root and Linux. kubectl
//     exec and port-forward carry the same bytes; the followers of logs must get
//     every line once, and the time is from the first line until the last.
//   - A restart is a kill -9 and a start; it ends when /readyz answers 200, and its
//     calls are counted for ten seconds more, so that the first complete listing
//     is among them.
//
// The scheduler, the controllers and the garbage collector of the cluster run all
// the time, as they do in every cluster.
package main
