package erasures_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestD18PersonErased: of somebody who is erased nothing is left in any table, in any
// version, in the search and in the audit log, but what somebody said is about another;
// what refers to her keeps its place.
func TestD18PersonErased(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour Dental")
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	rosa := h.Make("contact", org, record.Values{"first_name": "Rosalind", "last_name": "Quist", "title": "Hygienist", "notes": "Left-handed",
		"contact_emails": []map[string]any{{"value": "rosalind@quist.example"}}, "contact_phones": []map[string]any{{"value": "+49 30 901820"}}})
	other := h.Make("contact", org, record.Values{"first_name": "Rosalind", "last_name": "Quistgaard"})
	ticket := h.Make("incident", org, record.Values{"name": "ROSALIND QUIST cannot print", "contact_id": rosa, "description": "<p>Call Rosalind&nbsp;Quist at +49 30 901820</p>", "urgency": "High", "impact": "High"})
	doc := h.Make("document", org, record.Values{"name": "Who to ask", "content": "<p>Ask Quist, Rosalind or write to Rosalind@Quist.example.</p>"})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "document", doc, 0, record.Values{"content": "<p>Ask Rosalind Quist.</p>"})
		return err
	})
	composer := h.Make("document", org, record.Values{"name": "Music on hold", "content": "<p>By the composer Rosalind Quist.</p>"})
	editor.Post("/comments/"+doc.String(), url.Values{"text": {"Rosalind Quist said so"}}).Want(http.StatusSeeOther)
	editor.Upload("/attach/"+doc.String(), url.Values{}, map[string]string{"Rosalind Quist.txt": "a note"})
	at := "/persons/" + rosa.String() + "/erase"

	editor.Get(at).Want(http.StatusForbidden)
	editor.Post(at+"/look", url.Values{"words": {"Rosalind Quist"}, "reason": {"x"}}).Want(http.StatusForbidden)
	admin.Get("/persons/" + doc.String() + "/erase").Want(http.StatusNotFound)
	if p := admin.Get("/contacts/" + rosa.String()).Want(http.StatusOK); !p.Has(`a[href="` + at + `"]`) {
		t.Error("nothing on her page leads there")
	}
	form := admin.Get(at).Want(http.StatusOK).Form(`form[action$="/look"]`)
	for _, w := range []string{"Rosalind Quist", "Quist, Rosalind", "rosalind@quist.example"} {
		if !strings.Contains(form.Get("words"), w) {
			t.Errorf("%q is not put forward: %q", w, form.Get("words"))
		}
	}
	for name, bad := range map[string]string{"words": "Ro", "reason": " "} {
		f := url.Values{"words": {"Rosalind Quist"}, "reason": {"asked"}}
		f.Set(name, bad)
		admin.Post(at+"/look", f).Want(http.StatusUnprocessableEntity)
	}
	admin.Post(at, url.Values{"name": {"Rosalind Quist"}}).Want(http.StatusConflict) // nothing was looked for
	look := func() *webuitest.Page {
		t.Helper()
		form.Set("reason", "Asked for by letter")
		admin.Post(at+"/look", form).Want(http.StatusSeeOther)
		return await(t, admin, at, "Where else")
	}
	look()
	admin.Post(at+"/leave", nil).Want(http.StatusSeeOther)
	if await(t, admin, at, "First see"); h.Load("contact", rosa).Name != "Rosalind Quist" {
		t.Error("looking changed something")
	}
	p := look()
	for _, want := range []string{"cannot print", "Music on hold", "said so", "Rosalind Quist.txt", "Earlier versions"} {
		if !strings.Contains(p.Text("main"), want) {
			t.Errorf("%q is not found: %s", want, p.Text("main"))
		}
	}
	if strings.Contains(p.Text("main"), "Quistgaard") {
		t.Error("somebody else was found")
	}
	if k := admin.Get(at + "/known").Want(http.StatusOK); !strings.Contains(k.Body, "Left-handed") || !strings.Contains(k.Body, "cannot print") {
		t.Errorf("what is known is %s", k.Body)
	}
	if p := admin.Get("/activity/" + rosa.String()).Want(http.StatusOK); !strings.Contains(p.Text("main"), "what is known of a person, as a file") {
		t.Errorf("that it was taken is not recorded: %s", p.Text("main"))
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("erase-found", at)

	admin.Post(at, url.Values{"name": {"Rosalind"}}).Want(http.StatusUnprocessableEntity)
	admin.Post(at+"/hold", url.Values{"hold": {"A dispute"}}).Want(http.StatusSeeOther)
	if p := admin.Post(at, url.Values{"name": {"Rosalind Quist"}}).Want(http.StatusConflict); !strings.Contains(p.Body, "A dispute") {
		t.Error("it does not say what keeps her")
	}
	admin.Post(at+"/hold", url.Values{"hold": {""}}).Want(http.StatusSeeOther)
	keep := p.Attr(`li:has(a[href="/documents/`+composer.String()+`"]) input[name="keep"]`, "value")
	admin.Post(at, url.Values{"name": {"rosalind  quist"}, "keep": {keep}}).Want(http.StatusSeeOther)
	done := await(t, admin, at, "Words replaced")
	if strings.Contains(done.Text("main"), "Quist") {
		t.Errorf("the page says %s", done.Text("main"))
	}

	t.Run("nothing is left in any table", func(t *testing.T) {
		for _, place := range left(h, "rosalind quist", "quist, rosalind", "rosalind@quist", "901820", "left-handed", "hygienist", "asked for by letter") {
			if !strings.HasPrefix(place, "k_document.content: <p>by the composer") && !strings.HasPrefix(place, "search_doc.body: by the composer") {
				t.Error(place)
			}
		}
	})
	t.Run("what somebody said is about another stays", func(t *testing.T) {
		if r := h.Load("document", composer); !strings.Contains(r.Values.Text("content"), "composer Rosalind Quist") {
			t.Errorf("it says %q", r.Values.Text("content"))
		}
		if h.Load("contact", other).Name != "Rosalind Quistgaard" {
			t.Error("somebody else lost her name")
		}
	})
	t.Run("counts keep their places", func(t *testing.T) {
		r, x := h.Load("contact", rosa), h.Load("incident", ticket)
		if !r.Archived || !strings.HasPrefix(r.Name, "Erased person") || r.Values.Text("primary_email") != "" {
			t.Errorf("she is %q, archived %v: %v", r.Name, r.Archived, r.Values)
		}
		if x.Values.ID("contact_id") != rosa || x.Name != r.Name+" cannot print" || x.Version != 1 {
			t.Errorf("the ticket is %q of %v at version %d", x.Name, x.Values.ID("contact_id"), x.Version)
		}
	})
	t.Run("nothing finds her", func(t *testing.T) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			for q, want := range map[string][]id.ID{"rosalind quist": {composer, other}, "rosalind@quist.example": nil, "erased person": {rosa, ticket, doc}} {
				hits, err := search.Find(tx, q, search.Options{})
				if err != nil {
					return err
				}
				found := map[id.ID]bool{}
				for _, hit := range hits {
					found[hit.ID] = true
				}
				for _, rec := range want {
					if !found[rec] {
						t.Errorf("%q does not find %v", q, rec)
					}
				}
				if len(found) != len(want) {
					t.Errorf("%q finds %v, want %v", q, found, want)
				}
			}
			return nil
		})
		if p := editor.Get("/activity").Want(http.StatusOK); strings.Contains(p.Body, "Rosalind Quist<") || strings.Contains(p.Body, "ROSALIND") {
			t.Error("the activity names her")
		}
	})
	t.Run("the audit log verifies, and tells that somebody was erased", func(t *testing.T) {
		rep, err := audit.Verify(t.Context(), h.Tenant().DB, h.Tenant().Audit, h.Tenant().Keys.CheckpointKey)
		if err != nil || rep.Bad != nil || rep.Erased == 0 {
			t.Errorf("%+v, %v", rep, err)
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			list, err := tx.Activity(audit.Filter{Object: rosa, Limit: 100})
			said := false
			for _, e := range list {
				for _, s := range []string{e.Detail.Name, e.Detail.Reason, e.Detail.Text} {
					if strings.Contains(s, "Quist") || strings.Contains(s, "letter") {
						t.Errorf("entry %d, %s, says %q", e.Seq, e.Action, s)
					}
				}
				said = said || e.Action == "erasure.done" && strings.Contains(e.Detail.Text, "words replaced")
			}
			if !said {
				t.Error("no entry tells that she was erased")
			}
			return err
		})
	})
	admin.Post(at+"/look", form).Want(http.StatusConflict)
	admin.Post(at+"/hold", url.Values{"hold": {"x"}}).Want(http.StatusConflict)

	t.Run("a user", func(t *testing.T) {
		user := h.NewUser("ottoline@quist.example", "Ottoline Quist", access.Editor)
		h.See(user, org)
		hers := h.SignIn("ottoline@quist.example")
		hers.Post("/comments/"+doc.String(), url.Values{"text": {"Seen by me"}}).Want(http.StatusSeeOther)
		at := "/persons/" + user.String() + "/erase"
		form := admin.Get(at).Want(http.StatusOK).Form(`form[action$="/look"]`)
		form.Set("reason", "She asked")
		admin.Post(at+"/look", form).Want(http.StatusSeeOther)
		if p := await(t, admin, at, "Where else"); p.Has(`input[name="name"]`) || !strings.Contains(p.Text("main"), "has not left") {
			t.Error("somebody who has not left can be erased")
		}
		admin.Post(at, url.Values{"name": {"Ottoline Quist"}}).Want(http.StatusConflict)
		h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, "user", user, true) })
		admin.Post(at, url.Values{"name": {"Ottoline Quist"}}).Want(http.StatusSeeOther)
		await(t, admin, at, "Words replaced")
		for _, place := range left(h, "ottoline") {
			t.Error(place)
		}
		if p := admin.Get("/documents/" + doc.String()).Want(http.StatusOK); !strings.Contains(p.Body, "Seen by me") || !strings.Contains(p.Body, "Erased person") {
			t.Error("what she said is gone, or nobody said it")
		}
		rep, err := audit.Verify(t.Context(), h.Tenant().DB, h.Tenant().Audit, h.Tenant().Keys.CheckpointKey)
		if err != nil || rep.Bad != nil {
			t.Errorf("%+v, %v", rep, err)
		}
		self := "/persons/" + h.UserID(access.Administrator).String() + "/erase"
		if p := admin.Get(self).Want(http.StatusOK); !strings.Contains(p.Text("main"), "Another administrator") {
			t.Error("somebody may erase herself")
		}
	})
	b.Everywhere("erase-done", at)
}

