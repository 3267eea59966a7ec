package toolbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// defaultDocuments is where nginx has its pages.
const defaultDocuments = "/usr/share/nginx/html"

// shutdownTime is what open requests have after TERM.
const shutdownTime = 5 * time.Second

// httpd serves files: -p [ADDRESS:]PORT, -h DIRECTORY, -t the title of the page
// that is shown where there is no index. It logs requests to stdout.
func httpd(c call) int {
	opts, _, err := parse("fvp:h:t:", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	address := cmp.Or(opts['p'], "80")
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	defer stop()
	site := &site{call: c, dir: cmp.Or(opts['h'], defaultDocuments), title: cmp.Or(opts['t'], "httpd")}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.out, "%s: serving HTTP on %s\n", site.title, listener.Addr())
	server := &http.Server{Handler: site, ReadHeaderTimeout: 30 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return c.fail(err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if server.Shutdown(drain) != nil {
		return c.fail(server.Close())
	}
	return exitOK
}

type site struct {
	call
	dir, title string
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	defer func() { fmt.Fprintf(s.out, "%s %s %s %d\n", r.RemoteAddr, r.Method, r.URL.Path, status) }()
	file := filepath.Join(s.dir, path.Clean("/"+r.URL.Path))
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, "index.html")
	}
	if _, err := os.Stat(file); err == nil {
		http.ServeFile(w, r, file)
		return
	}
	if r.URL.Path != "/" {
		status = http.StatusNotFound
		http.NotFound(w, r)
		return
	}
	host, _ := os.Hostname()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!DOCTYPE html>\n<title>%[1]s</title>\n<h1>%[1]s</h1>\n<p>The sandbox's own image stands in here, in pod %[2]s.\n",
		html.EscapeString(s.title), html.EscapeString(host))
}

// wget is also curl: -O or -o FILE (- is stdout), -q and -s are silent, -T and
// -m a time in seconds; curl prints to stdout without -o and takes -f.
func wget(c call) int {
	opts, operands, err := parse("qsSfLIO:o:T:m:", c.args)
	if err != nil || len(operands) != 1 {
		return c.misused("want one URL (%v)", err)
	}
	url := operands[0]
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	client := &http.Client{}
	if seconds := cmp.Or(opts['T'], opts['m']); seconds != "" {
		if client.Timeout, err = time.ParseDuration(seconds + "s"); err != nil {
			return c.misused("%v", err)
		}
	}
	response, err := client.Get(url)
	if err != nil {
		return c.fail(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 && (c.name == "wget" || opts.has('f')) {
		return c.fail(errors.New("server returned error: " + response.Status))
	}
	target := cmp.Or(opts['O'], opts['o'])
	if target == "" && c.name == "wget" {
		target = cmp.Or(path.Base(response.Request.URL.Path), "index.html")
		if target == "/" || target == "." {
			target = "index.html"
		}
	}
	if target == "" || target == "-" {
		_, err = io.Copy(c.out, response.Body)
		return c.fail(err)
	}
	file, err := os.Create(target)
	if err != nil {
		return c.fail(err)
	}
	_, err = io.Copy(file, response.Body)
	return c.fail(errors.Join(err, file.Close()))
}

// netcat connects to HOST PORT, or with -l -p PORT takes one connection; -z only
// connects, -w is a time in seconds.
func netcat(c call) int {
	opts, operands, err := parse("lzvknp:w:q:", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	if opts.has('l') {
		port := opts['p']
		if port == "" && len(operands) > 0 {
			port = operands[len(operands)-1]
		}
		return c.fail(listenOnce(c, ":"+port, opts.has('k')))
	}
	if len(operands) != 2 {
		return c.misused("want HOST PORT")
	}
	dialer := net.Dialer{}
	if seconds := opts['w']; seconds != "" {
		if dialer.Timeout, err = time.ParseDuration(seconds + "s"); err != nil {
			return c.misused("%v", err)
		}
	}
	connection, err := dialer.Dial("tcp", net.JoinHostPort(operands[0], operands[1]))
	if err != nil {
		return c.fail(err)
	}
	if opts.has('z') {
		return c.fail(connection.Close())
	}
	return c.fail(join(c, connection))
}

func listenOnce(c call, address string, again bool) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := join(c, connection); err != nil || !again {
			return err
		}
	}
}

// join copies both ways; the end of stdin is passed on, and that of the
// connection ends it.
func join(c call, connection net.Conn) error {
	defer connection.Close()
	go func() {
		_, _ = io.Copy(connection, c.in) // an error shows on the way back
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	}()
	_, err := io.Copy(c.out, connection)
	return err
}
