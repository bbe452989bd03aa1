package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
)

// house is a mux whose access lines can be read.
func house() (*web.Mux, *bytes.Buffer) {
	var log bytes.Buffer
	return &web.Mux{Log: slog.New(slog.NewJSONHandler(&log, nil))}, &log
}

func do(m http.Handler, method, target string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

func TestAccessLine(t *testing.T) {
	m, log := house()
	m.Handle("POST /things/{id}", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := web.ParseForm(r); err != nil {
			return err
		}
		web.Note(r.Context(), slog.String("caller", "u7"), slog.String("action", "thing.change"))
		if web.RequestID(r.Context()) == "" {
			t.Error("no request id in the context")
		}
		_, err := io.WriteString(w, "done")
		return err
	})
	w := do(m, "POST", "/things/12?token=hunter2", strings.NewReader("password=hunter3"), "Content-Type", "application/x-www-form-urlencoded")
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, log)
	}
	for k, want := range map[string]any{"method": "POST", "route": "POST /things/{id}", "status": 200.0, "bytes": 4.0, "caller": "u7", "action": "thing.change", "id": w.Header().Get("X-Request-Id")} {
		if line[k] != want {
			t.Errorf("%s is %v, not %v", k, line[k], want)
		}
	}
	if strings.Contains(log.String(), "hunter") || strings.Contains(log.String(), "/things/12") {
		t.Errorf("the line holds a value: %s", log)
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("not one line: %s", log)
	}
}

func TestFailures(t *testing.T) {
	m, log := house()
	m.Handle("GET /panics", func(http.ResponseWriter, *http.Request) error { panic("secret inside") })
	m.Handle("GET /stranger", func(http.ResponseWriter, *http.Request) error { return errors.New("secret inside") })
	m.Handle("GET /denied", func(http.ResponseWriter, *http.Request) error {
		return fault.Wrap(errors.New("typed words"), fault.Denied, "You may not do this.").WithHint("Ask Ines.")
	})
	m.Handle("GET /often", func(http.ResponseWriter, *http.Request) error {
		e := fault.New(fault.Throttled, "Too many attempts.")
		e.After = 1500 * time.Millisecond
		return e
	})
	for _, c := range []struct {
		target, method string
		status         int
		says, logs     string
	}{
		{"/panics", "GET", 500, "Something went wrong", "secret inside"},
		{"/stranger", "GET", 500, "Something went wrong", "secret inside"},
		{"/denied", "GET", 403, "You may not do this. Ask Ines.", `"fault":"denied"`},
		{"/often", "GET", 429, "Too many attempts.", `"fault":"throttled"`},
		{"/nowhere", "GET", 404, "nothing at this address", `"route":""`},
		{"/denied", "POST", 405, "does not take POST", `"fault":"invalid"`},
	} {
		log.Reset()
		w := do(m, c.method, c.target, nil)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s answers %d %q", c.method, c.target, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") || strings.Contains(log.String(), "typed words") {
			t.Errorf("%s tells too much: %q, %s", c.target, w.Body, log)
		}
		if !strings.Contains(log.String(), c.logs) {
			t.Errorf("%s logs %s", c.target, log)
		}
	}
	if got := do(m, "GET", "/often", nil).Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After is %q", got)
	}
	if got := do(m, "DELETE", "/often", nil).Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow is %q", got)
	}
}

// TestHalfAnAnswer: a failure after the answer began cuts the connection.
func TestHalfAnAnswer(t *testing.T) {
	m, log := house()
	m.Handle("GET /", func(w http.ResponseWriter, _ *http.Request) error {
		if _, err := io.WriteString(w, strings.Repeat("x", 100)); err != nil {
			return err
		}
		return errors.New("the rest is gone")
	})
	s := httptest.NewServer(m)
	defer s.Close()
	res, err := http.Get(s.URL)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	s.Close() // the line is written when the handler has ended
	if err == nil {
		t.Error("the client took half an answer for a whole one")
	}
	if !strings.Contains(log.String(), "the rest is gone") {
		t.Errorf("the line does not say why: %s", log)
	}
}

func TestHeaders(t *testing.T) {
	m, _ := house()
	m.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	m.Handle("GET /", func(w http.ResponseWriter, _ *http.Request) error { return nil })
	for _, target := range []string{"/", "/nowhere/at/all"} {
		h := do(m, "GET", target, nil).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types strongroom ProseMirrorClipboard",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": "", "Server": "", "X-Powered-By": "",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", target, name, h.Get(name))
			}
		}
		if h.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS on a plain connection")
		}
	}
	// httptest's requests come from 192.0.2.1.
	if do(m, "GET", "/", nil, "X-Forwarded-Proto", "https").Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS behind a trusted proxy that speaks TLS")
	}
}

func TestCrossOrigin(t *testing.T) {
	m, _ := house()
	ok := func(http.ResponseWriter, *http.Request) error { return nil }
	m.Handle("POST /save", ok)
	m.Handle("GET /see", ok)
	m.Handle("POST /saml/acs", ok, web.AnyOrigin())
	for _, c := range []struct {
		method, target, site string
		status               int
	}{
		{"POST", "/save", "cross-site", 403}, {"POST", "/save", "same-site", 403}, {"POST", "/save", "same-origin", 200}, {"POST", "/save", "", 200},
		{"GET", "/see", "cross-site", 200}, {"POST", "/saml/acs", "cross-site", 200},
	} {
		var header []string
		if c.site != "" {
			header = []string{"Sec-Fetch-Site", c.site}
		}
		if w := do(m, c.method, c.target, nil, header...); w.Code != c.status {
			t.Errorf("%s %s from %q answers %d", c.method, c.target, c.site, w.Code)
		}
	}
}

