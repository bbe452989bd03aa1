package tickets_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/macro"
)

// TestSeveral: what is done to selected tickets is done to each by itself, and what is
// refused is named with the reason.
func TestSeveral(t *testing.T) {
	h := openWorkplace(t, "One", "Two", "Three", "Hidden")
	h.Change(func(tx *gate.Tx) error {
		if _, err := h.Records.Update(tx, incident.Kind, h.tickets[1], 0, record.Values{"category_id": h.One("category", "Hardware"), "team_id": h.team}); err != nil {
			return err
		}
		return h.Records.SetAccess(tx, incident.Kind, h.tickets[3], true, nil, nil)
	})
	m := h.Make(macro.Kind, 0, record.Values{"name": "Tell", "journal_type": "Note", "text": "<p>About {number}</p>", "urgency": "High"})
	editor := h.As(access.Editor)
	var ids []string
	for _, x := range h.tickets {
		ids = append(ids, x.String())
	}
	list := editor.Get("/incidents").Want(http.StatusOK)
	if !strings.Contains(list.Text("main"), "Work on them") || strings.Contains(h.As(access.ReadOnly).Get("/incidents").Body, "Work on them") {
		t.Error("the button is missing, or is shown to who may not")
	}
	form := editor.Post("/incidents/bulk", url.Values{"id": ids[:3], "do": {"work"}, "back": {"/incidents"}}).Want(http.StatusOK).Form("#form")
	editor.Post("/incidents/bulk", form).Want(http.StatusUnprocessableEntity) // nothing was chosen
	form.Set("ids", strings.Join(ids, "."))
	form.Set("to_owner", "me")
	form.Set("to_state", "Active")
	form.Set("macro", m.String())
	form.Set("say", "<p>From the list</p>")
	form.Set("say_type", "Note")
	p := editor.Post("/incidents/bulk", form).Want(http.StatusUnprocessableEntity)
	got := p.Text("main")
	if !strings.Contains(got, "3 incidents stayed as before") || !strings.Contains(got, "It was done to 1 incident.") || !strings.Contains(got, "INC-1001 One") || strings.Contains(got, "INC-1002") || strings.Contains(got, "Hidden") {
		t.Errorf("the report says %q", got)
	}
	two := editor.Get("/incidents/" + ids[1]).Want(http.StatusOK).Text("#msgs")
	for _, want := range []string{"About INC-1002", "From the list", "Status: Logged → Active", "Owner: Edith Moreau", "Urgency: Medium → High"} {
		if !strings.Contains(two, want) {
			t.Errorf("%q is not there: %s", want, two)
		}
	}
	if one := editor.Get("/incidents/" + ids[0]).Want(http.StatusOK).Text("#msgs"); strings.Contains(one, "From the list") || strings.Contains(one, "About INC") || strings.Contains(one, "Edith") {
		t.Errorf("half of it was done to the first: %s", one)
	}
	if r := h.Load(incident.Kind, h.tickets[3]); r.Values.ID("owner_id") != 0 {
		t.Error("it was done to a ticket that she does not see")
	}
}
