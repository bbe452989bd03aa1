package tickets_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/surface/webui/webuitest"
)

// workplace is a house with a team, a customer and some tickets.
type workplace struct {
	*webuitest.House
	org, team, customer id.ID
	tickets             []id.ID
}

func openWorkplace(t *testing.T, subjects ...string) *workplace {
	t.Helper()
	h := &workplace{House: webuitest.Open(t, webuitest.Options{})}
	h.org = h.Org("Harbour Dental")
	h.team = h.One("team", "Service desk")
	h.customer = h.Make("contact", h.org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	for _, s := range subjects {
		h.tickets = append(h.tickets, h.Make(incident.Kind, h.org, record.Values{"name": s, "contact_id": h.customer}))
	}
	return h
}

// TestOwnQueues: queues are saved by conditions, for oneself, a team or everybody, and show
// each reader what she may see.
func TestOwnQueues(t *testing.T) {
	h := openWorkplace(t, "Printer jams", "Mailbox 100%_full", "Printer is loud")
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "team", h.team, 0, record.Values{"member_ids": []id.ID{h.UserID(access.Editor)}})
		return err
	})
	editor, manager, reader := h.As(access.Editor), h.As(access.Manager), h.As(access.ReadOnly)
	save := func(c *webuitest.Client, with url.Values) *webuitest.Page {
		t.Helper()
		v := c.Get("/desk/queues/new").Want(http.StatusOK).Form("#form")
		for k, x := range with {
			v[k] = x
		}
		return c.Post("/desk/queues", v)
	}
	p := save(editor, url.Values{"name": {"Printers"}, "q": {"pRINTER"}, "owner": {""}, "sort": {"oldest"}, "cols": {"customer"}}).Want(http.StatusSeeOther)
	mine := p.To()
	p = editor.Get(mine).Want(http.StatusOK)
	if got := p.Texts(".qlist > a b"); strings.Join(got, "|") != "Printer jams|Printer is loud" {
		t.Errorf("it shows %q", got)
	}
	if got := p.Text(".qlist > a"); !strings.Contains(got, "Rosa Lind") || strings.Contains(got, "Harbour") {
		t.Errorf("its lines are %q", got)
	}
	if got := p.Text(`.qlist .panel a[href="` + mine + `"] .n`); got != "2" {
		t.Errorf("its count is %q", got)
	}
	manager.Get(mine).Want(http.StatusNotFound)
	if p := save(editor, url.Values{"name": {"Signs"}, "q": {"0%_f"}, "owner": {""}}); editor.Get(p.To()).Want(http.StatusOK).Count(".qlist > a") != 1 {
		t.Error("signs of a pattern are not taken as they are")
	}
	team := save(editor, url.Values{"name": {"Ours"}, "whose": {h.team.String()}, "owner": {"nobody"}}).Want(http.StatusSeeOther).To()
	manager.Get(team).Want(http.StatusNotFound) // she does not belong to the team
	save(manager, url.Values{"name": {"Theirs"}, "whose": {h.team.String()}}).Want(http.StatusForbidden)
	save(editor, url.Values{"name": {"Everybody's"}, "whose": {"all"}}).Want(http.StatusForbidden)
	all := save(h.As(access.Administrator), url.Values{"name": {"Unowned"}, "whose": {"all"}, "owner": {"nobody"}}).Want(http.StatusSeeOther).To()
	if p := manager.Get(all).Want(http.StatusOK); p.Count(".qlist > a") != 3 {
		t.Errorf("everybody's shows a manager %q", p.Texts(".qlist > a b"))
	}
	if p := reader.Get(all).Want(http.StatusOK); p.Has(".qlist > a") || strings.Contains(p.Body, "Printer") || p.Text(`.qlist .panel a[href="`+all+`"] .n`) != "0" {
		t.Error("who sees no organization sees its tickets in everybody's queue, or their count")
	}
	for field, v := range map[string]url.Values{
		"name": {"name": {" "}}, "owner": {"name": {"x"}, "owner": {"' or 1=1"}}, "status": {"name": {"x"}, "kind": {"task"}, "status": {"Waiting for Customer"}}, "sort": {"name": {"x"}, "sort": {"id; drop"}},
	} {
		p := save(editor, v).Want(http.StatusUnprocessableEntity)
		if !p.Has("#f-" + field + "[aria-invalid]") {
			t.Errorf("%s is not marked: %q", field, p.Text("#form"))
		}
	}
	manager.Post("/desk/queues", url.Values{"remove": {strings.TrimPrefix(mine, "/desk?queue=")}}).Want(http.StatusNotFound)
	again := editor.Get(editor.Get(team).Attr(`.qlist .panel a[href*="from="]`, "href")).Want(http.StatusOK).Form("#form")
	if again.Get("name") != "Ours" || again.Get("whose") != h.team.String() {
		t.Errorf("to change it the form says %v", again)
	}
	editor.Post("/desk/queues", url.Values{"remove": {strings.TrimPrefix(team, "/desk?queue=")}}).Want(http.StatusSeeOther)
	editor.Get(team).Want(http.StatusNotFound)
}
