package reviews_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/surface/webui/webuitest"
)

// lineOf gives the number of the line of a campaign that a person is asked about and
// whose text holds some words.
func lineOf(t *testing.T, p *webuitest.Page, words string) string {
	t.Helper()
	for i, label := range p.Texts("#form label") {
		if strings.Contains(label, words) {
			return strings.TrimPrefix(p.Attrs("#form label", "for")[i], "f-answer-")
		}
	}
	t.Fatalf("no line says %q: %v", words, p.Texts("#form label"))
	return ""
}

// TestReview: who is asked answers once for what she may see and is not about herself;
// what is removed goes in the ordinary way; the evidence agrees with the audit log, and
// tells when somebody changed it.
func TestReview(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin, manager, editor := h.As(access.Administrator), h.As(access.Manager), h.As(access.Editor)
	org := h.Org("Cascade Dental")
	group := h.One("group", "Technicians")
	lite, low := h.UserID(access.Lite), h.UserID(access.ReadOnly)
	doc := h.Make("document", org, record.Values{"name": "Floor plan"})
	closed := h.Make("document", org, record.Values{"name": "Payroll"})
	h.Change(func(tx *gate.Tx) error {
		if err := h.Records.SetAccess(tx, "document", doc, false, []id.ID{lite}, nil); err != nil {
			return err
		}
		return h.Records.SetAccess(tx, "document", closed, true, []id.ID{low}, nil)
	})
	h.See(lite, org)
	customer := h.NewUser("cora@demo.example", "Cora Customer", access.SelfService)
	_, key, err := h.Server.APIKeys.Create(t.Context(), h.Admin(), apikey.New{Name: "Old script", Owner: h.UserID(access.Creator)})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"name": {"Autumn"}, "days": {"14"}, "remind": {"3"}, "removes": {"0"}, "sorts": {"member", "reach", "role", "grant", "key"}, "asked": {h.UserID(access.Manager).String()},
		"owners.0.of": {group.String()}, "owners.0.who": {h.UserID(access.Editor).String()}}
	with := func(name, value string) url.Values {
		out := url.Values{}
		for k, v := range form {
			out[k] = v
		}
		out.Set(name, value)
		return out
	}
	t.Run("what is not understood begins nothing and loses nothing", func(t *testing.T) {
		for name, value := range map[string]string{"name": " ", "days": "0", "remind": "x", "sorts": "everything", "asked": "12345", "owners.0.who": "12345", "people": "999999999"} {
			p := admin.Post("/reviews", with(name, value)).Want(http.StatusUnprocessableEntity)
			if name != "days" && p.Attr("#f-days", "value") != "14" || !p.Has("#errors") {
				t.Errorf("with a wrong %s the page says %s", name, p.Text("main"))
			}
		}
		manager.Post("/reviews", form).Want(http.StatusForbidden)
		manager.Get("/reviews/new").Want(http.StatusForbidden)
	})
	at := admin.Post("/reviews", form).Want(http.StatusSeeOther).To()
	if p := admin.Get(at).Want(http.StatusOK); !strings.Contains(strings.Join(p.Texts("#form label"), "\n"), "has the role Manager") { // she would be asked about herself
		t.Errorf("the administrator is asked %v", p.Texts("#form label"))
	}
	t.Run("each is asked what she answers for, and nothing about herself or what she may not see", func(t *testing.T) {
		texts := strings.Join(editor.Get(at).Want(http.StatusOK).Texts("#form label"), "\n")
		if !strings.Contains(texts, "is a member of the group Technicians") || strings.Contains(texts, "has the role") || strings.Contains(texts, "Payroll") {
			t.Errorf("the owner of the group is asked %s", texts)
		}
		if n := strings.Count(texts, "is a member of the group Technicians"); n != 2 { // of three: not about herself
			t.Errorf("she is asked about %d members", n)
		}
		texts = strings.Join(manager.Get(at).Want(http.StatusOK).Texts("#form label"), "\n")
		if strings.Contains(texts, "Payroll") || !strings.Contains(texts, "Floor plan") || !strings.Contains(texts, "Old script") {
			t.Errorf("the manager is asked %s", texts)
		}
		if text := strings.Join(admin.Get(at).Texts("#form label"), "\n"); !strings.Contains(text, "Payroll") {
			t.Errorf("what nobody else may see is not the administrator's: %s", text)
		}
		h.SignIn(webuitest.Email(access.ReadOnly)).Get(at).Want(http.StatusNotFound)
		for _, path := range []string{at + "/csv", at + "/pdf"} {
			manager.Get(path).Want(http.StatusForbidden)
		}
		manager.Post(at+"/end", nil).Want(http.StatusForbidden)
		if n := strings.Count(strings.Join(manager.Get("/notifications").Texts("main"), " "), "You are asked who may keep access"); n != 1 {
			t.Errorf("the manager was told %d times", n)
		}
	})
	page := manager.Get(at)
	answer := func(c *webuitest.Client, line, say, why string) *webuitest.Page {
		return c.Post(at+"/answer", url.Values{"answer-" + line: {say}, "reason-" + line: {why}})
	}
	t.Run("an answer needs its reason, counts once and is one's own", func(t *testing.T) {
		line := lineOf(t, page, "Floor plan")
		if p := answer(manager, line, "remove", " ").Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("#errors"), "Say why") {
			t.Errorf("without a reason: %s", p.Text("main"))
		}
		answer(editor, line, "keep", "").Want(http.StatusSeeOther) // not hers: it is no line of her form
		answer(manager, line, "remove", "moved on").Want(http.StatusSeeOther)
		answer(manager, line, "keep", "").Want(http.StatusSeeOther)
		if text := admin.Get(at + "?show=removed").Text("main"); !strings.Contains(text, "Floor plan") || !strings.Contains(text, "moved on") {
			t.Errorf("the answer is not kept: %s", text)
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			users, _, err := access.Grants(tx.SQL(), doc)
			if len(users) != 0 {
				t.Errorf("it is still open to %v", users)
			}
			return err
		})
	})
	t.Run("each sort is removed in the ordinary way", func(t *testing.T) {
		answer(manager, lineOf(t, page, "Old script"), "remove", "unused").Want(http.StatusSeeOther)
		if _, _, err := h.Server.APIKeys.Resolve(t.Context(), key, h.Admin().Addr); err == nil {
			t.Error("the key opens something")
		}
		answer(manager, lineOf(t, page, "has the role Creator"), "remove", "left the project").Want(http.StatusSeeOther)
		if role := h.Load("user", h.UserID(access.Creator)).Values.Text("role_name"); role != string(access.ReadOnly) {
			t.Errorf("the role is %s", role)
		}
		answer(manager, lineOf(t, page, "has the role Self-service"), "remove", "left the customer").Want(http.StatusSeeOther)
		if u := h.Load("user", customer); u.Values.Text("role_name") != string(access.SelfService) || !u.Archived {
			t.Errorf("the customer whose role was removed is %s, archived: %v", u.Values.Text("role_name"), u.Archived)
		}
		mine := editor.Get(at)
		answer(editor, lineOf(t, mine, "sees every organization"), "remove", "too wide").Want(http.StatusSeeOther)
		creator := h.Load("user", h.UserID(access.Creator)).Name
		answer(editor, lineOf(t, mine, creator+" is a member"), "remove", "left").Want(http.StatusSeeOther)
		h.View(h.Admin(), func(tx *gate.Tx) error {
			all, _, err := access.GroupOrgs(tx.SQL(), group)
			if err != nil {
				return err
			}
			members, err := access.Members(tx.SQL(), group)
			if all || len(members) != 2 {
				t.Errorf("the group sees all: %v, and has %d members", all, len(members))
			}
			return err
		})
	})
	t.Run("what cannot be removed is told", func(t *testing.T) {
		answer(manager, lineOf(t, page, "has the role Administrator"), "remove", "try it").Want(http.StatusSeeOther)
		if text := admin.Get(at + "?show=removed").Text("main"); !strings.Contains(text, "not removed: This is the last active administrator.") {
			t.Errorf("the page says %s", text)
		}
		if role := h.Load("user", h.UserID(access.Administrator)).Values.Text("role_name"); role != string(access.Administrator) {
			t.Errorf("the last administrator is %s", role)
		}
	})
	t.Run("who forgot is reminded, each time once", func(t *testing.T) {
		for range 2 {
			h.Clock.Advance(80 * time.Hour)
			for range 2 {
				if err := h.Server.Reviews.Run(t.Context(), h.Admin().Tenant); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := strings.Count(h.As(access.Manager).Get("/notifications").Text("main"), "that you have not answered"); n != 2 {
			t.Errorf("the manager was reminded %d times", n)
		}
	})
	admin = h.As(access.Administrator)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("review", at)
	t.Run("what nobody answers lapses, and stays where the campaign does not say otherwise", func(t *testing.T) {
		h.Clock.Advance(9 * 24 * time.Hour)
		for range 2 {
			if err := h.Server.Reviews.Run(t.Context(), h.Admin().Tenant); err != nil {
				t.Fatal(err)
			}
		}
		admin, manager = h.As(access.Administrator), h.As(access.Manager)
		if text := admin.Get(at + "?show=lapsed").Text("main"); !strings.Contains(text, "Payroll") {
			t.Errorf("what was not answered is not listed: %s", text)
		}
		answer(manager, lineOf(t, page, "has the role Read-only"), "keep", "").Want(http.StatusConflict)
		h.View(h.Admin(), func(tx *gate.Tx) error {
			users, _, err := access.Grants(tx.SQL(), closed)
			if len(users) != 1 {
				t.Errorf("what lapsed was removed: %v", users)
			}
			return err
		})
	})
	t.Run("another one removes what lapses", func(t *testing.T) {
		f := with("removes", "1")
		f["sorts"] = []string{"grant"}
		next := admin.Post("/reviews", f).Want(http.StatusSeeOther).To()
		admin.Post(next+"/end", nil).Want(http.StatusSeeOther)
		admin.Post(next+"/end", nil).Want(http.StatusSeeOther)
		h.View(h.Admin(), func(tx *gate.Tx) error {
			users, _, err := access.Grants(tx.SQL(), closed)
			if len(users) != 0 {
				t.Errorf("it is still open to %v", users)
			}
			return err
		})
	})
	t.Run("the evidence agrees with the log, and tells when it was changed", func(t *testing.T) {
		csv := admin.Get(at + "/csv").Want(http.StatusOK).Body
		if !strings.Contains(csv, "moved on") || strings.Contains(csv, ",NO") || strings.Count(csv, ",yes") < 10 {
			t.Errorf("the evidence is %s", csv)
		}
		if pdf := admin.Get(at + "/pdf").Want(http.StatusOK); !strings.HasPrefix(pdf.Body, "%PDF") {
			t.Errorf("the PDF begins with %.20q", pdf.Body)
		}
		if text := admin.Get("/audit?action=review.remove").Text("main"); !strings.Contains(text, "removed in an access review") || !strings.Contains(text, "moved on") {
			t.Errorf("the log says %s", text)
		}
		for _, q := range []string{`update access_review_answer set answer = 'review.keep' where reason = 'moved on'`, `update access_review_line set what = 'is nobody' where what like '%Old script%'`, `delete from access_review_answer where reason = 'unused'`} {
			if err := h.Tenant().DB.Change(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
				t.Fatal(err)
			}
		}
		if csv := admin.Get(at + "/csv").Body; strings.Count(csv, ",NO") != 2 {
			t.Errorf("after it was changed the evidence is %s", csv)
		}
		if text := admin.Get(at).Text("main"); !strings.Contains(text, "2 lines do not agree") {
			t.Errorf("the page says %s", text)
		}
	})
}
