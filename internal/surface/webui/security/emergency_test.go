package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/dormant"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/surface/webui/webuitest"
)

// TestEmergency: an account for emergencies has a second factor and signs in with it; each
// use is told to all administrators at once, and opens nothing before the reason is given;
// no other way of signing in is forced on it.
func TestEmergency(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin := h.As(access.Administrator)
	glass := h.NewUser("glass@demo.example", "Break Glass", access.Administrator)
	doc := h.Make("document", h.Org("Cascade Dental"), record.Values{"name": "Floor plan"})
	at := "/settings/break-glass"
	name := func(user id.ID, on string) *webuitest.Page {
		return admin.Post(at, url.Values{"user": {user.String()}, "on": {on}})
	}
	name(glass, "1").Want(http.StatusUnprocessableEntity) // no second factor
	name(h.UserID(access.Manager), "1").Want(http.StatusUnprocessableEntity)
	name(99999999, "1").Want(http.StatusUnprocessableEntity)
	h.As(access.Manager).Post(at, url.Values{"user": {glass.String()}, "on": {"1"}}).Want(http.StatusForbidden)
	key, _, err := h.Server.APIKeys.Create(t.Context(), h.Admin(), apikey.New{Name: "of before", Owner: glass})
	if err != nil {
		t.Fatal(err)
	}
	app := enrol(t, h, h.SignIn("glass@demo.example"))
	name(glass, "1").Want(http.StatusUnprocessableEntity) // a key acts for it
	if err := h.Server.APIKeys.Revoke(t.Context(), h.Admin(), key.ID); err != nil {
		t.Fatal(err)
	}
	name(glass, "1").Want(http.StatusSeeOther)
	name(glass, "1").Want(http.StatusSeeOther)
	told := func(c *webuitest.Client, words string) int {
		return strings.Count(c.Get("/notifications").Want(http.StatusOK).Text("main"), words)
	}
	c := h.Client()
	c.Post("/sign-in", url.Values{"tenant": {"demo"}, "email": {"glass@demo.example"}, "password": {webuitest.Password}}).Want(http.StatusSeeOther)
	if n := told(admin, "is being used"); n != 0 {
		t.Errorf("before the second factor the administrator was told %d times", n)
	}
	c.Post("/sign-in/second", url.Values{"code": {app.codes[0]}}).Want(http.StatusSeeOther)
	if n := told(admin, "is being used"); n != 1 {
		t.Errorf("the administrator was told %d times", n)
	}
	for _, p := range []string{"/", "/documents/" + doc.String(), "/audit", at} {
		if got := c.Get(p).Want(http.StatusSeeOther).To(); got != "/break-glass" {
			t.Errorf("before the reason %s leads to %s", p, got)
		}
	}
	c.Post("/documents/"+doc.String()+"/delete", nil).Want(http.StatusForbidden)
	caller := func() *access.Caller {
		for _, k := range c.Cookies() {
			if k.Name == "session" {
				got, err := h.Server.Sessions.Resolve(t.Context(), "demo", k.Value)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
		}
		return nil
	}
	if err := h.Gate.Change(t.Context(), caller(), access.Edit, gate.Thing{Kind: "document", ID: doc}, func(*gate.Tx) error { return nil }); err == nil {
		t.Error("below the pages the gate lets it change something")
	}
	if err := h.Gate.View(t.Context(), caller(), func(*gate.Tx) error { t.Error("below the pages it sees something"); return nil }); !fault.Is(err, fault.Denied) {
		t.Errorf("below the pages the gate lets it look: %v", err)
	}
	asked := c.Do(http.MethodGet, "/documents/"+doc.String(), nil, http.Header{"Accept": {"application/json"}})
	if asked.Want(http.StatusForbidden); strings.Contains(asked.Body, "Floor plan") {
		t.Error("a program with its cookie sees the document")
	}
	if why := c.Get("/break-glass").Want(http.StatusOK); why.Has("nav") || strings.Contains(why.Body, "Cascade") {
		t.Errorf("the page that asks for the reason shows what there is: %s", why.Text("body"))
	}
	if _, _, err := h.Server.APIKeys.Create(t.Context(), h.Admin(), apikey.New{Name: "a way around", Owner: glass}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an API key acts for it: %v", err)
	}
	c.Post("/break-glass", url.Values{"reason": {" "}}).Want(http.StatusUnprocessableEntity)
	c.Post("/break-glass", url.Values{"reason": {"the directory is down"}}).Want(http.StatusSeeOther)
	c.Post("/break-glass", url.Values{"reason": {"once more"}}).Want(http.StatusSeeOther)
	c.Get("/documents/" + doc.String()).Want(http.StatusOK)
	if n := told(admin, "the directory is down"); n != 1 {
		t.Errorf("the administrator was told the reason %d times", n)
	}
	log := admin.Get("/audit").Text("main")
	for _, want := range []string{"came in by an account for emergencies", "said why an account for emergencies is used", "the directory is down", "named an account for emergencies"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q: %s", want, log)
		}
	}
	t.Run("no way is forced on it, and without its factor it does not come in", func(t *testing.T) {
		asked := 0
		forced := breakglass.Except(func(*gate.Tx, id.ID, id.ID, method.Claim) error { asked++; return nil })
		h.Change(func(tx *gate.Tx) error {
			if err := forced(tx, glass, 0, method.Claim{}); err != nil || asked != 0 {
				t.Errorf("it is asked: %v", err)
			}
			if err := forced(tx, h.UserID(access.Administrator), 0, method.Claim{}); err != nil || asked != 1 {
				t.Errorf("others are not: %v", err)
			}
			_, err := tx.Exec(`delete from mfa_factor where user_id = ?`, int64(glass))
			return err
		})
		h.Client().Post("/sign-in", url.Values{"tenant": {"demo"}, "email": {"glass@demo.example"}, "password": {webuitest.Password}}).Want(http.StatusForbidden)
	})
	t.Run("it is to be tried, and told so once", func(t *testing.T) {
		h.Clock.Advance(breakglass.Every + time.Hour)
		for range 2 {
			if err := breakglass.Remind(t.Context(), h.Gate, "demo"); err != nil {
				t.Fatal(err)
			}
		}
		admin = h.As(access.Administrator)
		if n := told(admin, "was not tried for 90 days"); n != 1 {
			t.Errorf("the administrator was told %d times", n)
		}
		if text := admin.Get(at).Text("main"); !strings.Contains(text, "Break Glass") || !strings.Contains(text, "To be tried") {
			t.Errorf("the page says %s", text)
		}
	})
	t.Run("who does not sign in is told, and then deactivated; never it, nor the last administrator", func(t *testing.T) {
		idle := h.NewUser("idle@demo.example", "Ida Idle", access.Editor)
		admin.Post("/settings/dormant", url.Values{"on": {"1"}, "days": {"29"}, "notice": {"7"}}).Want(http.StatusUnprocessableEntity)
		admin.Post("/settings/dormant", url.Values{"on": {"1"}, "days": {"30"}, "notice": {"30"}}).Want(http.StatusUnprocessableEntity)
		h.As(access.Manager).Post("/settings/dormant", url.Values{"on": {"1"}, "days": {"60"}, "notice": {"7"}}).Want(http.StatusForbidden)
		keeper := &dormant.Keeper{Gate: h.Gate, Records: h.Records}
		run := func() {
			t.Helper()
			for range 2 {
				if err := keeper.Run(t.Context(), "demo"); err != nil {
					t.Fatal(err)
				}
			}
		}
		active := func(user id.ID) bool { return !h.Load(identity.User, user).Archived }
		h.Clock.Advance(100 * 24 * time.Hour)
		run()
		if !active(idle) {
			t.Error("without a policy she was deactivated")
		}
		admin = h.As(access.Administrator)
		admin.Post("/settings/dormant", url.Values{"on": {"1"}, "days": {"60"}, "notice": {"7"}}).Want(http.StatusSeeOther)
		run()
		if !active(idle) {
			t.Error("she was deactivated without being told")
		}
		ida := h.SignIn("idle@demo.example")
		if n := told(ida, "Your account is deactivated on"); n != 1 {
			t.Errorf("she was told %d times", n)
		}
		h.Clock.Advance(8 * 24 * time.Hour)
		run()
		if !active(idle) {
			t.Error("who signed in was deactivated")
		}
		h.Clock.Advance(54 * 24 * time.Hour)
		run()
		h.Clock.Advance(6 * 24 * time.Hour)
		run()
		if !active(idle) {
			t.Error("she did not have her days")
		}
		h.Clock.Advance(2 * 24 * time.Hour)
		run()
		if active(idle) {
			t.Error("she is not deactivated")
		}
		h.Clock.Advance(400 * 24 * time.Hour)
		run()
		h.Clock.Advance(30 * 24 * time.Hour)
		run()
		if !active(h.UserID(access.Administrator)) {
			t.Error("the last administrator was deactivated")
		}
		if !active(glass) {
			t.Error("the account for emergencies was deactivated")
		}
	})
}