func TestRoutes(t *testing.T) {
	var m web.Mux
	ok := func(http.ResponseWriter, *http.Request) error { return nil }
	m.Handle("GET /b", ok)
	m.Handle("POST /a", ok)
	if got := m.Routes(); !slices.Equal(got, []string{"GET /b", "POST /a"}) {
		t.Errorf("routes are %q", got)
	}
}

func TestBodyLimit(t *testing.T) {
	m, _ := house()
	read := func(w http.ResponseWriter, r *http.Request) error {
		f, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(w, len(f.Raw("v")))
		return err
	}
	m.Handle("POST /small", read)
	m.Handle("POST /large", read, web.MaxBody(4<<20))
	body := "v=" + strings.Repeat("x", 2<<20)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if w := do(m, "POST", "/small", strings.NewReader(body), form...); w.Code != 413 || !strings.Contains(w.Body.String(), "1.0 MB") {
		t.Errorf("too large answers %d %q", w.Code, w.Body)
	}
	if w := do(m, "POST", "/large", strings.NewReader(body), form...); w.Code != 200 || w.Body.String() != fmt.Sprint(2<<20) {
		t.Errorf("a route with its own limit answers %d %q", w.Code, w.Body)
	}
}

func TestTimeLimit(t *testing.T) {
	m, _ := house()
	m.Handle("GET /slow", func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}, web.Within(20*time.Millisecond))
	m.Handle("GET /free", func(_ http.ResponseWriter, r *http.Request) error {
		if _, limited := r.Context().Deadline(); limited {
			return errors.New("limited")
		}
		return nil
	}, web.Within(0))
	if w := do(m, "GET", "/slow", nil); w.Code != 503 {
		t.Errorf("a slow answer is %d", w.Code)
	}
	if w := do(m, "GET", "/free", nil); w.Code != 200 {
		t.Errorf("a route without a limit answers %d", w.Code)
	}
}

func TestClientGone(t *testing.T) {
	m, log := house()
	m.Handle("GET /", func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	if !strings.Contains(log.String(), `"gone":true`) || strings.Contains(log.String(), "ERROR") {
		t.Errorf("a client that left is logged as %s", log)
	}
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("all work and no play ", 200)
	m, _ := house()
	answer := func(kind string, prepare func(http.ResponseWriter)) web.Handler {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", kind)
			if prepare != nil {
				prepare(w)
			}
			_, err := io.WriteString(w, long)
			return err
		}
	}
	m.Handle("GET /page", answer("text/html; charset=utf-8", func(w http.ResponseWriter) { w.Header().Set("ETag", `"1"`) }))
	m.Handle("GET /api", answer("application/vnd.api+json", nil))
	m.Handle("GET /picture", answer("image/png", nil))
	m.Handle("GET /secret", answer("application/json", web.NoCompress))
	m.Handle("GET /short", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		_, err := io.WriteString(w, "short")
		return err
	})
	for _, c := range []struct {
		target string
		header []string
		zip    bool
	}{
		{"/page", []string{"Accept-Encoding", "br, gzip"}, true},
		{"/api", []string{"Accept-Encoding", "gzip;q=0.5"}, true},
		{"/page", nil, false},
		{"/page", []string{"Accept-Encoding", "gzip;q=0"}, false},
		{"/page", []string{"Accept-Encoding", "gzip", "Sec-Fetch-Site", "cross-site"}, false},
		{"/picture", []string{"Accept-Encoding", "gzip"}, false},
		{"/secret", []string{"Accept-Encoding", "gzip"}, false},
		{"/short", []string{"Accept-Encoding", "gzip"}, false},
	} {
		w := do(m, "GET", c.target, nil, c.header...)
		body := w.Body.String()
		if zipped := w.Header().Get("Content-Encoding") == "gzip"; zipped != c.zip {
			t.Errorf("%s with %q: compressed is %v", c.target, c.header, zipped)
		}
		if c.zip {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			body = string(b)
			if !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s: Vary is %q", c.target, w.Header().Values("Vary"))
			}
		}
		if body != long && c.target != "/short" {
			t.Errorf("%s: the body changed", c.target)
		}
	}
	if e := do(m, "GET", "/page", nil, "Accept-Encoding", "gzip").Header().Get("Etag"); e != `W/"1"` {
		t.Errorf("the compressed page keeps the strong tag %s", e)
	}
}

func TestStatus(t *testing.T) {
	for kind, want := range map[fault.Kind]int{fault.Invalid: 422, fault.Unauthorized: 401, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Throttled: 429, fault.Unavailable: 503, fault.Internal: 500} {
		if got := web.Status(fmt.Errorf("around: %w", fault.New(kind, "x"))); got != want {
			t.Errorf("%v is %d, not %d", kind, got, want)
		}
	}
	if web.Status(nil) != 200 || web.Status(errors.New("x")) != 500 {
		t.Error("nil is 200 and a stranger 500")
	}
}

func BenchmarkMux(b *testing.B) {
	m := &web.Mux{Log: slog.New(slog.DiscardHandler)}
	for i := range 200 {
		m.Handle(fmt.Sprintf("GET /k%d/{id}", i), func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "ok")
			return err
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		if w := do(m, "GET", "/k150/7", nil); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
