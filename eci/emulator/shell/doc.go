// Package shell is what runs inside a simulated container when a command is
// executed in it: a shell and a few usual commands, in process. It turns an argv
// and three streams into output and an exit code, so that clients meet real
// quoting, pipes, variables, redirections and exit codes.
//
// The shell is mvdan.cc/sh, cut off from this machine: there are no files but
// /dev/null, no processes and no network. It is the one package below the
// emulator that needs a library, and knows nothing of ECI.
package shell
