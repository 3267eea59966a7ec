package toolbox

import (
	"bufio"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLine bounds one line of text, in bytes.
const maxLine = 16 << 20

func linesOf(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	return lines
}

// grep exits with 0 when a line matches, 1 when none does, 2 on errors.
func grep(c call) int {
	opts, operands, err := parse("iEFvqcnohslrwe:", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	pattern, given := opts['e']
	if !given {
		if len(operands) == 0 {
			return c.misused("no pattern")
		}
		pattern, operands = operands[0], operands[1:]
	}
	expression, err := compile(pattern, opts)
	if err != nil {
		return c.misused("%v", err)
	}
	g := &grepping{call: c, opts: opts, expression: expression, named: len(operands) > 1 && !opts.has('h')}
	if code := c.eachInput(operands, g.read); code != exitOK && !opts.has('s') {
		return exitMisused
	}
	if g.found {
		return exitOK
	}
	return exitFailed
}

func compile(pattern string, opts options) (*regexp.Regexp, error) {
	if opts.has('F') {
		pattern = regexp.QuoteMeta(pattern)
	}
	if opts.has('w') {
		pattern = `\b(?:` + pattern + `)\b`
	}
	if opts.has('i') {
		pattern = "(?i)" + pattern
	}
	return regexp.Compile(pattern)
}

type grepping struct {
	call
	opts       options
	expression *regexp.Regexp
	named      bool
	found      bool
}

func (g *grepping) read(name string, r io.Reader) error {
	count, number := 0, 0
	for lines := linesOf(r); lines.Scan(); {
		number++
		if g.expression.Match(lines.Bytes()) == g.opts.has('v') {
			continue
		}
		count++
		g.found = true
		if g.opts.has('q') || g.opts.has('l') {
			break
		}
		if !g.opts.has('c') {
			g.print(name, number, lines.Text())
		}
	}
	switch {
	case g.opts.has('q'):
	case g.opts.has('l') && count > 0:
		fmt.Fprintln(g.out, name)
	case g.opts.has('c'):
		g.prefix(name)
		fmt.Fprintln(g.out, count)
	}
	return nil
}

func (g *grepping) prefix(name string) {
	if g.named {
		fmt.Fprint(g.out, name, ":")
	}
}

func (g *grepping) print(name string, number int, line string) {
	texts := []string{line}
	if g.opts.has('o') {
		texts = g.expression.FindAllString(line, -1)
	}
	for _, text := range texts {
		g.prefix(name)
		if g.opts.has('n') {
			fmt.Fprint(g.out, number, ":")
		}
		fmt.Fprintln(g.out, text)
	}
}

// wc counts lines, words, bytes and, with -m, characters.
func wc(c call) int {
	opts, operands, err := parse("lwcm", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	if len(opts) == 0 {
		opts = options{'l': "", 'w': "", 'c': ""}
	}
	return c.eachInput(operands, func(name string, r io.Reader) error {
		counts := map[byte]int{}
		buffered := bufio.NewReaderSize(r, 64<<10)
		inWord := false
		for {
			char, size, err := buffered.ReadRune()
			if err != nil {
				break
			}
			counts['c'] += size
			if char != utf8.RuneError || size > 1 {
				counts['m']++
			}
			if char == '\n' {
				counts['l']++
			}
			isSpace := strings.ContainsRune(" \t\n\r\v\f", char)
			if !isSpace && !inWord {
				counts['w']++
			}
			inWord = !isSpace
		}
		var columns []string
		for _, letter := range []byte("lwmc") {
			if opts.has(letter) {
				columns = append(columns, strconv.Itoa(counts[letter]))
			}
		}
		if name != "-" {
			columns = append(columns, name)
		}
		fmt.Fprintln(c.out, strings.Join(columns, " "))
		return nil
	})
}

func hashSum(c call) int {
	return c.eachInput(c.args, func(name string, r io.Reader) error {
		var sum hash.Hash = sha256.New()
		if c.name == "md5sum" {
			sum = md5.New()
		}
		if _, err := io.Copy(sum, r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.out, "%x  %s\n", sum.Sum(nil), name)
		return err
	})
}

func sortLines(c call) int {
	opts, operands, err := parse("rnu", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	var all []string
	code := c.eachInput(operands, func(_ string, r io.Reader) error {
		lines := linesOf(r)
		for lines.Scan() {
			all = append(all, lines.Text())
		}
		return lines.Err()
	})
	slices.SortStableFunc(all, func(a, b string) int {
		if opts.has('n') {
			x, _ := strconv.ParseFloat(strings.TrimSpace(a), 64)
			y, _ := strconv.ParseFloat(strings.TrimSpace(b), 64)
			if x != y {
				return int(max(-1, min(1, (x-y)*1e9)))
			}
		}
		return strings.Compare(a, b)
	})
	if opts.has('r') {
		slices.Reverse(all)
	}
	if opts.has('u') {
		all = slices.Compact(all)
	}
	for _, line := range all {
		fmt.Fprintln(c.out, line)
	}
	return code
}

func uniq(c call) int {
	opts, operands, err := parse("c", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	return c.eachInput(operands, func(_ string, r io.Reader) error {
		count, last := 0, ""
		flush := func() {
			if count > 0 && opts.has('c') {
				fmt.Fprintf(c.out, "%7d %s\n", count, last)
			} else if count > 0 {
				fmt.Fprintln(c.out, last)
			}
		}
		lines := linesOf(r)
		for lines.Scan() {
			if lines.Text() != last {
				flush()
				count = 0
			}
			last = lines.Text()
			count++
		}
		flush()
		return lines.Err()
	})
}

// cut takes -d and -f with a list such as 1,3-5 or 2-.
func cut(c call) int {
	opts, operands, err := parse("d:f:s", c.args)
	if err != nil || opts['f'] == "" {
		return c.misused("want -f LIST, %v", err)
	}
	delimiter := opts['d']
	if delimiter == "" {
		delimiter = "\t"
	}
	return c.eachInput(operands, func(_ string, r io.Reader) error {
		lines := linesOf(r)
		for lines.Scan() {
			fields := strings.Split(lines.Text(), delimiter)
			var kept []string
			for i, field := range fields {
				if len(fields) == 1 || inList(i+1, opts['f']) {
					kept = append(kept, field)
				}
			}
			fmt.Fprintln(c.out, strings.Join(kept, delimiter))
		}
		return lines.Err()
	})
}

func inList(number int, list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, _ := strconv.Atoi(from)
		last, _ := strconv.Atoi(to)
		if !isRange {
			last = first
		}
		if number >= first && (number <= last || isRange && to == "") {
			return true
		}
	}
	return false
}

func tee(c call) int {
	opts, operands, err := parse("a", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if opts.has('a') {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	writers := []io.Writer{c.out}
	for _, name := range operands {
		file, err := os.OpenFile(name, flags, 0o666)
		if err != nil {
			return c.fail(err)
		}
		defer file.Close()
		writers = append(writers, file)
	}
	_, err = io.Copy(io.MultiWriter(writers...), c.in)
	return c.fail(err)
}

func yes(c call) int {
	text := strings.Join(c.args, " ")
	if text == "" {
		text = "y"
	}
	for out := bufio.NewWriter(c.out); ; {
		if _, err := out.WriteString(text + "\n"); err != nil {
			return exitFailed
		}
	}
}

func seq(c call) int {
	numbers := []int{1, 1, 1}
	for i, arg := range c.args {
		n, err := strconv.Atoi(arg)
		if err != nil || i > 2 {
			return c.misused("want [FIRST [STEP]] LAST")
		}
		numbers[i] = n
	}
	first, step, last := 1, 1, numbers[0]
	switch len(c.args) {
	case 2:
		first, last = numbers[0], numbers[1]
	case 3:
		first, step, last = numbers[0], numbers[1], numbers[2]
	}
	if len(c.args) == 0 || step == 0 {
		return c.misused("want [FIRST [STEP]] LAST")
	}
	out := bufio.NewWriter(c.out)
	for n := first; step > 0 && n <= last || step < 0 && n >= last; n += step {
		fmt.Fprintln(out, n)
	}
	return c.fail(out.Flush())
}
