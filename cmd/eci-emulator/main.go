// Command eci-emulator serves the emulated ECI OpenAPI, for any client.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

func main() {
	process.Reexec() // in a container this program is what the container runs
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand(os.Getenv).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "eci-emulator:", err)
		os.Exit(1)
	}
}
