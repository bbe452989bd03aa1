package web_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"strongroom/internal/base/web"
)

func pages(t *testing.T, more map[string]string) *web.Pages {
	t.Helper()
	static, err := web.OpenStatic(tree("a{}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	base := fstest.MapFS{"layout.html": {Data: []byte(`{{define "layout"}}<html><nav>menu</nav>{{template "content" .}}</html>{{end}}{{define "page"}}{{template "layout" .}}{{end}}`)}, "parts.html": {Data: []byte(`{{define "part"}}<i>{{.}}</i>{{end}}{{define "plain"}}<plain>{{template "content" .}}</plain>{{end}}`)}}
	p, err := web.ParsePages(base, static, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Now = func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }
	own := fstest.MapFS{}
	for name, text := range more {
		own[name+".html"] = &fstest.MapFile{Data: []byte(text)}
	}
	if err := p.Add(own, "*.html"); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSwapRendersOneBlock(t *testing.T) {
	p := pages(t, map[string]string{
		"list":   `{{define "content"}}<h1>People</h1>{{template "people" .}}{{end}}{{define "people"}}<ul id="people">{{template "part" .}}</ul>{{end}}`,
		"signin": `{{define "page"}}{{template "plain" .}}{{end}}{{define "content"}}in{{end}}`,
	})
	m, _ := house()
	m.Handle("GET /{page}", func(w http.ResponseWriter, r *http.Request) error {
		return p.Render(w, r, r.PathValue("page"), "Ines & Tom")
	})
	whole := `<html><nav>menu</nav><h1>People</h1><ul id="people"><i>Ines &amp; Tom</i></ul></html>`
	for _, c := range []struct{ path, swap, want string }{
		{"/list", "", whole},
		{"/list", "people", `<ul id="people"><i>Ines &amp; Tom</i></ul>`},
		{"/list", "part", whole}, // a part of the base is nobody's to ask for
		{"/list", "layout", whole},
		{"/list", "page", whole},
		{"/list", "none", whole},
		{"/signin", "", `<plain>in</plain>`},
	} {
		var header []string
		if c.swap != "" {
			header = []string{"X-Swap", c.swap}
		}
		w := do(m, "GET", c.path, nil, header...)
		if w.Body.String() != c.want {
			t.Errorf("%s with %q: %s", c.path, c.swap, w.Body)
		}
		if v := strings.Join(w.Header().Values("Vary"), ", "); !strings.Contains(v, "X-Swap") || !strings.Contains(v, "Cookie") {
			t.Errorf("Vary is %q", v)
		}
		if w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("Cache-Control is %q", w.Header().Get("Cache-Control"))
		}
	}
}

func TestBrokenPagesSayNothing(t *testing.T) {
	p := pages(t, map[string]string{"broken": `{{define "content"}}half {{.Missing}}{{end}}`})
	m, _ := house()
	m.Handle("GET /{page}", func(w http.ResponseWriter, r *http.Request) error {
		return p.Render(w, r, r.PathValue("page"), map[string]any{})
	})
	for _, path := range []string{"/broken", "/unknown"} {
		if w := do(m, "GET", path, nil); w.Code != 500 || strings.Contains(w.Body.String(), "half") || strings.Contains(w.Body.String(), "Missing") {
			t.Errorf("%s answers %d %q", path, w.Code, w.Body)
		}
	}
}

func TestPagesRefuse(t *testing.T) {
	p := pages(t, map[string]string{"a": `{{define "content"}}a{{end}}`})
	for name, text := range map[string]string{"a": `{{define "content"}}again{{end}}`, "b": `no content`, "c": `{{define "content"}}{{nofunc}}{{end}}`, "d": `{{define "content"}}{{`} {
		if err := p.Add(fstest.MapFS{name + ".html": {Data: []byte(text)}}, "*.html"); err == nil {
			t.Errorf("the page %s is taken", name)
		}
	}
	if err := p.Add(fstest.MapFS{}, "*.html"); err == nil {
		t.Error("a pattern without a page is taken")
	}
}

func TestFuncs(t *testing.T) {
	at := `(index . 0)`
	for text, want := range map[string]string{
		`{{icon "key"}}`:      `#key"/></svg>`,
		`{{ago ` + at + `}}`:  `<time datetime="2026-11-20T09:00:00Z" data-time="ago" title="Fri 20 Nov 2026, 09:00:00 UTC">3 h ago</time>`,
		`{{date ` + at + `}}`: `>20 Nov 2026</time>`, `{{clock ` + at + `}}`: `>09:00</time>`, `{{datetime ` + at + `}}`: `>20 Nov 2026, 09:00</time>`,
		`{{ago (index . 1)}}`: `—`, `{{(dict "A" 1).A}}`: `1`, `{{slug "In progress / now"}}`: `in-progress-now`, `{{initials "Marit de Vries"}}`: `MV`, `{{monogram "Alder & Vine Solicitors"}}`: `AV`,
		`{{bytes 214000}}`: `214 KB`, `{{number 1234567}}`: `1,234,567`, `{{plural 1 "row" "rows"}} {{plural 2000 "row" "rows"}}`: `1 row 2,000 rows`, `{{percent 1 3}}{{percent 1 0}}`: `330`, `{{add 1 2}}`: `3`,
		`{{asset "css/app.css"}}`: `/css/app.css`,
	} {
		p := pages(t, map[string]string{"x": `{{define "content"}}` + text + `{{end}}`})
		m, _ := house()
		m.Handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
			return p.Render(w, r, "x", []time.Time{time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), {}})
		})
		if w := do(m, "GET", "/", nil); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s gives %s", text, w.Body)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "just now", 44 * time.Second: "just now", 50 * time.Second: "1 min ago", 5 * time.Minute: "5 min ago", 26 * time.Hour: "1 d ago", 59 * 24 * time.Hour: "59 d ago",
		100 * 24 * time.Hour: "3 mo ago", 800 * 24 * time.Hour: "2 y ago", -90 * time.Second: "in 1 min", -3 * time.Hour: "in 3 h",
	} {
		if got := web.Ago(now.Add(-d), now); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 KB", 999499: "999 KB", 999500: "1.0 MB", 25 << 20: "26 MB", 3_200_000_000: "3.2 GB", 1 << 62: "5 EB"} {
		if got := web.Bytes(n); got != want {
			t.Errorf("%d is %q, not %q", n, got, want)
		}
	}
}
