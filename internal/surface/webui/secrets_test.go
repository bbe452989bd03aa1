package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// aPassword makes a password with a one-time code in an organization.
func aPassword(h *webuitest.House, more record.Values) id.ID {
	v := record.Values{"name": "Firewall admin", "username": "hdg-fwadmin", "password": "vT9#mQ2-kelp", "otp_secret": seed, "url": "https://10.20.1.1:8443", "notes": "Break glass only."}
	for k, x := range more {
		v[k] = x
	}
	return h.Make("password", h.Org("Harbour Dental"), v)
}

func TestRevealIsRecordedAndNotKept(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, nil).String()
	c := h.As(access.Editor)
	page := c.Get(at).Want(http.StatusOK)
	if strings.Contains(page.Body, "kelp") || strings.Contains(page.Body, seed) {
		t.Fatal("the page holds a secret that nobody asked for")
	}
	var got struct {
		Secret  string
		Seconds int
	}
	answer := c.PostJSON(at+"/reveal", url.Values{"why": {"view"}}, &got)
	if got.Secret != "vT9#mQ2-kelp" || got.Seconds != 20 {
		t.Errorf("revealed %+v", got)
	}
	if cc := answer.Header.Get("Cache-Control"); !strings.Contains(cc, "no-store") {
		t.Errorf("Cache-Control is %q", cc)
	}
	if ce := answer.Header.Get("Content-Encoding"); ce != "" {
		t.Errorf("a secret was compressed with %s", ce)
	}
	plain := c.Post(at+"/reveal", url.Values{"why": {"view"}}).Want(http.StatusOK)
	if plain.Text("output") != "vT9#mQ2-kelp" || !strings.Contains(plain.Header.Get("Cache-Control"), "no-store") {
		t.Error("without script the page does not show the password, or may be stored")
	}
	if trail := c.Get(at).Text(".rail .feed"); !strings.Contains(trail, "revealed the password") || strings.Contains(trail, "copied") {
		t.Errorf("the audit trail says %q", trail)
	}
	c.PostJSON(at+"/reveal", url.Values{"why": {"copy"}}, &got)
	if trail := c.Get(at).Text(".rail .feed"); got.Secret != "vT9#mQ2-kelp" || !strings.Contains(trail, "copied the password, version 1, without showing it") {
		t.Errorf("once copied the audit trail says %q", trail)
	}
	shown := c.Post(at+"/reveal", url.Values{"why": {"copy"}}).Want(http.StatusOK) // a page shows it, whatever it is asked for
	if trail := c.Get(at).Texts(".rail .feed li"); shown.Text("output") == "" || len(trail) == 0 || strings.Contains(trail[0], "copied") {
		t.Errorf("once shown the audit trail says %q", trail)
	}
}

func TestRevealAsksForReason(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, record.Values{"reason_required": true}).String()
	c := h.As(access.Editor)
	if page := c.Get(at).Want(http.StatusOK); page.Attr("sr-secret#password", "data-reason") != "required" || !page.Has("sr-secret#code") {
		t.Error("the page does not ask for a reason")
	}
	var refused struct{ Error struct{ Text string } }
	if p := c.PostJSON(at+"/reveal", url.Values{}, &refused); p.Status != http.StatusUnprocessableEntity || !strings.Contains(refused.Error.Text, "reason") {
		t.Errorf("status %d, %q", p.Status, refused.Error.Text)
	}
	var code struct {
		Code, Secret string
		Left, Period int
	}
	c.PostJSON(at+"/otp", url.Values{"reason": {"CHG-1179"}}, &code)
	if len(code.Code) != 6 || code.Secret != code.Code || code.Left < 1 || code.Left > 30 {
		t.Errorf("code %+v", code)
	}
	if trail := c.Get("/activity/" + strings.TrimPrefix(at, "/passwords/")).Text("main"); !strings.Contains(trail, "CHG-1179") {
		t.Error("the reason is not in the audit trail")
	}
}

func TestPasswordsOfOthers(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, nil).String()
	h.Client().Post(at+"/reveal", nil).Want(http.StatusSeeOther)
	lite := h.As(access.Lite) // sees no organization
	lite.Post(at+"/reveal", nil).Want(http.StatusNotFound)
	lite.Get(at).Want(http.StatusNotFound)
	lite.Get(at + "/versions/1").Want(http.StatusNotFound)
}

func TestVersions(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := aPassword(h, nil)
	at := "/passwords/" + rid.String()
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "password", rid, 0, record.Values{"password": "second"})
		return err
	})
	c := h.As(access.Editor)
	page := c.Get(at).Want(http.StatusOK)
	if got := page.Count(`table[aria-label="Versions"] tbody tr`); got != 2 {
		t.Fatalf("%d versions are listed", got)
	}
	old := c.Get(at + "/versions/1").Want(http.StatusOK)
	var got struct{ Secret string }
	c.PostJSON(old.Attr("sr-secret form", "action"), url.Values{}, &got)
	if got.Secret != "vT9#mQ2-kelp" {
		t.Errorf("version 1 is %q", got.Secret)
	}
	if p := c.Post(at+"/versions/1/restore", url.Values{}).Want(http.StatusUnprocessableEntity); !p.Has("#e-reason") {
		t.Error("the missing reason is not named beside its field")
	}
	c.Post(at+"/versions/1/restore", url.Values{"reason": {"the vendor rolled back"}}).Want(http.StatusSeeOther)
	c.PostJSON(at+"/reveal", url.Values{}, &got)
	if got.Secret != "vT9#mQ2-kelp" {
		t.Errorf("after restoring it is %q", got.Secret)
	}
	if text := c.Get(at).Text(`table[aria-label="Versions"]`); !strings.Contains(text, "the vendor rolled back") {
		t.Errorf("versions say %q", text)
	}
	c.Get(at + "/versions/9").Want(http.StatusNotFound)
}

