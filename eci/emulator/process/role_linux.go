package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// role is a started call of this program that waits for its orders.
type role struct {
	cmd    *exec.Cmd
	orders *os.File
	answer *os.File
}

// spawner starts all children on one thread that lives as long as the runtime:
// the kernel kills a child when the thread that started it ends.
type spawner struct{ jobs chan func() }

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for job := range s.jobs {
			job()
		}
		runtime.UnlockOSThread()
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	s.jobs <- func() { done <- cmd.Start() }
	return <-done
}

func (s *spawner) close() { close(s.jobs) }

// startRole starts a call of this program, with more files from descriptor 5 on.
func (s *spawner) startRole(cmd *exec.Cmd, more ...*os.File) (*role, error) {
	return startRole(cmd, s.start, more...)
}

// startDirectly starts a call of this program on the thread of the caller.
func startDirectly(cmd *exec.Cmd, more ...*os.File) (*role, error) {
	return startRole(cmd, (*exec.Cmd).Start, more...)
}

func startRole(cmd *exec.Cmd, start func(*exec.Cmd) error, more ...*os.File) (*role, error) {
	ordersEnd, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ordersEnd.Close()
	answer, answerEnd, err := os.Pipe()
	if err != nil {
		orders.Close()
		return nil, err
	}
	defer answerEnd.Close()
	cmd.ExtraFiles = append([]*os.File{ordersEnd, answerEnd}, more...)
	if err := start(cmd); err != nil {
		orders.Close()
		answer.Close()
		return nil, fmt.Errorf("start %s: %w", cmd.Args[0], err)
	}
	return &role{cmd: cmd, orders: orders, answer: answer}, nil
}

// order tells the role what to do.
func (r *role) order(what any) error {
	err := json.NewEncoder(r.orders).Encode(what)
	return errors.Join(err, r.orders.Close())
}

// refusal reads the answer to its end: an empty one is success.
func (r *role) refusal() error {
	defer r.answer.Close()
	text, err := io.ReadAll(r.answer)
	if err == nil && len(text) > 0 {
		err = errors.New(string(text))
	}
	return err
}

// kill ends the role before it got its orders, or at any later time.
func (r *role) kill() {
	_ = r.cmd.Process.Kill() // it may have ended
	_ = r.cmd.Wait()         // as killed
	r.orders.Close()
	r.answer.Close()
}
