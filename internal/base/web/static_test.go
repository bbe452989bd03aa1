package web_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"strongroom/internal/base/web"
)

func tree(css string) fstest.MapFS {
	return fstest.MapFS{
		"css/app.css": {Data: []byte(css)}, "js/app.js": {Data: []byte(strings.Repeat("go();", 300))}, "icons.svg": {Data: []byte("<svg/>")},
		"fonts/a.woff2": {Data: []byte("font")}, "worker.js": {Data: []byte("1")},
	}
}

func TestStatic(t *testing.T) {
	s, err := web.OpenStatic(tree("a{}"), map[string]string{"worker.js": "script-src 'wasm-unsafe-eval'"})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := house()
	m.Handle("GET /static/", s.Serve)
	url, err := s.URL("js/app.js")
	if err != nil {
		t.Fatal(err)
	}
	w := do(m, "GET", url, nil, "Accept-Encoding", "gzip")
	if w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := do(m, "GET", url, nil); w.Header().Get("Content-Encoding") != "" || !strings.HasPrefix(w.Body.String(), "go();") {
		t.Errorf("without gzip: %v %.20q", w.Header(), w.Body)
	}
	if w := do(m, "HEAD", url, nil); w.Body.Len() != 0 || w.Header().Get("Content-Length") != "1500" {
		t.Errorf("HEAD: %v %d", w.Header(), w.Body.Len())
	}
	if w := do(m, "GET", "/static/older/js/app.js", nil); w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("an old hash: %d %v", w.Code, w.Header())
	}
	for _, p := range []string{"/static/", "/static/x", "/static/x/", "/static/x/js", "/static/x/../static.go", "/static/x/js/none.js"} {
		if w := do(m, "GET", p, nil); w.Code != http.StatusNotFound && w.Code != http.StatusMovedPermanently && w.Code != http.StatusTemporaryRedirect {
			t.Errorf("%s answers %d", p, w.Code)
		}
	}
	worker, err := s.URL("worker.js")
	if err != nil {
		t.Fatal(err)
	}
	if p := do(m, "GET", worker, nil).Header().Get("Content-Security-Policy"); p != "script-src 'wasm-unsafe-eval'" {
		t.Errorf("the worker's policy is %q", p)
	}
}

func TestStaticHashCoversEveryFile(t *testing.T) {
	a, err := web.OpenStatic(tree("a{}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := web.OpenStatic(tree("b{}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := a.URL("icons.svg")
	y, _ := b.URL("icons.svg")
	if x == y {
		t.Error("a changed style sheet leaves the addresses as they were")
	}
	if _, err := a.URL("none.css"); err == nil {
		t.Error("a file that is not there has an address")
	}
	if _, err := web.OpenStatic(tree(""), map[string]string{"none.js": "x"}); err == nil {
		t.Error("a policy for a file that is not there is taken")
	}
}
