package tickets_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/macro"
)

// TestMacros: a macro does all of what it says, or nothing; its text holds what it is
// about; and it is for those it is for.
func TestMacros(t *testing.T) {
	h := openWorkplace(t, "Printer <b>jams</b> {agent}", "Another")
	one, two := h.tickets[0].String(), h.tickets[1].String()
	made := func(v record.Values) id.ID { t.Helper(); return h.Make(macro.Kind, 0, v) }
	ask := made(record.Values{"name": "Ask back", "text": "<p>Dear {first_name}, about {number}, {subject}: when did it begin? {agent}</p>"})
	take := made(record.Values{"name": "Take and begin", "shortcut": "1", "journal_type": "Note", "text": "<p>On it for {customer}</p>", "owner": macro.Applier, "to_team_id": h.team, "category_id": h.One("category", "Hardware"), "then": "Active"})
	done := made(record.Values{"name": "Resolve at once", "text": "<p>It is done, {first_name}.</p>", "then": "Resolved"})
	theirs := made(record.Values{"name": "Of the team", "team_id": h.team, "urgency": "High"})
	tasks := made(record.Values{"name": "Of tasks", "ticket_kind": "Tasks", "then": "Accepted"})
	editor, reader := h.As(access.Editor), h.As(access.ReadOnly)
	apply := func(m id.ID) url.Values { return url.Values{"macro": {m.String()}} }

	p := editor.Get("/incidents/" + one).Want(http.StatusOK)
	if got := strings.Join(p.Texts("[data-keys] .panel .btn"), "|"); got != "Ask back|Resolve at once|Take and begin" {
		t.Errorf("there are %q", got)
	}
	if p.Attr("[data-keys] form .btn[data-key]", "data-key") != "1" {
		t.Error("it has no key")
	}
	t.Run("a text is filled in", func(t *testing.T) {
		p := editor.Get("/incidents/" + one + "?macro=" + ask.String()).Want(http.StatusOK)
		if got := p.Text("#say textarea"); !strings.Contains(got, "Dear Rosa, about INC-1001, Printer &lt;b&gt;jams&lt;/b&gt; {agent}: when did it begin? Edith Moreau") {
			t.Errorf("it says %q", got)
		}
		if strings.Contains(p.Text("#msgs"), "Dear Rosa") {
			t.Error("it was sent")
		}
		editor.Get("/incidents/" + one + "?macro=" + theirs.String()).Want(http.StatusForbidden)
	})
	t.Run("all or nothing", func(t *testing.T) {
		p := editor.Post("/tickets/"+two+"/macro", apply(done)).Want(http.StatusUnprocessableEntity)
		if !strings.Contains(p.Text("#say .errors"), "Nothing was done: ") || !strings.Contains(p.Text("#say textarea"), "It is done, Rosa.") || strings.Contains(p.Text("#msgs"), "It is done") {
			t.Errorf("it says %q", p.Text("#say"))
		}
		editor.Post("/tickets/"+one+"/macro", apply(take)).Want(http.StatusSeeOther)
		got := editor.Get("/incidents/" + one).Want(http.StatusOK).Text("#msgs")
		for _, want := range []string{"On it for Rosa Lind", "Status: Logged → Active", "Owner: Edith Moreau", "Team: Service desk"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not there: %s", want, got)
			}
		}
	})
	t.Run("a checklist comes along once, and holds the ticket", func(t *testing.T) {
		list := h.Make("checklist_template", 0, record.Values{"name": "Printers", "holds": true})
		h.Make("checklist_template_task", 0, record.Values{"checklist_template_id": list, "name": "Print a page", "required": true})
		m := made(record.Values{"name": "Printer list", "template_id": list})
		for range 2 {
			editor.Post("/tickets/"+one+"/macro", apply(m)).Want(http.StatusSeeOther)
		}
		for range 2 {
			editor.Post("/tickets/"+one+"/steps", url.Values{"name": {"Sweep up"}}).Want(http.StatusSeeOther)
		}
		editor.Post("/tickets/"+one+"/steps", url.Values{"name": {" "}}).Want(http.StatusUnprocessableEntity)
		reader.Post("/tickets/"+one+"/steps", url.Values{"name": {"x"}}).Want(http.StatusNotFound)
		p := editor.Get("/incidents/" + one)
		if got := p.Text(".stepbox"); !strings.Contains(got, "0 of 2 done") || !strings.Contains(got, "Print a page") || !strings.Contains(got, "required") || p.Has("#add-list") {
			t.Errorf("the list says %q", got)
		}
		said := editor.Post("/tickets/"+one+"/move", url.Values{"to": {"Resolved"}, "resolution": {"<p>Paper</p>"}, "cause_code": {"Hardware"}}).Want(http.StatusUnprocessableEntity)
		if !strings.Contains(said.Text("main"), "Not all is ticked off: Print a page.") || !strings.Contains(said.Body, "Paper") {
			t.Errorf("it is held back with %q", said.Text("main"))
		}
		tick := p.Attr(".stepbox li form", "action")
		reader.Post(tick, url.Values{"done": {"1"}}).Want(http.StatusNotFound)
		for range 2 {
			editor.Post(tick, url.Values{"done": {"1"}}).Want(http.StatusSeeOther)
		}
		if got := editor.Get("/incidents/" + one).Text(".stepbox"); !strings.Contains(got, "1 of 2 done") || !strings.Contains(got, "by Edith Moreau") {
			t.Errorf("ticked, the list says %q", got)
		}
	})
	t.Run("not for everybody", func(t *testing.T) {
		editor.Post("/tickets/"+one+"/macro", apply(theirs)).Want(http.StatusForbidden)
		editor.Post("/tickets/"+one+"/macro", apply(tasks)).Want(http.StatusUnprocessableEntity)
		editor.Post("/tickets/"+one+"/macro", apply(h.customer)).Want(http.StatusNotFound)
		reader.Post("/tickets/"+one+"/macro", apply(take)).Want(http.StatusNotFound)
		h.Change(func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, "team", h.team, 0, record.Values{"member_ids": []id.ID{h.UserID(access.Editor)}})
			return err
		})
		editor.Post("/tickets/"+one+"/macro", apply(theirs)).Want(http.StatusSeeOther)
	})
	t.Run("refused when it is made", func(t *testing.T) {
		for field, v := range map[string]record.Values{
			"text": {"name": "A", "text": "<p>Dear {custmer}</p>"}, "then": {"name": "B", "then": "Acknowledged"}, "name": {"text": "<p>x</p>"},
		} {
			err := h.Gate.Change(t.Context(), h.Admin(), access.Create, gate.Thing{Kind: macro.Kind}, func(tx *gate.Tx) error {
				_, err := h.Records.Create(tx, macro.Kind, v)
				return err
			})
			if fault.Say(err).Fields[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
	})
}

// TestExpandReadsOnce: what takes a placeholder's place is no placeholder and no markup.
func TestExpandReadsOnce(t *testing.T) {
	got := macro.Expand("<p>{customer} {agent} {other} {</p>", map[string]string{"customer": "{agent}<script>", "agent": "Edith"})
	if got != "<p>{agent}&lt;script&gt; Edith {other} {</p>" {
		t.Error(got)
	}
}
