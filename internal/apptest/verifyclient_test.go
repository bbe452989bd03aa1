package apptest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/app/clientcheck"
	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
)

// altering changes answers on the way, as a hostile server would.
type altering struct {
	atHost

	path string
	do   func(h http.Header, body []byte) []byte
}

func (a *altering) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.atHost.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, a.path) {
		return resp, err
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close() // it was read whole
	resp.Body = io.NopCloser(bytes.NewReader(a.do(resp.Header, b)))
	return resp, nil
}

// TestVerifyClient: a server of this version is told from one that alters a file, a
// script of its page, or the policy.
func TestVerifyClient(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	host := atHost{h.Tenants[0].Name + ".localhost"}
	signed := clientcheck.Session{Cookie: sessionOf(t, h), Pages: []string{"/vault", "/"}}
	for name, c := range map[string]struct {
		path string
		do   func(h http.Header, body []byte) []byte
		want string
	}{
		"as it is":          {"/nothing", nil, ""},
		"an altered module": {"js/vault/keys.js", func(_ http.Header, b []byte) []byte { return append(b, ' ') }, "js/vault/keys.js is another one"},
		"a script more": {"/sign-in", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte("</body>"), []byte("<script>steal()</script></body>"), 1)
		}, "not of this version"},
		"a script from elsewhere": {"/sign-in", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte(`/js/app.js" integrity`), []byte(`/x/../../evil.js" integrity`), 1)
		}, "not of this version"},
		"an altered digest": {"/sign-in", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte(`js/app.js" integrity="sha256-`), []byte(`js/app.js" integrity="sha256-A`), 1)
		}, "names another digest for js/app.js"},
		"no digest": {"/sign-in", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte(`css/app.css" integrity=`), []byte(`css/app.css" data-x=`), 1)
		}, "names no digest for css/app.css"},
		"an altered worker": {"js/vault/stretcher.js", func(_ http.Header, b []byte) []byte { return append(b, ' ') }, "js/vault/stretcher.js is another one"},
		"a worker that may send": {"js/vault/stretcher.js", func(h http.Header, b []byte) []byte {
			h.Set("Content-Security-Policy", "default-src *; script-src 'self' 'wasm-unsafe-eval'")
			return b
		}, "the worker js/vault/stretcher.js"},
		"an altered import map": {"/sign-in", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte(`<script type="importmap">{`), []byte(`<script type="importmap">{"imports":{},`), 1)
		}, "The import map"},
		"script in an attribute": {"/sign-in", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte("<body"), []byte("<body onload='steal()'"), 1)
		}, "script in the attribute onload"},
		"another policy": {"/sign-in", func(h http.Header, b []byte) []byte {
			h.Set("Content-Security-Policy", "default-src *")
			return b
		}, "policy"},
		"a module as text": {"js/vault/page.js", func(h http.Header, b []byte) []byte {
			h.Set("Content-Type", "text/plain")
			return b
		}, "not sent as script"},
		"a script more in the vault": {"/vault", func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte("</body>"), []byte("<script src=/evil.js></script></body>"), 1)
		}, "The page /vault has a script or style sheet that is not of this version"},
		"another policy of the vault": {"/vault", func(h http.Header, b []byte) []byte {
			h.Add("Content-Security-Policy", "x")
			return b
		}, "policy"},
	} {
		got, err := clientcheck.Verify(t.Context(), h.URL, signed, &http.Client{Transport: &altering{host, c.path, c.do}})
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(got.Wrong, " "); (c.want == "") != (all == "") || !strings.Contains(all, c.want) || got.Files < 20 {
			t.Errorf("%s: of %d files it says %q", name, got.Files, all)
		}
		if len(got.Pages) != 2 {
			t.Errorf("%s: the pages %v were looked at", name, got.Pages)
		}
	}
	signed.Cookie = "__Host-x=nothing"
	if _, err := clientcheck.Verify(t.Context(), h.URL, signed, &http.Client{Transport: &host}); !fault.Is(err, fault.Denied) {
		t.Errorf("with a session that is none: %v", err)
	}
	if _, err := clientcheck.Verify(t.Context(), "http://vault.example", signed, nil); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("without TLS: %v", err)
	}
}

// sessionOf gives the cookie of a session, as a browser sends it.
func sessionOf(t *testing.T, h *apptest.House) string {
	t.Helper()
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range h.Tenants[0].People[access.Editor].Browser().Jar.Cookies(u) {
		out = append(out, c.Name+"="+c.Value)
	}
	return strings.Join(out, "; ")
}
