package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestEveryKindHasItsPages opens the list, a record, both forms and the history
// of every kind.
func TestEveryKindHasItsPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 120})
	h.Make("document_section", 0, record.Values{"document_id": h.Any("document"), "resource_type": "Document::Text", "content": "<p>Another section.</p>"}) // the sample has none
	madeAsset(h, t)
	madeTickets(h)
	c := h.As(access.Administrator)
	own := c.Get("/personal_passwords/new").Want(http.StatusOK).Form("form.genform") // nobody else can make her one
	own.Set("name", "Own bank")
	c.Post("/personal_passwords", own).Want(http.StatusSeeOther)
	for _, k := range h.Records.Kinds.Kinds() {
		if k.Admin {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			list := c.Get("/" + k.Plural).Want(http.StatusOK)
			if list.Text("h1") != k.Labels {
				t.Errorf("the list is headed %q", list.Text("h1"))
			}
			if list.Has("table.dense tbody tr") && list.Has(`.rowform input[name="id"]`) == k.Fixed {
				t.Error("rows can be selected where nothing can be changed, or cannot where it can")
			}
			rid := h.Any(k.Name)
			if rid == 0 {
				t.Fatalf("the sample has no %s; make one here", k.Label)
			}
			at := "/" + k.Plural + "/" + rid.String()
			page := c.Get(at)
			if page.Status == http.StatusSeeOther { // it is looked at where it belongs
				page = c.Get(page.To())
			}
			page.Want(http.StatusOK)
			if page.Text("h1") == "" || k.Scope != record.OfPerson && !strings.Contains(page.Body, h.Load(k.Name, rid).Name[:1]) {
				t.Error("the record's page has no heading")
			}
			c.Get(at + "/history").Want(http.StatusOK)
			if k.Fixed {
				c.Get(at + "/edit").Want(http.StatusNotFound)
				return
			}
			form := c.Get(at + "/edit").Want(http.StatusOK)
			saved := c.Post(at, form.Form("form.genform")).Want(http.StatusSeeOther)
			if saved.To() == "" {
				t.Error("saving a form as it stands leads nowhere")
			}
			c.Get("/" + k.Plural + "/new").Want(http.StatusOK)
			c.Get("/" + k.Plural + "/export").Want(http.StatusOK)
		})
	}
}

// madeTickets makes what the sample company has none of.
func madeTickets(h *webuitest.House) {
	org := h.Any("organization")
	for _, kind := range []string{"problem", "task", "announcement"} {
		h.Make(kind, org, record.Values{"name": "Access points drop clients", "category_id": h.Any("category")})
	}
	h.Make("custom_object", org, record.Values{"name": "Delft", "object_type_id": h.Make("object_type", 0, record.Values{"name": "Agency", "states": []map[string]any{{"state": "Open", "begins": true}}})})
	h.Make("release_milestone", 0, record.Values{"release_id": h.Make("release", org, record.Values{"name": "Spring"}), "name": "Pilot"})
	h.Make("change_template", 0, record.Values{"name": "Restart of a server"})
	h.Make("change_freeze", 0, record.Values{"name": "Year's end", "begins_at": "2026-12-20T00:00:00Z"})
	h.Make("approval_plan", 0, record.Values{"name": "Changes", "of_kind": "change", "phases": []map[string]any{{"name": "Administration", "who": "Administrators", "rule": "Any"}}})
}

// TestSavingAnUntouchedFormChangesNothing: a form shows what a record holds.
func TestSavingAnUntouchedFormChangesNothing(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 120})
	madeAsset(h, t)
	c := h.As(access.Administrator)
	for _, k := range h.Records.Kinds.Kinds() {
		rid := h.Any(k.Name)
		if k.Admin || k.Fixed || rid == 0 {
			continue
		}
		before := h.Load(k.Name, rid)
		form := c.Get("/" + k.Plural + "/" + rid.String() + "/edit").Want(http.StatusOK).Form("form.genform")
		c.Post("/"+k.Plural+"/"+rid.String(), form).Want(http.StatusSeeOther)
		if now := h.Load(k.Name, rid); now.Version != before.Version {
			t.Errorf("%s: version %d became %d: %v became %v", k.Name, before.Version, now.Version, before.Values, now.Values)
		}
	}
}

// TestRolesSeeWhatTheyMayDo: no button leads to a refusal.
func TestRolesSeeWhatTheyMayDo(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 60})
	org := h.Any("organization")
	h.See(h.UserID(access.Lite), org)
	h.See(h.UserID(access.ReadOnly), org)
	conf := first(t, h, "configuration", org)
	for _, r := range access.Roles() {
		c := h.As(r)
		page := c.Get("/configurations/" + conf.String()).Want(http.StatusOK)
		may := map[string]bool{"edit": r != access.Lite && r != access.ReadOnly, "delete": r.May(access.Delete), "archive": r.May(access.Archive)}
		for what, want := range may {
			has := page.Has(`a[href$="/` + what + `"], form[action$="/` + what + `"]`)
			if has != want {
				t.Errorf("%s: the button %s is shown: %v, want %v", r, what, has, want)
			}
			status := http.StatusForbidden
			if want {
				status = http.StatusSeeOther
			}
			switch what {
			case "edit":
				if want {
					status = http.StatusOK
				}
				c.Get("/configurations/" + conf.String() + "/edit").Want(status)
			case "archive":
				c.Post("/configurations/"+conf.String()+"/archive", url.Values{"on": {"0"}}).Want(status)
			}
		}
		export := c.Get("/configurations/export")
		if (export.Status == http.StatusOK) != r.May(access.Export) {
			t.Errorf("%s: the export answers %d", r, export.Status)
		}
	}
}

func first(t *testing.T, h *webuitest.House, kind string, org id.ID) id.ID {
	t.Helper()
	c := h.As(access.Administrator)
	var out struct{ Items []struct{ ID string } }
	c.Get("/refs/" + kind + "?organization_id=" + org.String()).Want(http.StatusOK).JSON(&out)
	if len(out.Items) == 0 {
		t.Fatalf("the organization has no %s", kind)
	}
	i, _ := id.Parse(out.Items[0].ID)
	return i
}
