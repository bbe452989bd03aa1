package web_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"strongroom/internal/base/web"
)

func TestCookiesFollowTheConnection(t *testing.T) {
	m, _ := house()
	m.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	var read string
	m.Handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		read = web.Cookie(r, "s")
		web.SetCookie(w, r, "s", "v", 0)
		return nil
	})
	if c := do(m, "GET", "/", nil).Header().Get("Set-Cookie"); c != "s=v; Path=/; HttpOnly; SameSite=Lax" {
		t.Errorf("plain: %s", c)
	}
	if c := do(m, "GET", "/", nil, "X-Forwarded-Proto", "https").Header().Get("Set-Cookie"); c != "__Host-s=v; Path=/; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("TLS: %s", c)
	}
	do(m, "GET", "/", nil, "X-Forwarded-Proto", "https", "Cookie", "s=planted")
	if read != "" {
		t.Errorf("a cookie without the prefix counts on TLS: %q", read)
	}
	do(m, "GET", "/", nil, "X-Forwarded-Proto", "https", "Cookie", "s=planted; __Host-s=ours")
	if read != "ours" {
		t.Errorf("read %q", read)
	}
}

func TestFlash(t *testing.T) {
	m, _ := house()
	m.Handle("POST /do", func(w http.ResponseWriter, r *http.Request) error {
		web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "“Ünïcode” archived", Undo: &web.Undo{Label: "Undo", Action: r.FormValue("to")}})
		return web.SeeOther(w, r, "/")
	})
	var got *web.Flash
	m.Handle("GET /{$}", func(w http.ResponseWriter, r *http.Request) error {
		got = web.TakeFlash(w, r)
		return nil
	})
	for to, undo := range map[string]bool{"/restore": true, "https://evil.example/": false, "//evil.example": false, `/\evil`: false} {
		w := do(m, "POST", "/do?to="+strings.ReplaceAll(to, `\`, "%5c"), nil)
		cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		w = do(m, "GET", "/", nil, "Cookie", cookie)
		if got == nil || got.Text != "“Ünïcode” archived" || (got.Undo != nil) != undo {
			t.Errorf("%s: got %+v", to, got)
		}
		if !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("the sentence is kept: %s", w.Header().Get("Set-Cookie"))
		}
		w = do(m, "GET", "/", nil, "Cookie", cookie, "X-Swap", "list")
		if b, err := base64.RawURLEncoding.DecodeString(w.Header().Get("X-Toast")); got != nil || err != nil || !strings.Contains(string(b), "archived") {
			t.Errorf("a partial request gets %q and %+v", b, got)
		}
	}
	for _, bad := range []string{"flash=%%%", "flash=e30", "flash=bm8", "x=1"} {
		if do(m, "GET", "/", nil, "Cookie", bad); got != nil {
			t.Errorf("%s gives %+v", bad, got)
		}
	}
}

func TestTheme(t *testing.T) {
	m, _ := house()
	m.Handle("POST /theme", web.SetTheme)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for body, want := range map[string][2]string{"theme=dark&back=/list%3Fq%3D1": {"theme=dark;", "/list?q=1"}, "theme=pink&back=//evil.example": {"theme=auto;", "/"}} {
		w := do(m, "POST", "/theme", strings.NewReader(body), form...)
		if w.Code != 303 || !strings.HasPrefix(w.Header().Get("Set-Cookie"), want[0]) || w.Header().Get("Location") != want[1] {
			t.Errorf("%s: %d %v", body, w.Code, w.Header())
		}
	}
	if w := do(m, "POST", "/theme", strings.NewReader("theme=light"), append(form, "Accept", "application/json")...); w.Code != 204 {
		t.Errorf("by script: %d", w.Code)
	}
	for cookie, want := range map[string]string{"theme=dark": "dark", "theme=light": "light", "theme=%22x": "auto", "": "auto"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", cookie)
		if got := web.Theme(r); got != want {
			t.Errorf("%q is %s", cookie, got)
		}
	}
}

func TestLocalPath(t *testing.T) {
	for to, want := range map[string]string{"/": "/", "/a?b=c#d": "/a?b=c#d", "": "x", "a": "x", "//a": "x", "/\\a": "x", "/a\\b": "x", "http://a/": "x", "javascript:1": "x", "/a\nb": "x", "/\t/a": "x"} {
		if got := web.LocalPath(to, "x"); got != want {
			t.Errorf("%q becomes %q", to, got)
		}
	}
}
