package emulator

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dateMark stands in a text for the time at which it is printed.
const dateMark = "\x00date\x00"

// program is a command line that the simulated runtime understands.
type program struct {
	steps []step
	// code is the exit code when the steps are done.
	code int32
	// opaque: the line, or a part of it, is not understood and runs on.
	opaque bool
	// deaf ignores TERM; handled ends with termCode on it.
	deaf, handled bool
	termCode      int32
}

type stepKind int

const (
	stepPrint stepKind = iota
	stepSleep
	stepJump
	stepForever
)

type step struct {
	kind   stepKind
	text   string
	file   string
	pause  time.Duration
	target int
}

// duration is the sum of the sleeps; one that loops has none.
func (p program) duration() time.Duration {
	var sum time.Duration
	for _, s := range p.steps {
		sum += s.pause
	}
	return sum
}

// compile reads argv; $NAME in a script is taken from env, files from read, which
// may be nil.
func compile(argv []string, env map[string]string, read reader) program {
	c := &compiler{read: read}
	script, isShell := shellScript(argv)
	switch {
	case len(argv) == 0:
		c.forever()
	case isShell:
		if words, ok := lex(script, env); ok {
			c.words = words
			c.list("")
		} else {
			c.forever()
		}
	default:
		c.simple(argv, "")
	}
	c.program.code = c.status
	return c.program
}

// shellScript finds the script of sh -c and its relatives.
func shellScript(argv []string) (string, bool) {
	if len(argv) < 3 || !slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(argv[0])) {
		return "", false
	}
	for i, arg := range argv[1 : len(argv)-1] {
		if !strings.HasPrefix(arg, "-") {
			return "", false
		}
		if !strings.HasPrefix(arg, "--") && strings.Contains(arg, "c") {
			return argv[i+2], true
		}
	}
	return "", false
}

// compiler turns words into steps. All exit codes are known beforehand, so that
// && and || are decided here.
type compiler struct {
	program
	read   reader
	words  []word
	at     int
	status int32
	done   bool
}

func (c *compiler) add(s step) { c.steps = append(c.steps, s) }

// forever ends the program with what is not understood.
func (c *compiler) forever() {
	c.add(step{kind: stepForever})
	c.opaque, c.done = true, true
}

// list reads commands up to the word end, or to the end of the script.
func (c *compiler) list(end string) {
	skip := false
	for c.at < len(c.words) && !c.done {
		if w := c.words[c.at]; end != "" && !w.operator && w.text == end {
			c.at++
			return
		}
		c.command(skip)
		skip = false
		if c.at < len(c.words) && c.words[c.at].operator {
			operator := c.words[c.at].text
			c.at++
			skip = operator == "&&" && c.status != 0 || operator == "||" && c.status == 0
		}
	}
	if end != "" && !c.done {
		c.forever()
	}
}

// command reads one command up to an operator, and leaves it out if told so.
func (c *compiler) command(skip bool) {
	var argv []string
	file := ""
	for ; c.at < len(c.words) && !c.words[c.at].operator; c.at++ {
		w := c.words[c.at]
		if w.redirect {
			file = w.text
			continue
		}
		argv = append(argv, w.text)
	}
	switch {
	case len(argv) == 2 && argv[0] == "while" && (argv[1] == "true" || argv[1] == ":"):
		c.loop(skip)
	case len(argv) > 1 && argv[0] == "until":
		c.until(argv[1:], skip)
	case len(argv) > 0 && !skip:
		c.simple(argv, file)
	}
}

// loop reads while true; do ...; done. One without a pause is not understood, as
// it would never give the clock back.
func (c *compiler) loop(skip bool) {
	c.at++
	if skip || c.at >= len(c.words) || c.words[c.at].text != "do" {
		c.forever()
		return
	}
	c.at++
	start := len(c.steps)
	c.list("done")
	if c.done {
		return
	}
	paused := slices.ContainsFunc(c.steps[start:], func(s step) bool { return s.pause > 0 })
	if !paused {
		c.forever()
		return
	}
	c.add(step{kind: stepJump, target: start})
	c.done = true
}

// simple compiles one command whose output goes to file, or to the log.
func (c *compiler) simple(argv []string, file string) {
	c.status = 0
	switch path.Base(argv[0]) {
	case "true", ":", "set":
	case "false":
		c.status = 1
	case "exit":
		c.exit(argv[1:])
	case "sleep":
		c.sleep(argv[1:])
	case "echo":
		c.echo(argv[1:], file)
	case "printf":
		c.add(step{kind: stepPrint, text: strings.ReplaceAll(strings.Join(argv[1:], " "), `\n`, "\n"), file: file})
	case "date":
		c.add(step{kind: stepPrint, text: dateMark + "\n", file: file})
	case "trap":
		c.trap(argv[1:])
	case "exec":
		if len(argv) > 1 {
			c.simple(argv[1:], file)
			c.done = true
		}
	default:
		c.forever()
	}
}

func (c *compiler) exit(args []string) {
	c.done = true
	if len(args) > 0 {
		n, _ := strconv.Atoi(args[0])
		c.status = int32(n & 0xff)
	}
}

func (c *compiler) echo(args []string, file string) {
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	c.add(step{kind: stepPrint, text: strings.Join(args, " ") + end, file: file})
}

func (c *compiler) sleep(args []string) {
	if len(args) != 1 {
		c.forever()
		return
	}
	unit, number := time.Second, args[0]
	for suffix, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour} {
		if text, ok := strings.CutSuffix(number, suffix); ok {
			unit, number = u, text
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	pause := n * float64(unit)
	switch {
	case err != nil || !(n >= 0):
		c.forever()
		return
	case pause > float64(1<<62):
		c.add(step{kind: stepForever})
		c.done = true
		return
	}
	c.add(step{kind: stepSleep, pause: time.Duration(pause)})
}

// trap takes a handler for TERM: empty, or one that exits.
func (c *compiler) trap(args []string) {
	if len(args) < 2 || !slices.ContainsFunc(args[1:], func(s string) bool { return strings.TrimPrefix(s, "SIG") == "TERM" || s == "15" }) {
		return
	}
	if args[0] == "" {
		c.deaf = true
		return
	}
	handler := compile([]string{"sh", "-c", args[0]}, nil, nil)
	c.handled, c.termCode = !handler.opaque, handler.code
}
