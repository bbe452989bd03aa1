package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
)

const (
	headerTime  = 10 * time.Second // for the headers of a request
	partingTime = 20 * time.Second // for requests under way when the server stops
)

// Server is an app that answers.
type Server struct {
	URL         string // where people go
	Fingerprint string // SHA-256 of a self-signed certificate, else ""

	app      *App
	listener net.Listener
	http     *http.Server
	admin    *admin
	metrics  *http.Server
	failed   chan error
	end      context.CancelFunc // of what goes on in the background
	ended    chan struct{}
}

// Serve begins to answer. Stop ends it.
func (a *App) Serve(ctx context.Context) (*Server, error) {
	handler, err := a.Handler()
	if err != nil {
		return nil, err
	}
	s := &Server{app: a, failed: make(chan error, 3)}
	if s.listener, err = net.Listen("tcp", a.Config.Listen); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The address %s cannot be listened on.", a.Config.Listen).
			WithHint("Another program may have it; choose another with -listen ADDR.")
	}
	certs, err := a.certificates(s.listener.Addr())
	if err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	s.http = web.NewServer(handler)
	s.http.RegisterOnShutdown(a.Live.Close)
	scheme := "http"
	if certs != nil {
		scheme, s.Fingerprint = "https", certs.fingerprint
		s.http.TLSConfig = certs.config
	}
	s.URL = scheme + "://" + shown(s.listener.Addr())
	if s.admin, err = a.openAdmin(ctx); err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	if err := s.openMetrics(); err != nil {
		return nil, errors.Join(err, s.listener.Close(), s.admin.Close())
	}
	s.background(ctx)
	go func() {
		if certs != nil {
			s.failed <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		s.failed <- s.http.Serve(s.listener)
	}()
	return s, nil
}

// background starts the jobs and what comes round. It ends with Stop, not with
// ctx: requests under way may still need it.
func (s *Server) background(ctx context.Context) {
	ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.ended = make(chan struct{})
	s.app.working = true
	go func() {
		defer close(s.ended)
		if err := s.app.Jobs.Run(ctx); err != nil && ctx.Err() == nil {
			s.failed <- err
		}
	}()
	go s.app.tick(ctx)
}

// shown is the address as a person types it.
func shown(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return net.JoinHostPort(host, port)
}

// Wait waits until ctx ends or serving fails.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Stop lets requests under way end, for a while, and closes the sockets.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
	defer cancel()
	errs := []error{s.http.Shutdown(ctx)}
	s.end()
	<-s.ended
	s.app.checkpointAll(ctx)
	errs = append(errs, s.admin.Close(), os.Remove(filepath.Join(s.app.Config.Data, adminAddress)))
	if s.metrics != nil {
		errs = append(errs, s.metrics.Close())
	}
	return errors.Join(errs...)
}

// isLoopback tells whether only this machine can reach the address.
func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

func (s *Server) openMetrics() error {
	if s.app.Config.Admin == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.app.Config.Admin)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The address %s for metrics cannot be listened on.", s.app.Config.Admin)
	}
	if !isLoopback(l.Addr()) {
		return errors.Join(fault.New(fault.Invalid, "Metrics are served on a loopback address only.").WithHint("Use -admin-listen 127.0.0.1:9200."), l.Close())
	}
	s.metrics = &http.Server{Handler: http.HandlerFunc(s.app.answerMetrics), ReadHeaderTimeout: headerTime}
	go func() { s.failed <- s.metrics.Serve(l) }()
	return nil
}

func (a *App) answerMetrics(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	tenants, err := a.House.Count(r.Context())
	if err != nil {
		http.Error(w, "the control database does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	metric := func(name, help string, v any) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n%s %v\n", name, help, name, name, v)
	}
	metric("strongroom_tenants", "Tenants that are not erased.", tenants)
	metric("strongroom_tenants_open", "Tenants whose database is open.", a.House.OpenCount())
	metric("strongroom_key_service_ready", "Whether the key service answers and is unsealed.", ready(a.keysReady(r.Context())))
	metric("strongroom_live_pages", "Open pages that are kept up to date.", a.Live.Listeners())
	for _, m := range runtimeMetrics() {
		metric(m.name, m.help, m.value)
	}
}

func ready(err error) int {
	if err != nil {
		return 0
	}
	return 1
}

func (a *App) keysReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	st, err := a.Keys.Status(ctx)
	if err == nil && st.Sealed {
		err = fault.New(fault.Unavailable, "The key service is sealed.")
	}
	return err
}

// certs is how TLS is spoken.
type certs struct {
	config      *tls.Config
	fingerprint string
}
