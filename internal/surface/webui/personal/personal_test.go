package personal_test

import (
	"crypto/fips140"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestPersonalPasswords has a personal password be its owner's alone until she leaves and
// two administrators hand it over.
func TestPersonalPasswords(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	lite, admin := h.As(access.Lite), h.As(access.Administrator)
	form := url.Values{"name": {"Pelican bank"}, "username": {"brinley"}, "password": {"kelp-lantern-7"}, "otp_secret": {"JBSWY3DPEHPK3PXP"}, "url": {"https://bank.example/"}}
	at := lite.Post("/personal_passwords", form).Want(http.StatusSeeOther).To()
	lite.Post(at, url.Values{"name": {"Pelican bank"}, "username": {"brinley"}, "password": {"kelp-lantern-8"}, "version": {"1"}, "url": {"https://bank.example/"}}).Want(http.StatusSeeOther)
	seen := func(c *webuitest.Client) string {
		return c.Get("/personal_passwords").Want(http.StatusOK).Text("main") + c.Get("/search?q=pelican").Want(http.StatusOK).Text("main")
	}
	t.Run("its owner has it", func(t *testing.T) {
		if s := seen(lite); strings.Count(s, "Pelican bank") < 2 {
			t.Errorf("list and search say %s", s)
		}
		var got struct{ Secret string }
		if lite.PostJSON(at+"/reveal", url.Values{}, &got); got.Secret != "kelp-lantern-8" {
			t.Errorf("she sees %q", got.Secret)
		}
		if lite.PostJSON(at+"/versions/1/reveal", url.Values{}, &got); got.Secret != "kelp-lantern-7" {
			t.Errorf("the first version was %q", got.Secret)
		}
		var code struct{ Code string }
		if lite.PostJSON(at+"/otp", url.Values{}, &code); len(code.Code) != 6 && !fips140.Enforced() { // there SHA-1 is refused
			t.Errorf("the one-time code is %q", code.Code)
		}
		if p := lite.Get(at).Want(http.StatusOK); !p.Has("sr-secret") || p.Has(`a[href$="/approval"]`) {
			t.Errorf("her page says %s", p.Text("main"))
		}
	})
	t.Run("nobody else has it", func(t *testing.T) {
		for _, role := range []access.Role{access.Administrator, access.Manager, access.Editor, access.ReadOnly} {
			c := h.As(role)
			for _, path := range []string{at, at + "/edit", at + "/history", at + "/versions/1"} {
				c.Get(path).Want(http.StatusNotFound)
			}
			for _, path := range []string{at, at + "/reveal", at + "/otp", at + "/versions/1/restore", at + "/delete", at + "/archive", at + "/star"} {
				c.Post(path, url.Values{"name": {"Mine now"}, "reason": {"because"}}).Want(http.StatusNotFound)
			}
			if s := seen(c); strings.Contains(s, "Pelican") || strings.Contains(s, "brinley") {
				t.Errorf("%s is told %s", role, s)
			}
		}
		for _, path := range []string{"/audit", "/trash", "/", "/personal_passwords/export"} {
			if p := admin.Get(path).Want(http.StatusOK); strings.Contains(string(p.Body), "Pelican") {
				t.Errorf("%s tells an administrator of it", path)
			}
		}
		if s := admin.Get("/audit").Text("main"); !strings.Contains(s, strings.TrimPrefix(at, "/personal_passwords/")) && !strings.Contains(s, "ersonal password") {
			t.Errorf("that something was done is not in the log: %s", s)
		}
		h.As(access.ReadOnly).Post("/personal_passwords", form).Want(http.StatusForbidden)
	})
	t.Run("the system itself does not see it", func(t *testing.T) {
		err := h.Gate.View(t.Context(), access.System(h.Admin().Tenant, "job"), func(tx *gate.Tx) error {
			p, err := h.Records.List(tx, "personal_password", record.Query{})
			if err == nil && (len(p.Records) != 0 || p.Total != 0) {
				t.Errorf("it lists %d of %d", len(p.Records), p.Total)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	leaver := h.UserID(access.Lite)
	to := h.UserID(access.Editor)
	ask := url.Values{"user": {leaver.String()}, "to": {to.String()}, "reason": {"left the company"}}
	t.Run("who has not left keeps it", func(t *testing.T) {
		if p := admin.Post("/settings/handovers", ask).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("main"), "may not sign in any more") {
			t.Errorf("the page says %s", p.Text("main"))
		}
		h.As(access.Manager).Get("/settings/handovers").Want(http.StatusForbidden)
		h.As(access.Manager).Post("/settings/handovers", ask).Want(http.StatusForbidden)
	})
	t.Run("two administrators hand it over", func(t *testing.T) {
		admin.Post("/users/"+leaver.String()+"/archive", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
		if s := admin.Get("/settings/handovers").Want(http.StatusOK).Text("main"); !strings.Contains(s, "one password") || strings.Contains(s, "Pelican") {
			t.Errorf("the page says %s", s)
		}
		admin.Post("/settings/handovers", url.Values{"user": {leaver.String()}, "to": {leaver.String()}, "reason": {""}}).Want(http.StatusUnprocessableEntity)
		admin.Post("/settings/handovers", ask).Want(http.StatusSeeOther)
		admin.Post("/settings/handovers", ask).Want(http.StatusConflict)
		h.NewUser("second@demo.example", "Second Administrator", access.Administrator)
		second := h.SignIn("second@demo.example")
		p := second.Get("/settings/handovers").Want(http.StatusOK)
		agree := url.Values{"handover": {p.Attr(`input[name="handover"]`, "value")}, "agree": {"1"}}
		admin.Post("/settings/handovers/decide", agree).Want(http.StatusForbidden)
		h.As(access.Manager).Post("/settings/handovers/decide", agree).Want(http.StatusForbidden)
		h.As(access.Editor).Get(at).Want(http.StatusNotFound)
		second.Post("/settings/handovers/decide", agree).Want(http.StatusSeeOther)
		second.Post("/settings/handovers/decide", agree).Want(http.StatusNotFound)
		var got struct{ Secret string }
		if h.As(access.Editor).PostJSON(at+"/reveal", url.Values{}, &got); got.Secret != "kelp-lantern-8" {
			t.Errorf("who was given it sees %q", got.Secret)
		}
		for _, c := range []*webuitest.Client{admin, second} {
			c.Get(at).Want(http.StatusNotFound)
		}
		log := admin.Get("/audit").Text("main")
		for _, want := range []string{"asked for a handover", "agreed to a handover", "handed it over"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %q: %s", want, log)
			}
		}
	})
	t.Run("the pages", func(t *testing.T) {
		b := browser.Open(t, h.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.Editor))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Everywhere("personal", at)
	})
}
