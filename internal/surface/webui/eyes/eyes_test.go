package eyes_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/webuitest"
)

// TestEyes: an administrator sees what somebody sees and nothing that is hers alone, does
// nothing, is named in the log as herself, and is told so on every page.
func TestEyes(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin := h.As(access.Administrator)
	lite := h.UserID(access.Lite)
	org, other := h.Org("Cascade Dental"), h.Org("Hidden Harbour")
	h.See(lite, org)
	doc := h.Make("document", org, record.Values{"name": "Floor plan"})
	hidden := h.Make("document", other, record.Values{"name": "Berth plan"})
	closed := h.Make("document", org, record.Values{"name": "Payroll"})
	open := h.Make("document", other, record.Values{"name": "Rota"})
	secret := h.Make("password", org, record.Values{"name": "Router", "password": "kelp-lantern-9"})
	h.Change(func(tx *gate.Tx) error {
		if err := h.Records.SetAccess(tx, "document", closed, true, nil, nil); err != nil {
			return err
		}
		return h.Records.SetAccess(tx, "document", open, true, []id.ID{lite}, nil)
	})
	hers := h.As(access.Lite)
	own := hers.Post("/personal_passwords", url.Values{"name": {"Pelican"}, "password": {"x-own-1"}}).Want(http.StatusSeeOther).To()
	path := func(kind string, n id.ID) string { return "/" + kind + "/" + n.String() }
	as := func(user id.ID) string { return path("users", user) + "/as" }

	t.Run("who may not, does not", func(t *testing.T) {
		h.As(access.Manager).Post(as(lite), nil).Want(http.StatusForbidden)
		admin.Post(as(h.UserID(access.Administrator)), nil).Want(http.StatusForbidden)
		h.NewUser("second@demo.example", "Second Administrator", access.Administrator)
		admin.Post(as(h.One("user", "Second Administrator")), nil).Want(http.StatusForbidden)
		admin.Post(as(999999999), nil).Want(http.StatusNotFound)
		admin.Post(as(doc), nil).Want(http.StatusNotFound)
		key := h.Admin()
		key.Via, key.Key, key.User = "api key", 5, h.UserID(access.Administrator)
		if err := h.Server.Sessions.LookAs(t.Context(), key, lite); err == nil {
			t.Error("a key looks as somebody")
		}
		if text := admin.Get("/").Text("body"); strings.Contains(text, "you see the pages as") {
			t.Error("somebody looks as another after a refusal")
		}
	})
	admin.Post(as(lite), nil).Want(http.StatusSeeOther)
	t.Run("the pages are as she sees them", func(t *testing.T) {
		for p, want := range map[string]int{path("documents", doc): 200, path("documents", open): 200, path("documents", hidden): 404, path("documents", closed): 404, path("organizations", other): 404, path("passwords", secret): 200} {
			if got, real := admin.Get(p).Status, hers.Get(p).Status; got != want || real != want {
				t.Errorf("%s answers %d, and to herself %d, want %d", p, got, real, want)
			}
		}
		for _, p := range []string{"/documents", "/passwords", "/organizations", "/configurations", "/checklists"} {
			mine, real := admin.Get(p).Texts("table tbody tr"), hers.Get(p).Texts("table tbody tr")
			if !slices.Equal(mine, real) {
				t.Errorf("%s lists %v, and to herself %v", p, mine, real)
			}
		}
		for _, p := range []string{"/audit", "/settings/second-factor", "/settings/dormant", "/keys", "/trash"} {
			if got, real := admin.Get(p).Status, hers.Get(p).Status; got != real {
				t.Errorf("%s answers %d, and to herself %d", p, got, real)
			}
		}
	})
	t.Run("what is hers alone is not there", func(t *testing.T) {
		for _, p := range []string{own, "/personal_passwords", "/account", "/me/security", "/vault", "/notifications", "/shares"} {
			if got := admin.Get(p); got.Status != http.StatusForbidden && got.Status != http.StatusNotFound || strings.Contains(got.Body, "Pelican") {
				t.Errorf("%s answers %d", p, got.Status)
			}
		}
		if text := admin.Get("/search?q=Pelican").Text("main"); strings.Contains(text, "x-own") || strings.Contains(strings.ReplaceAll(text, "“Pelican”", ""), "Pelican ") {
			t.Errorf("the search says %s", text)
		}
	})
	t.Run("nothing is done, by no page", func(t *testing.T) {
		for p, f := range map[string]url.Values{path("documents", doc): {"name": {"Mine"}}, path("passwords", secret) + "/reveal": {"reason": {"x"}}, path("documents", doc) + "/star": {"on": {"1"}}, path("documents", doc) + "/archive": {"on": {"1"}},
			as(lite): {}, "/account/password": {"old_password": {"x"}}, "/documents": {"name": {"N"}, "organization_id": {org.String()}}, path("passwords", secret) + "/otp": {}} {
			if got := admin.Post(p, f); got.Status != http.StatusForbidden {
				t.Errorf("POST %s answers %d", p, got.Status)
			}
		}
		var c *access.Caller // below the pages the gate refuses too
		err := h.Gate.View(t.Context(), h.Admin(), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), lite); return err })
		if err != nil {
			t.Fatal(err)
		}
		c.Tenant, c.Via = h.Admin().Tenant, identity.ViaEyes
		c.Scope, c.Behind = access.Scope{ReadOnly: true, Looks: true, NoPasswords: true, NoPersonal: true}, &access.Behind{User: h.UserID(access.Administrator), Name: "Ada"}
		for _, a := range []access.Action{access.View, access.Create, access.Edit, access.Reveal, access.Export, access.Comment, access.SignIn} {
			if err := h.Gate.Change(t.Context(), c, a, gate.Thing{}, func(*gate.Tx) error { return nil }); err == nil {
				t.Errorf("the gate lets her %s", a)
			}
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			var n int
			err := tx.QueryRow(`select count(*) from recently_viewed where user_id = ? and record_id = ?`, int64(lite), int64(open)).Scan(&n)
			if n > 1 {
				t.Errorf("what was looked at counts as hers: %d", n)
			}
			return err
		})
	})
	t.Run("every page says so, and the log names both", func(t *testing.T) {
		for _, p := range []string{"/", "/documents", path("documents", doc), path("documents", hidden), "/audit", "/as"} {
			if text := admin.Get(p).Text("body"); !strings.Contains(text, "you see the pages as Lia Doyle does") {
				t.Errorf("%s does not say so: %s", p, text)
			}
		}
		admin.Post("/as/end", nil).Want(http.StatusSeeOther)
		admin.Post("/as/end", nil).Want(http.StatusSeeOther)
		if text := admin.Get(path("documents", hidden)).Want(http.StatusOK).Text("body"); strings.Contains(text, "you see the pages as") {
			t.Error("it goes on")
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			var begun, ended, strange int
			err := tx.QueryRow(`select count(case when action = 'as.begin' and result = 'ok' and actor = ? and behalf = ? and object = ? then 1 end), count(case when action = 'as.end' and actor = ? and behalf = ? then 1 end),
				count(case when via = ? and (actor <> ? or behalf <> ?) then 1 end) from audit_entry`, int64(h.UserID(access.Administrator)), int64(lite), int64(lite), int64(h.UserID(access.Administrator)), int64(lite),
				identity.ViaEyes, int64(h.UserID(access.Administrator)), int64(lite)).Scan(&begun, &ended, &strange)
			if begun != 1 || ended != 1 || strange != 0 {
				t.Errorf("the log has %d beginnings, %d ends, and %d entries of the wrong person", begun, ended, strange)
			}
			return err
		})
	})
	t.Run("it is over after an hour, when she is archived, and with the session", func(t *testing.T) {
		admin.Post(as(lite), nil).Want(http.StatusSeeOther)
		h.Clock.Advance(identity.EyesFor + time.Second)
		admin.Get(path("documents", hidden)).Want(http.StatusOK)
		admin.Post("/as/end", nil).Want(http.StatusSeeOther)
		admin.Post(as(lite), nil).Want(http.StatusSeeOther)
		admin.Get(path("documents", hidden)).Want(http.StatusNotFound)
		h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, "user", lite, true) })
		admin.Get(path("documents", hidden)).Want(http.StatusOK)
		h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, "user", lite, false) })
		admin.Post("/sign-out", nil).Want(http.StatusSeeOther)
		admin.Get("/").Want(http.StatusSeeOther)
	})
}
