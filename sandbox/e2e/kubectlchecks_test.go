package e2e

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

const (
	allLines = `line 1\nline 2\nline 3\n`
	stamp    = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z `
	notice   = `Defaulted container "first" out of: first, second\n`
)

// inAnyOrder wants both, once: kubectl reads the containers in the order of a Go map.
func inAnyOrder(a, b string) string { return `(` + a + b + `|` + b + a + `)` }

func logChecks() []check {
	words := strings.Fields
	return []check{
		{name: "one", args: words("logs one"), out: allLines},
		{name: "container by name", args: words("logs one -c app"), out: allLines},
		{name: "tail", args: words("logs one --tail=2"), out: `line 2\nline 3\n`},
		{name: "tail none", args: words("logs one --tail=0"), out: ``},
		{name: "tail more than there is", args: words("logs one --tail=500"), out: allLines},
		{name: "limit bytes", args: words("logs one --limit-bytes=9"), out: `line 1\nli`},
		{name: "since", args: words("logs one --since=24h"), out: allLines},
		{name: "since time ahead", args: words("logs one --since-time=2100-01-01T00:00:00Z"), out: ``},
		{name: "since time past", args: words("logs one --since-time=2020-01-01T00:00:00Z"), out: allLines},
		{name: "timestamps", args: words("logs one --timestamps"), out: stamp + `line 1\n` + stamp + `line 2\n` + stamp + `line 3\n`},
		{name: "prefix", args: words("logs one --prefix --tail=1"), out: `\[pod/one/app\] line 3\n`},
		{name: "default of several", args: words("logs several"), out: `from first\n`, err: notice},
		{name: "first of several", args: words("logs several -c first"), out: `from first\n`},
		{name: "second of several", args: words("logs several -c second"), out: `from second\n`},
		{name: "all containers", args: words("logs several --all-containers"), out: inAnyOrder(`from first\n`, `from second\n`)},
		{name: "all containers with prefix", args: words("logs several --all-containers --prefix"),
			out: inAnyOrder(`\[pod/several/first\] from first\n`, `\[pod/several/second\] from second\n`)},
		{name: "init container", args: words("logs init -c prepare"), out: `preparing\n`},
		{name: "second init container", args: words("logs init -c warm"), out: `warming\n`},
		{name: "main after init", args: words("logs init -c app"), out: allLines},
		{name: "after the end", args: words("logs ended"), out: `first\nlast\n`},
		{name: "follow after the end", args: words("logs -f ended"), out: `first\nlast\n`},
		{name: "follow an init container that has ended", args: words("logs -f init -c prepare"), out: `preparing\n`},
		{name: "previous", args: words("logs restarted --previous"), out: `run\n`},
		{name: "previous of none", args: words("logs one --previous"), code: 1, err: `.*previous terminated container "app" in pod "one" not found.*`},
		{name: "no such container", args: words("logs one -c nobody"), code: 1, err: `.*container nobody is not valid for pod one\n`},
		{name: "no such pod", args: words("logs nobody"), code: 1, err: `.*pods "nobody" not found.*\n`},
	}
}

func execChecks() []check {
	words := strings.Fields
	long := strings.Repeat("0123456789", 500)
	many := strings.TrimSpace(strings.Repeat("word ", 200))
	data := strings.Repeat("\x00\xff binary\r\n", 20_000)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(data)))
	return []check{
		{name: "output", args: words("exec one -- echo hello"), out: `hello\n`},
		{name: "by name", args: words("exec several -c second -- echo hello"), out: `hello\n`},
		{name: "default of several", args: words("exec several -- echo hello"), out: `hello\n`, err: notice},
		{name: "in a pod with init containers", args: append(words("exec init -c app -- echo"), "a"), out: `a\n`},
		{name: "spaces", args: append(words("exec one -- echo"), "a  b", " c "), out: `a  b  c \n`},
		{name: "quotes", args: append(words("exec one -- echo"), `it's "so"`, "`x` $HOME"), out: "it's \"so\" `x` \\$HOME\n"},
		{name: "empty", args: append(words("exec one -- printf"), "<%s><%s>", "", "x"), out: `<><x>`},
		{name: "newlines", args: append(words("exec one -- echo"), "a\nb"), out: `a\nb\n`},
		{name: "unicode", args: append(words("exec one -- echo"), "grüße 世界"), out: `grüße 世界\n`},
		{name: "backslashes", args: append(words("exec one -- printf %s"), `\a\\b`), out: `\\a\\\\b`},
		{name: "a long argument", args: append(words("exec one -- echo"), long), out: long + `\n`},
		{name: "many arguments", args: append(words("exec one -- echo"), strings.Fields(many)...), out: many + `\n`},
		{name: "exit 0", args: words("exec one -- true")},
		{name: "exit 1", args: words("exec one -- false"), code: 1, err: `command terminated with exit code 1\n`},
		{name: "exit 42", args: append(words("exec one -- sh -c"), "exit 42"), code: 42, err: `command terminated with exit code 42\n`},
		{name: "exit 255 after output", args: append(words("exec one -- sh -c"), "echo out; exit 255"), code: 255, out: `out\n`, err: `command terminated with exit code 255\n`},
		{name: "no such command", args: words("exec one -- nosuchcommand"), code: 127, out: `.*`, err: `.*127.*`},
		{name: "environment", args: append(words("exec one -- sh -c"), `echo "$GREETING"`), out: `hello  world\n`},
		{name: "host name", args: words("exec one -- hostname"), out: `one\n`},
		{name: "pipe", args: append(words("exec one -- sh -c"), "seq 5 | wc -l"), out: `\s*5\n`},
		{name: "stdin", args: words("exec -i one -- cat"), in: "some text", out: `some text`},
		{name: "empty stdin", args: words("exec -i one -- cat")},
		// kubectl may log that it could not send all of it.
		{name: "stdin that nobody reads", args: words("exec -i one -- true"), in: strings.Repeat("x", 100_000), err: `(E\d{4} [^\n]*\n)?`},
		{name: "binary stdin", args: words("exec -i one -- sha256sum"), in: data, out: sum + `  -\n`},
		{name: "binary both ways", args: words("exec -i one -- cat"), in: data, same: true},
		{name: "stdin to the second", args: words("exec -i several -c second -- wc -c"), in: data, out: fmt.Sprintf(`\s*%d\n`, len(data))},
		{name: "exit code after stdin", args: append(words("exec -i one -- sh -c"), "cat >/dev/null; exit 9"), in: data, code: 9, err: `command terminated with exit code 9\n`},
		{name: "much output", args: words("exec one -- seq 200000"), out: `1\n2\n.*199999\n200000\n`},
		{name: "no such container", args: words("exec one -c nobody -- true"), code: 1, err: `.*container not found.*|.*nobody is not.*`},
		{name: "init container that has ended", args: words("exec init -c prepare -- true"), code: 1, err: `.*`},
		{name: "no such pod", args: words("exec nobody -- true"), code: 1, err: `.*pods "nobody" not found\n`},
		{name: "ended pod", args: words("exec ended -- true"), code: 1, err: `.*cannot exec into a container in a completed pod; current phase is Failed\n`},
	}
}

