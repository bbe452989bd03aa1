package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// failing stands for the test that a tab reports to.
type failing struct {
	testing.TB
	said    []string
	cleanup []func()
}

func (f *failing) Helper()                        {}
func (f *failing) Errorf(format string, a ...any) { f.said = append(f.said, fmt.Sprintf(format, a...)) }
func (f *failing) Cleanup(fn func())              { f.cleanup = append(f.cleanup, fn) }
func (f *failing) close() string {
	for _, fn := range f.cleanup {
		fn()
	}
	return strings.Join(f.said, "\n")
}

func site(t *testing.T, policy, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="en" data-ready="1"><head><link rel="icon" href="data:,"><title>Page</title></head><body><main>`, body, `</main></body></html>`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestFaultsAreSeen: what a page does wrong fails its test.
func TestFaultsAreSeen(t *testing.T) {
	for _, c := range []struct{ name, policy, body, want string }{
		{"exception", "", `<h1>x</h1><script>throw new Error("broken")</script>`, "broken"},
		{"console", "", `<h1>x</h1><script>console.error("said so")</script>`, "said so"},
		{"policy", "script-src 'none'", `<h1>x</h1><script>1</script>`, "Content Security Policy"},
		{"missing file", "", `<h1>x</h1><img src="/none.png" alt="">`, "404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &failing{TB: t}
			b := browser.Open(f, site(t, c.policy, c.body))
			b.Visit("/")
			if said := f.close(); !strings.Contains(said, c.want) {
				t.Errorf("the tab said %q, not %q", said, c.want)
			}
		})
	}
}

func TestAllow(t *testing.T) {
	b := browser.Open(t, site(t, "", `<h1>x</h1><script>console.error("expected this")</script>`))
	b.Allow("expected this")
	b.Visit("/")
}

func TestAxe(t *testing.T) {
	f := &failing{TB: t}
	b := browser.Open(f, site(t, "", `<h1>x</h1><img src="/" ><input>`))
	b.Allow("")
	b.Visit("/")
	b.Axe("page")
	said := f.close()
	for _, rule := range []string{"image-alt", "label"} {
		if !strings.Contains(said, rule) {
			t.Errorf("axe did not find %s; it said %q", rule, said)
		}
	}
}

func TestInput(t *testing.T) {
	b := browser.Open(t, site(t, "", `<h1>x</h1><input id="i"><button id="b">b</button><p id="o"></p><script>b.onclick = e => o.textContent = i.value + e.isTrusted</script>`))
	b.Visit("/")
	b.Type("#i", "typed ")
	b.Click("#b")
	b.Wait(`o.textContent == "typed true"`)
	if got := b.Text("#o"); got != "typed true" {
		t.Errorf("got %q", got)
	}
	b.NoSideScroll("page")
}

func TestPhoneIsNarrow(t *testing.T) {
	f := &failing{TB: t}
	b := browser.Open(f, site(t, "", `<h1>x</h1><table width="2000"><tr><td>wide</td></tr></table>`))
	b.Phone()
	b.Visit("/")
	b.NoSideScroll("page")
	if said := f.close(); !strings.Contains(said, "scrolls sideways") {
		t.Errorf("the tab said %q", said)
	}
}
