// Package process runs programs as children that end with this process, starts
// them again when they die, and recognises by their pid files what an earlier
// run left behind. It never touches a process that it cannot prove to be one of
// ours: process ids are reused.
package process
