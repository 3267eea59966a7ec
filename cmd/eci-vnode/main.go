// Command eci-vnode runs a virtual node on Alibaba Cloud Elastic Container
// Instance.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := execute(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	if status := exitStatus(err); status != 0 {
		fmt.Fprintln(os.Stderr, "eci-vnode:", err)
		os.Exit(status)
	}
}

// lookupEnv reads an environment variable, as os.LookupEnv does.
type lookupEnv func(string) (string, bool)

// execute runs the command line in the world that it is given.
func execute(ctx context.Context, args []string, env lookupEnv, stdout, stderr io.Writer) error {
	root := newRootCommand(env)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}
