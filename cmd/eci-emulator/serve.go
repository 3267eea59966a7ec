package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// drainTime is how long open calls may take after the signal to stop.
const drainTime = 5 * time.Second

// serve listens until the context ends.
func serve(ctx context.Context, o *options, cfg emulator.Config, log *logrus.Logger) error {
	runtime, what, err := o.runtimeOf(cfg, log)
	if err != nil {
		return err
	}
	em, err := emulator.New(cfg, emulator.WithAccessLog(accessLog(log)), emulator.WithRuntime(runtime))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s: %w", o.listen, err), em.Close())
	}
	server := em.Server()
	server.Handler = withHealth(em, what)
	log.Info(what)
	introduce(log, o, cfg, listener.Addr())
	done := make(chan error, 1)
	go func() {
		if o.tlsCert != "" {
			done <- server.ServeTLS(listener, o.tlsCert, o.tlsKey)
			return
		}
		done <- server.Serve(listener)
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		log.Info("stopping")
		err = shutdown(server)
		<-done
	}
	return errors.Join(err, em.Close())
}

func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// withHealth adds GET /healthz, which needs no signature and says what runs the
// containers.
func withHealth(em http.Handler, what string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok: "+what) })
	mux.Handle("/", em)
	return mux
}

// introduce says all that a client needs to know but the secret.
func introduce(log *logrus.Logger, o *options, cfg emulator.Config, addr net.Addr) {
	scheme := "http"
	if o.tlsCert != "" {
		scheme = "https"
	}
	if host, _, err := net.SplitHostPort(addr.String()); err == nil && !net.ParseIP(host).IsLoopback() {
		log.Warnf("listening on %s: everyone who reaches it and knows the key can use it", addr)
	}
	log.Infof("listening on %s://%s for region %s, access key id %s", scheme, addr, cfg.Region, cfg.Credentials[0].AccessKeyID)
	for _, v := range cfg.VSwitches {
		log.Infof("vSwitch %s in zone %s has %s", v.ID, v.ZoneID, v.CIDR)
	}
	for _, g := range cfg.SecurityGroups {
		log.Infof("security group %s in %s", g.ID, g.VPCID)
	}
}

// accessLog shows calls: never their parameters.
func accessLog(log *logrus.Logger) func(emulator.Access) {
	return func(a emulator.Access) {
		entry := log.WithFields(logrus.Fields{
			"action": a.Action, "requestID": a.RequestID, "status": a.Status, "duration": a.Duration.Round(time.Microsecond),
		})
		if a.Code != "" {
			entry = entry.WithField("code", a.Code)
		}
		entry.Debug("call")
	}
}
