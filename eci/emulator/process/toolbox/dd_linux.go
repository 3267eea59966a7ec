package toolbox

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// copying is one call of dd.
type copying struct {
	from, to string
	size     int64
	blocks   int64
}

// dd copies blocks that are read in full, whether iflag=fullblock asks for it or
// not: if, of, bs (with k or M), count.
func dd(c call) int {
	d := copying{size: 512, blocks: math.MaxInt64}
	for _, arg := range c.args {
		if err := d.operand(arg); err != nil {
			return c.misused("%v", err)
		}
	}
	return c.fail(d.run(c))
}

func (d *copying) operand(arg string) (err error) {
	name, value, _ := strings.Cut(arg, "=")
	switch name {
	case "if":
		d.from = value
	case "of":
		d.to = value
	case "bs":
		d.size, err = blockSize(value)
	case "count":
		d.blocks, err = strconv.ParseInt(value, 10, 64)
	case "iflag", "status", "conv":
	default:
		err = fmt.Errorf("unknown operand %q", arg)
	}
	return err
}

func blockSize(text string) (int64, error) {
	unit := int64(1)
	for suffix, u := range map[string]int64{"k": 1 << 10, "K": 1 << 10, "M": 1 << 20} {
		if number, found := strings.CutSuffix(text, suffix); found {
			text, unit = number, u
		}
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err == nil && n <= 0 {
		err = fmt.Errorf("a block of %d bytes", n)
	}
	return n * unit, err
}

func (d copying) run(c call) (err error) {
	in, out := c.in, c.out
	if d.from != "" {
		file, err := os.Open(d.from)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	if d.to != "" {
		file, err := os.Create(d.to)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	most := int64(math.MaxInt64)
	if d.blocks < most/d.size {
		most = d.blocks * d.size
	}
	_, err = io.Copy(out, io.LimitReader(in, most))
	return err
}
