package webui_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/envelope"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestSealedReveal: a page that sends a key gets a secret that this key alone opens,
// and the answer shows nothing of it.
func TestSealedReveal(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, nil).String()
	c := h.As(access.Editor)
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Secret  *string
		Seconds int
		Sealed  struct{ Key, Envelope []byte }
	}
	answer := c.PostJSON(at+"/reveal", url.Values{"why": {"view"}, "sealed_to": {base64.StdEncoding.EncodeToString(key.PublicKey().Bytes())}}, &got)
	if got.Secret != nil || got.Seconds != 20 || strings.Contains(answer.Body, "kelp") || !strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
		t.Fatalf("the answer is %s", answer.Body)
	}
	e, err := envelope.Parse(got.Sealed.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	dataKey, err := envelope.OpenRewrapped(key, e.HeaderBytes(), got.Sealed.Key)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := e.Open(dataKey); err != nil || string(text) != "vT9#mQ2-kelp" {
		t.Errorf("it opens to %q: %v", text, err)
	}
	if trail := c.Get(at).Text(".rail .feed"); !strings.Contains(trail, "revealed the password") {
		t.Errorf("the audit trail says %q", trail)
	}
	for _, bad := range []string{"x", "AAAA", base64.StdEncoding.EncodeToString(make([]byte, 65))} {
		var refused struct{ Error struct{ Text string } }
		if p := c.PostJSON(at+"/reveal", url.Values{"sealed_to": {bad}}, &refused); p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusBadRequest || strings.Contains(p.Body, "kelp") {
			t.Errorf("the key %q: %d %s", bad, p.Status, p.Body)
		}
	}
}

// TestRevealInABrowser: what the script gets is sealed, and what it shows is right;
// an answer about another password is refused.
func TestRevealInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	one := aPassword(h, record.Values{"password": "Grüße, 世界 🔑 " + strings.Repeat("long ", 60)})
	other := aPassword(h, record.Values{"name": "Other", "password": "kelp-of-the-other"})
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	const listen = `(() => { window.answers = []; const f = window.fetch; window.fetch = async (...a) => { const r = await f(...a); window.answers.push(await r.clone().text()); return r; }; return true; })()`
	b.Visit("/passwords/" + one.String())
	browser.Eval[bool](b, listen)
	b.Click("[data-reveal]")
	b.Wait(`document.querySelector("sr-secret [data-out].shown")`)
	if got := browser.Eval[string](b, `document.querySelector("sr-secret [data-out]").textContent`); got != "Grüße, 世界 🔑 "+strings.Repeat("long ", 60) {
		t.Errorf("it shows %q", got)
	}
	if got := browser.Eval[string](b, `window.answers.join("")`); strings.Contains(got, "long") || !strings.Contains(got, `"sealed"`) {
		t.Errorf("the server answered %s", got)
	}

	b.Visit("/passwords/" + one.String())
	browser.Eval[bool](b, `(() => { const f = window.fetch; window.fetch = (u, o) => f(String(u).replaceAll("`+one.String()+`", "`+other.String()+`"), o); return true; })()`)
	b.Click("[data-reveal]")
	b.Wait(`document.getElementById("toasts").innerText.includes("The server sent the secret of something else.")`)
	if browser.Eval[bool](b, `!!document.querySelector("sr-secret [data-out].shown")`) {
		t.Error("the password of another record is shown")
	}
}
