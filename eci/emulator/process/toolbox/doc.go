// Package toolbox is a small Unix userland in one program: a shell and the
// commands that examples, kubectl cp and tests need. The stand-in image of the
// process runtime is made of it.
//
// It turns an argument list into the work of the command that its first word
// names. It is not a busybox: options that are rarely used are refused, never
// ignored. The shell is mvdan.cc/sh, most commands on files are u-root's.
//
// The shell passes TERM on to the commands that it runs before its own trap
// runs, so that no trap waits for a long sleep. As first process of a container
// every command ends on TERM, which the kernel would not do to it.
package toolbox