func TestKeyServiceAway(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, nil).String()
	c := h.As(access.Editor)
	h.Keys.Stop()
	var refused struct{ Error struct{ Text, Hint string } }
	if p := c.PostJSON(at+"/reveal", url.Values{}, &refused); p.Status != http.StatusServiceUnavailable || refused.Error.Text == "" {
		t.Errorf("status %d, %+v", p.Status, refused.Error)
	}
	c.Get(at).Want(http.StatusOK)
	h.Keys.Start()
	var got struct{ Secret string }
	c.PostJSON(at+"/reveal", url.Values{}, &got)
	if got.Secret == "" {
		t.Error("it does not work again")
	}
}

func TestGenerator(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Editor)
	seen := map[string]bool{}
	for range 20 {
		var got struct{ Secret string }
		c.PostJSON("/generate", url.Values{}, &got)
		if len(got.Secret) != 20 || seen[got.Secret] || !strings.ContainsAny(got.Secret, "23456789") || !strings.ContainsAny(got.Secret, "!#$%&*+-.:;=?@_~") {
			t.Fatalf("made %q", got.Secret)
		}
		seen[got.Secret] = true
	}
	words := c.Post("/generate", url.Values{"sort": {"words"}, "words": {"5"}}).Want(http.StatusOK).Text("output")
	if strings.Count(words, "-") != 4 {
		t.Errorf("made %q", words)
	}
	for from, want := range map[string]string{"sort=words&words=4": "44 bits", "sort=words&words=12": "132 bits", // of 2,048 words, so 11 for each
		"length=8&lower=0&upper=0&symbols=0": "24 bits", // 8 of 8 digits
		"length=20":                          "123 bits"} {
		v, err := url.ParseQuery(from)
		if err != nil {
			t.Fatal(err)
		}
		if says := c.Post("/generate", v).Want(http.StatusOK).Text("main"); !strings.Contains(says, want) {
			t.Errorf("%s: the page does not say %s: %s", from, want, says)
		}
	}
	digits := c.Post("/generate", url.Values{"length": {"8"}, "lower": {"0"}, "upper": {"0"}, "symbols": {"0"}, "digits": {"0", "1"}}).Want(http.StatusOK).Text("output")
	if len(digits) != 8 || strings.Trim(digits, "23456789") != "" {
		t.Errorf("made %q", digits)
	}
	c.Post("/generate", url.Values{"length": {"4"}}).Want(http.StatusUnprocessableEntity)
}

// TestEmbeddedPassword: an address may say what a new password belongs to.
func TestEmbeddedPassword(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	conf := h.Make("configuration", org, record.Values{"name": "HDG-FW01", "configuration_type_id": h.One("configuration_type", "Firewall")})
	c := h.As(access.Editor)
	form := c.Get("/passwords/new?organization_id=" + org.String() + "&resource_type=Configuration&resource_id=" + conf.String()).Want(http.StatusOK).Form("form.genform")
	form.Set("name", "root")
	form.Set("password", "behind the moon")
	at := c.Post("/passwords", form).Want(http.StatusSeeOther).To()
	if s := c.Get(at).Want(http.StatusOK).Text(".orghead"); !strings.Contains(s, "Embedded in") || !strings.Contains(s, "HDG-FW01") {
		t.Errorf("the page is headed %q", s)
	}
	if s := c.Get("/configurations/" + conf.String()).Text(".rail"); !strings.Contains(s, "root") {
		t.Errorf("the configuration is related to %q", s)
	}
	edit := c.Get(at + "/edit").Form("form.genform")
	edit.Set("name", "root of the firewall")
	c.Post(at, edit).Want(http.StatusSeeOther)
	page := c.Get(at)
	if s := page.Text(".orghead"); !strings.Contains(s, "HDG-FW01") || page.Count(`table[aria-label="Versions"] tbody tr`) != 1 {
		t.Errorf("after an edit without a password: %q", s)
	}
}

// TestKeyServiceBusy: what the key service has no room for is refused with the time to
// come back, by the page with script and the one without, and goes well afterwards.
func TestKeyServiceBusy(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, nil).String()
	c := h.As(access.Editor)
	room := func(n int) {
		h.Keys.Stop()
		h.Keys.Options.Waiting = n
		h.Keys.Start()
	}
	room(-1)
	var refused struct{ Error struct{ Text, Hint string } }
	for name, p := range map[string]*webuitest.Page{"with script": c.PostJSON(at+"/reveal", url.Values{}, &refused), "without": c.Post(at+"/reveal", url.Values{})} {
		p.Want(http.StatusServiceUnavailable)
		if got := p.Header.Get("Retry-After"); got != "1" {
			t.Errorf("%s: Retry-After is %q", name, got)
		}
		if strings.Contains(p.Body, "vT9#mQ2-kelp") {
			t.Errorf("%s: the refusal shows the password", name)
		}
	}
	if refused.Error.Text == "" || refused.Error.Hint == "" {
		t.Errorf("the script is told %+v", refused.Error)
	}
	c.Get(at).Want(http.StatusOK)
	room(0)
	var got struct{ Secret string }
	if c.PostJSON(at+"/reveal", url.Values{}, &got); got.Secret == "" {
		t.Error("it does not work again")
	}
}
