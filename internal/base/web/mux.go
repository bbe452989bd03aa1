package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/fault"
)

// Limits of a route that sets none of its own.
const (
	DefaultBody = 1 << 20          // bytes of a request's body
	DefaultTime = 60 * time.Second // from the end of the headers to the end of the answer
)

// Handler answers a request or says why it cannot. What it returns is answered
// by its Mux's Fail, unless the answer has begun: then the connection is cut,
// so that half an answer is not taken for a whole one.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Mux routes requests as http.ServeMux does ("GET /things/{id}"). Its zero value
// works. Fields must not change once it serves.
type Mux struct {
	// Fail answers a request that failed, in the words of its surface. Nil
	// means plain text.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
	// Log takes the access lines. Nil means slog.Default().
	Log *slog.Logger
	// Trusted are the proxies whose X-Forwarded-For and X-Forwarded-Proto count.
	Trusted []netip.Prefix
	// Policy is the Content-Security-Policy. Empty means Policy.
	Policy string
	// AnyOrigin turns the protection against cross-origin requests off for
	// every route: for programs that sign each request by a header of their own.
	AnyOrigin bool
	// Now and Rand are the clock and the source of request ids; nil means the real ones.
	Now  func() time.Time
	Rand io.Reader

	mux    http.ServeMux
	routes []string
	origin http.CrossOriginProtection
	zips   sync.Pool
}

// Option changes the limits of one route.
type Option func(*route)

type route struct {
	body      int64
	time      time.Duration
	anyOrigin bool
}

// MaxBody lets a route take bodies of n bytes; uploads need it.
func MaxBody(n int64) Option { return func(o *route) { o.body = n } }

// Within gives a route d instead of DefaultTime; zero means no limit, for
// downloads and uploads of any size.
func Within(d time.Duration) Option { return func(o *route) { o.time = d } }

// AnyOrigin lets other sites post to a route: the return of a sign-in at
// another server. The handler must have another proof of who asked for it.
func AnyOrigin() Option { return func(o *route) { o.anyOrigin = true } }

// Handle mounts h at a pattern of http.ServeMux, which panics on a conflict.
func (m *Mux) Handle(pattern string, h Handler, options ...Option) {
	o := route{body: DefaultBody, time: DefaultTime}
	for _, option := range options {
		option(&o)
	}
	m.routes = append(m.routes, pattern)
	m.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := m.admit(w, r, o, h); err != nil {
			m.fail(w, r, err)
		}
	})
}

// Routes gives every mounted pattern in the order of mounting.
func (m *Mux) Routes() []string { return append([]string(nil), m.routes...) }

// admit applies a route's limits and runs its handler; a panic becomes an error.
func (m *Mux) admit(w http.ResponseWriter, r *http.Request, o route, h Handler) (err error) {
	if !o.anyOrigin && !m.AnyOrigin {
		if err := m.origin.Check(r); err != nil {
			return fault.Wrap(err, fault.Denied, "This request came from another site and was stopped.").
				WithHint("Open the page here and try again.")
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, o.body)
	if o.time > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), o.time)
		defer cancel()
		end := time.Now().Add(o.time + 5*time.Second) // the context speaks first
		c := http.NewResponseController(w)
		// A recorder in a test has no deadlines to set; a connection has.
		_ = c.SetReadDeadline(end)
		_ = c.SetWriteDeadline(end)
		r = r.WithContext(ctx)
	}
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(w, r)
}

// ServeHTTP answers one request and writes its access line.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := m.now()
	n := &notes{id: m.newID(), addr: ClientAddr(r, m.Trusted), tls: IsTLS(r, m.Trusted)}
	r = r.WithContext(context.WithValue(r.Context(), notesKey{}, n))
	a := &answer{ResponseWriter: w, zips: &m.zips, accept: mayCompress(r)}
	h := w.Header()
	h.Set("X-Request-Id", n.id)
	m.headers(h, n.tls)
	// A panic that comes this far is http.ErrAbortHandler, which cuts the
	// connection; the line is written all the same.
	defer func() { m.line(r, n, a, m.now().Sub(start)) }()
	handler, pattern := m.mux.Handler(r)
	n.route = pattern
	if pattern == "" {
		m.fail(a, r, nowhere(handler, r))
	} else {
		m.mux.ServeHTTP(a, r)
	}
	a.close()
}

// nowhere tells an address that does not exist from one that takes other methods.
func nowhere(h http.Handler, r *http.Request) error {
	p := &probe{header: http.Header{}}
	h.ServeHTTP(p, r)
	if p.status == http.StatusMethodNotAllowed {
		return fault.Wrap(&methodError{p.header.Get("Allow")}, fault.Invalid, "This address does not take %s requests.", r.Method)
	}
	return fault.New(fault.NotFound, "There is nothing at this address.").WithHint("Check the address, or start from the first page.")
}

// probe learns what http.ServeMux would answer to a request it has no route for.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(code int)        { p.status = code }

func (m *Mux) fail(w http.ResponseWriter, r *http.Request, err error) {
	failure(r.Context(), err)
	if a, ok := find(w); ok && a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	if e, ok := errors.AsType[*methodError](err); ok && e.allow != "" {
		w.Header().Set("Allow", e.allow)
	}
	RetryAfter(w, err)
	if m.Fail != nil {
		m.Fail(w, r, err)
		return
	}
	say := fault.Say(err)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(Status(err))
	fmt.Fprintln(w, strings.TrimSpace(say.Text+" "+say.Hint))
}

// line writes the access line. A cause is logged only where the failure is
// ours: what a person did wrong may hold what they typed.
func (m *Mux) line(r *http.Request, n *notes, a *answer, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("id", n.id), slog.String("method", r.Method), slog.String("route", n.route),
		slog.Int("status", cmp.Or(a.status, http.StatusOK)),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", a.bytes),
	}
	if n.err != nil {
		kind := fault.Of(n.err)
		attrs = append(attrs, slog.String("fault", kind.String()))
		switch {
		case errors.Is(r.Context().Err(), context.Canceled):
			attrs = append(attrs, slog.Bool("gone", true)) // the client left; nothing is wrong here
		case kind == fault.Internal || kind == fault.Unavailable:
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", n.err.Error()))
		}
	}
	log := m.Log
	if log == nil {
		log = slog.Default()
	}
	log.LogAttrs(r.Context(), level, "request", append(attrs, n.attrs...)...)
}

func (m *Mux) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

// newID makes a request id of 96 random bits.
func (m *Mux) newID() string {
	src := m.Rand
	if src == nil {
		src = rand.Reader
	}
	var b [12]byte
	if _, err := io.ReadFull(src, b[:]); err != nil {
		return "none" // an id is for finding a log line; a request does not fail for want of it
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}
