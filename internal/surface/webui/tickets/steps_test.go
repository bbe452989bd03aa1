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
)

// TestOrderOfSteps: the steps of a ticket are moved up and down by buttons, without script, by
// who may change the ticket.
func TestOrderOfSteps(t *testing.T) {
	h := openWorkplace(t, "Move in", "Other", "Hidden")
	h.See(h.UserID(access.ReadOnly), h.org)
	editor, reader := h.As(access.Editor), h.As(access.ReadOnly)
	at := "/incidents/" + h.tickets[0].String()
	for _, name := range []string{"Order", "Unpack", "Hand over"} {
		editor.Post("/tickets/"+h.tickets[0].String()+"/steps", url.Values{"name": {name}}).Want(http.StatusSeeOther)
	}
	order := func() string {
		return strings.Join(editor.Get(at).Want(http.StatusOK).Texts("#steps li b"), ", ")
	}
	press := func(label string) {
		t.Helper()
		p := editor.Get(at).Want(http.StatusOK)
		button := `#steps button[aria-label="` + label + `"]`
		if !p.Has(button) {
			t.Fatalf("there is no %q: %s", label, p.Text("#steps"))
		}
		step := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(p.Attr(button, "id"), "step-"), "-up"), "-down")
		for range 2 { // a place, and not a direction: a second click changes nothing
			editor.Post("/ticket_steps/"+step+"/place", url.Values{"place": {p.Attr(button, "value")}}).Want(http.StatusSeeOther)
		}
	}
	press("Up: Hand over")
	if got := order(); got != "Order, Hand over, Unpack" {
		t.Errorf("after Up: %s", got)
	}
	press("Down: Order")
	if got := order(); got != "Hand over, Order, Unpack" {
		t.Errorf("after Down: %s", got)
	}
	p := editor.Get(at)
	if p.Has(`button[aria-label="Up: Hand over"]`) || p.Has(`button[aria-label="Down: Unpack"]`) {
		t.Error("the first is moved up, or the last down")
	}
	first := "/ticket_steps/" + strings.TrimSuffix(strings.TrimPrefix(p.Attr(`#steps button[aria-label="Up: Unpack"]`, "id"), "step-"), "-up") + "/place"
	editor.Post(first, url.Values{"place": {"x"}}).Want(http.StatusUnprocessableEntity)
	editor.Post(first, url.Values{"place": {"-7"}}).Want(http.StatusSeeOther)
	editor.Post(first, url.Values{"place": {"7000"}}).Want(http.StatusSeeOther)
	if p := reader.Get(at).Want(http.StatusOK); p.Has("#steps form") {
		t.Error("who only reads is offered to move steps")
	}
	reader.Post(first, url.Values{"place": {"0"}}).Want(http.StatusForbidden)
	if got := order(); got != "Hand over, Order, Unpack" {
		t.Errorf("at the end: %s", got)
	}

	t.Run("links stand in the timeline", func(t *testing.T) {
		server := h.Make("configuration", h.org, record.Values{"name": "HOST-1", "configuration_type_id": h.One("configuration_type", "Server")})
		secret := h.Make("configuration", h.org, record.Values{"name": "VAULT-1", "configuration_type_id": h.One("configuration_type", "Server")})
		h.Change(func(tx *gate.Tx) error {
			for _, x := range []id.ID{server, secret, h.tickets[2]} {
				if _, err := h.Server.Relations.Add(tx, h.tickets[0], x, ""); err != nil {
					return err
				}
			}
			if err := h.Records.SetAccess(tx, "configuration", secret, true, nil, nil); err != nil {
				return err
			}
			return h.Records.SetAccess(tx, incident.Kind, h.tickets[2], true, nil, nil)
		})
		p := editor.Get(at).Want(http.StatusOK)
		if got := p.Text("#msgs"); !strings.Contains(got, "linked the configuration HOST-1") || p.Attr(`#msgs a[href="/configurations/`+server.String()+`"]`, "href") == "" {
			t.Errorf("the timeline says %q", got)
		}
		if strings.Contains(p.Body, "VAULT-1") || strings.Contains(p.Text("#msgs"), "Hidden") {
			t.Error("the timeline names what the reader does not see")
		}
		if got := editor.Get(at + "?show=talk").Text("#msgs"); strings.Contains(got, "HOST-1") {
			t.Error("a link is talk")
		}
		h.Change(func(tx *gate.Tx) error {
			list, err := h.Server.Relations.Made(tx, h.tickets[0])
			for _, it := range list {
				if err == nil {
					err = h.Server.Relations.Remove(tx, h.tickets[0], it.ID)
				}
			}
			return err
		})
		p = editor.Get(at).Want(http.StatusOK)
		if got := p.Text("#msgs"); !strings.Contains(got, "unlinked the configuration HOST-1") || strings.Count(got, "linked the configuration HOST-1") != 2 {
			t.Errorf("without the link the timeline says %q", got)
		}
		if strings.Contains(p.Body, "VAULT-1") || strings.Contains(p.Text("#msgs"), "Hidden") {
			t.Error("the timeline names what was linked and the reader does not see")
		}
	})
}