func attachChecks() []check {
	words := strings.Fields
	return []check{
		{name: "ended pod", args: words("attach ended"), code: 1, err: `.*completed pod.*`},
		{name: "with a stdin", args: words("attach -i one"), in: "x", code: 1, err: `.*ECI cannot attach to the stdin.*`},
		{name: "run until the end", args: append(words("run quick --image=busybox --restart=Never --attach --rm --pod-running-timeout=2m --quiet --overrides"), runOverrides, "--", "sh", "-c", "echo shown; sleep 4; exit 0"), out: `(shown\n)?`, err: `.*`},
	}
}

// runOverrides brings a pod of kubectl run to the node.
const runOverrides = `{"spec":{"nodeSelector":{"type":"virtual-kubelet"},"tolerations":[{"key":"` + taintKey + `","operator":"Exists"}],"terminationGracePeriodSeconds":0}}`

func debugChecks() []check {
	words := strings.Fields
	return []check{
		{name: "with an ephemeral container", args: words("debug debugged --image=busybox -c tools --attach=true -- true"), out: `.*`, err: `.*ECI cannot add a container to a running group.*`, code: 1,
			// It is in the pod from then on and has no log, which kubectl can be told to go past.
			after: words("logs debugged --all-containers --ignore-errors"), afterOut: inAnyOrder(allLines, `error: [^\n]*ECI cannot add[^\n]*\n`)},
	}
}

func withoutTarChecks() []check {
	words := strings.Fields
	return []check{
		{name: "cp to", args: words("cp /etc/hostname one:/tmp/x"), code: 127, out: `.*`, err: `.*127.*`},
		{name: "cp from", args: words("cp one:/tmp/x /dev/null"), code: 127, err: `.*127.*`},
	}
}
