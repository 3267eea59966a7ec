package toolbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// countOf reads -n 5, -c 5 and -5; lines says which it is.
func countOf(args []string) (count int, lines bool, signed bool, opts options, operands []string, err error) {
	args = slices.Clone(args)
	for i, arg := range args {
		if len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' {
			args[i] = "-n" + arg[1:]
		}
	}
	opts, operands, err = parse("n:c:fF", args)
	if err != nil {
		return 0, false, false, nil, nil, err
	}
	text, lines := "10", true
	if value, given := opts['n']; given {
		text = value
	} else if value, given := opts['c']; given {
		text, lines = value, false
	}
	signed = strings.HasPrefix(text, "+")
	count, err = strconv.Atoi(text)
	return count, lines, signed, opts, operands, err
}

func head(c call) int {
	count, byLine, _, _, operands, err := countOf(c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	return c.eachInput(operands, func(_ string, r io.Reader) error {
		if !byLine {
			_, err := io.CopyN(c.out, r, int64(count))
			return ignoreEOF(err)
		}
		buffered := bufio.NewReader(r)
		for range count {
			line, err := buffered.ReadBytes('\n')
			if _, writeErr := c.out.Write(line); writeErr != nil {
				return writeErr
			}
			if err != nil {
				return ignoreEOF(err)
			}
		}
		return nil
	})
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// followPause is how often tail -f looks for more.
const followPause = 200 * time.Millisecond

func tail(c call) int {
	count, byLine, fromStart, opts, operands, err := countOf(c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	return c.eachInput(operands, func(_ string, r io.Reader) error {
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if _, err := c.out.Write(lastPart(content, count, byLine, fromStart)); err != nil {
			return err
		}
		follow := opts.has('f') || opts.has('F')
		for tick := time.NewTicker(followPause); follow; <-tick.C {
			if _, err := io.Copy(c.out, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func lastPart(content []byte, count int, byLine, fromStart bool) []byte {
	if !byLine {
		if fromStart {
			return content[min(max(count-1, 0), len(content)):]
		}
		return content[max(0, len(content)-count):]
	}
	lines := bytes.SplitAfter(content, []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	if fromStart {
		return bytes.Join(lines[min(max(count-1, 0), len(lines)):], nil)
	}
	return bytes.Join(lines[max(0, len(lines)-count):], nil)
}