// await waits until the page says what, and no work goes on.
func await(t *testing.T, c *webuitest.Client, at, what string) *webuitest.Page {
	t.Helper()
	for deadline := time.Now().Add(webuitest.Wait); ; {
		p := c.Get(at).Want(http.StatusOK)
		if strings.Contains(p.Text("main"), what) {
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("the page says %s", p.Text("main"))
		}
	}
}

// left gives the texts of all tables, of whatever type their columns are, in which one of
// the words stands.
func left(h *webuitest.House, words ...string) (out []string) {
	h.View(h.Admin(), func(tx *gate.Tx) error {
		tables, _, err := tx.SQL().Texts()
		for _, table := range tables {
			columns, err := tx.SQL().Columns(table)
			if err != nil {
				return err
			}
			for c := range columns {
				what := `"` + c + `"`
				if table == "search_doc" && strings.HasSuffix(c, "_v") { // PostgreSQL's own type
					what = `cast(` + what + ` as text)`
				}
				rows, err := tx.Query(`select ` + what + ` from "` + table + `"`)
				if err != nil {
					return err
				}
				for rows.Next() {
					text := strings.ReplaceAll(strings.ToLower(fmt.Sprintf("%s", rows.Values()[0])), "quistgaard", "")
					for _, w := range words {
						if strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), w) {
							out = append(out, table+"."+c+": "+text)
						}
					}
				}
				rows.Close()
				if err := rows.Err(); err != nil {
					return err
				}
			}
		}
		return err
	})
	return out
}
