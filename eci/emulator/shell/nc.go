package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/interp"
)

// nc talks HTTP with the simulated server on a declared port of localhost.
func nc(s *session, _ context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) != 2 {
		return errors.New("a host and a port are wanted")
	}
	port, err := strconv.ParseInt(args[1], 10, 32)
	local := args[0] == "127.0.0.1" || args[0] == "localhost"
	if err != nil || !local || !slices.Contains(s.host.Ports, int32(port)) {
		return fmt.Errorf("%s:%s: Connection refused", args[0], args[1])
	}
	for in := bufio.NewReader(hc.Stdin); ; {
		req, err := http.ReadRequest(in)
		if err != nil {
			return nil
		}
		if err := s.respond(hc.Stdout, req, port); err != nil || req.Close {
			return err
		}
	}
}

// respond says what was asked, and how long the body was.
func (s *session) respond(w io.Writer, req *http.Request, port int64) error {
	n, err := io.Copy(io.Discard, req.Body)
	if err != nil {
		return err
	}
	body := fmt.Sprintf("simulated: %s on port %d took %s %s with %d bytes\n", s.host.Name, port, req.Method, req.URL.Path, n)
	answer := http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: req, Close: req.Close,
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Content-Type": {"text/plain"}},
	}
	return answer.Write(w)
}
