// Package process is a Runtime of the emulator that really runs containers on
// this machine: it turns the container groups of the emulator into Linux
// processes, with their images, networks, volumes, probes, hooks and logs.
//
// Of a group: one small process ("pause") holds its network, IPC and UTS
// namespaces and its memory-backed volumes; its network is a veth pair on a
// bridge that has the gateway address of the vSwitch's CIDR, so that groups
// reach each other and this machine reaches them. Of a container: a process in
// a mount and a PID namespace of its own, on an overlay of its image, with the
// capabilities that containers commonly have and limits of CPU and memory where
// the machine has cgroups. No container process is a child of anything but this
// one, the kernel kills them all when it ends, however it ends, and all mounts
// are in their own namespaces, so that they end with them. What a killed process
// does leave, a bridge and a directory, the next one with the same directory or
// CIDR removes.
//
// Images come from a directory, from registries, or, where a registry cannot be
// reached, from this program itself: the stand-in image has a shell and the
// usual small commands (package toolbox), which this program is when it is
// called by their names. A program that uses the package therefore calls Reexec
// first of all in its main function.
//
// It needs root, or a user namespace with its rights. It keeps programs from
// disturbing the machine by accident; it is no barrier against hostile ones.
// Cloud storage (NAS, OSS, disks) and host paths are empty directories, told by
// an event. Groups reach this machine and each other, not the networks behind.
package process
