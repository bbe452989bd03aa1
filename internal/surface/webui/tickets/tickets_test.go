package tickets_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/sla"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestDesk goes through a ticket without script: from the queue to its resolution.
func TestDesk(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	h.Make("password", org, record.Values{"name": "Mailbox administrator", "password": "correct horse"})
	h.Make("document", org, record.Values{"name": "How mailbox moves are done"})
	problem := h.Make("problem", org, record.Values{"name": "Mailbox moves stall", "category_id": h.One("category", "Software"), "root_cause": "<p>Index</p>", "workaround": "<p>Restart the mover</p>"})
	hours := h.Make(sla.Calendar, 0, record.Values{"name": "Office", "zone": "Europe/Berlin", "monday": "09:00-12:00, 13:00-18:00"})
	h.Make(sla.Agreement, 0, record.Values{"name": "Standard", "calendar_id": hours, "targets": []map[string]any{{"measure": "response", "hours": 1}, {"measure": "resolution", "hours": 4}}})
	ticket := h.Make(incident.Kind, org, record.Values{"name": "Mailbox is not delivered", "contact_id": customer, "urgency": "High", "impact": "High"})
	at, form := "/incidents/"+ticket.String(), "/tickets/"+ticket.String()
	editor, reader := h.As(access.Editor), h.As(access.ReadOnly)

	t.Run("queue", func(t *testing.T) {
		p := editor.Get("/desk").Want(http.StatusOK)
		if p.Count(".qlist > a") != 2 || !strings.HasPrefix(p.Attr(".qlist > a", "href"), at) || !strings.Contains(p.Text(".qlist > a"), "P1 critical") {
			t.Errorf("the queue shows %q", p.Texts(".qlist > a"))
		}
		if p := editor.Get("/desk?queue=mine").Want(http.StatusOK); p.Has(".qlist > a") {
			t.Errorf("hers are %q", p.Texts(".qlist > a"))
		}
		if p := reader.Get("/desk?queue=all").Want(http.StatusOK); strings.Contains(p.Body, "Mailbox") || p.Has(".qlist > a") {
			t.Error("who sees no organization sees its tickets in the queue, or their count")
		}
		editor.Get("/desk?queue=theirs").Want(http.StatusNotFound)
		reader.Get(at).Want(http.StatusNotFound)
		reader.Post(form+"/say", url.Values{"journal_type": {"Note"}, "notes_body": {"<p>Me too</p>"}}).Want(http.StatusNotFound)
		editor.Post("/tickets/"+customer.String()+"/take", nil).Want(http.StatusNotFound)
	})
	t.Run("clocks", func(t *testing.T) { // it is ten in Berlin, on a Monday
		h.Clock.Advance(10 * time.Minute)
		if got := editor.Get("/desk?queue=due").Want(http.StatusOK).Text(".qlist > a"); !strings.Contains(got, "50 min left") {
			t.Errorf("the queue of what is due says %q", got)
		}
		p := editor.Get(at).Want(http.StatusOK)
		if got := p.Text(".slabox"); !strings.Contains(got, "First response50 min leftResolution4 h 50 min left") { // lunch is between
			t.Errorf("the page says %q", got)
		}
		why := editor.Get(p.Attr(".slabox a.more", "href")).Want(http.StatusOK).Text("main")
		for _, want := range []string{"Mon 2 Mar, 10:0010:10Counted: Logged10 min10 min", "Mon 2 Mar, 13:0015:00To come2 h4 h", "Europe/Berlin"} {
			if !strings.Contains(why, want) {
				t.Errorf("%q is not among the reasons: %s", want, why)
			}
		}
		reader.Get(form + "/clocks").Want(http.StatusNotFound)
		if got := editor.Get("/problems/" + problem.String() + "").Want(http.StatusOK); got.Has(".slabox") {
			t.Error("a problem has clocks")
		}
	})
	t.Run("at hand", func(t *testing.T) {
		p := editor.Get(at).Want(http.StatusOK)
		hand := p.Text("#hand")
		for _, want := range []string{"Mailbox administrator", "How mailbox moves are done", "Known error", "Restart the mover", "Rosa Lind"} {
			if !strings.Contains(hand, want) {
				t.Errorf("%q is not at hand: %s", want, hand)
			}
		}
		if strings.Contains(p.Body, "correct horse") || !p.Has("#hand sr-secret form") {
			t.Error("the password is on the page, or cannot be revealed there")
		}
		if !strings.Contains(editor.Get("/problems/"+problem.String()).Want(http.StatusOK).Text("#hand"), "Mailbox is not delivered") {
			t.Error("a problem does not show the incident like it")
		}
	})
	t.Run("taken", func(t *testing.T) {
		for range 2 { // again changes nothing
			editor.Post(form+"/take", nil).Want(http.StatusSeeOther)
		}
		p := editor.Get(at + "?queue=mine").Want(http.StatusOK)
		if got := p.Text(".msgs"); strings.Count(got, "Owner: Edith Moreau") != 1 || p.Count(".qlist > a[aria-current]") != 1 {
			t.Errorf("the timeline shows %q", got)
		}
	})
	t.Run("moves", func(t *testing.T) {
		p := editor.Get(at).Want(http.StatusOK)
		if p.Has(`.moves form[action$="/move"] [value="Resolved"]`) || p.Attr(`.moves a[href*="to=active"]`, "href") == "" {
			t.Errorf("the moves are %q", p.Texts(".moves .btn"))
		}
		editor.Get(form + "/move?to=resolved").Want(http.StatusNotFound) // not declared from here
		if p := editor.Post(form+"/move", url.Values{"to": {"Resolved"}}).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("#form"), "may become Active") {
			t.Errorf("an undeclared move: %q", p.Text("main"))
		}
		if p := editor.Post(form+"/move", url.Values{"to": {"Active"}}).Want(http.StatusUnprocessableEntity); !p.Has("#f-category_id") || !p.Has("#f-team_id") || p.Has("#f-resolution") {
			t.Errorf("what is needed is not asked: %q", p.Text("#form"))
		}
		p = editor.Get(form + "/move?to=active").Want(http.StatusOK)
		v := p.Form("#form")
		v.Set("category_id", h.One("category", "Software").String())
		if p := editor.Post(form+"/move", v).Want(http.StatusUnprocessableEntity); !p.Has("#f-team_id[aria-invalid]") || p.Attr("#f-category_id option[selected]", "value") != v.Get("category_id") {
			t.Error("what was chosen is lost, or the missing team is not marked")
		}
		v.Set("team_id", h.One("team", "Service desk").String())
		editor.Post(form+"/move", v).Want(http.StatusSeeOther)
		if got := editor.Get(at).Want(http.StatusOK).Text(".msgs"); !strings.Contains(got, "Status: Logged → Active") || !strings.Contains(got, "Team: Service desk") {
			t.Errorf("the timeline says %q", got)
		}
	})
	t.Run("journal", func(t *testing.T) {
		p := editor.Post(form+"/say", url.Values{"journal_type": {"Reply"}, "notes_body": {`<p>We look into it.<script>alert(1)</script></p>`}, "then": {"Waiting for Customer"}}).Want(http.StatusSeeOther)
		if !strings.HasPrefix(p.To(), at+"#entry-") {
			t.Errorf("it leads to %s", p.To())
		}
		editor.Post(form+"/say", url.Values{"journal_type": {"Note"}, "notes_body": {"<p>Told the carrier</p>"}}).Want(http.StatusSeeOther)
		p = editor.Get(at).Want(http.StatusOK)
		if p.Text(".msg.out .prose") != "We look into it." || p.Text(".msg.note .prose") != "Told the carrier" || strings.Contains(p.Body, "alert(1)") || !strings.Contains(p.Text(".th .st"), "Waiting") {
			t.Errorf("the timeline shows %q", p.Text(".msgs"))
		}
		if got := p.Text(".slabox"); !strings.Contains(got, "First responseMet in 10 min") || !strings.Contains(got, "Paused, 3 h 50 min left") {
			t.Errorf("after a reply, waiting for the customer, the clocks say %q", got)
		}
		if !p.Has(".msg.note header a[href$='/edit']") {
			t.Error("its author cannot change it")
		}
		if got := p.Text(".moves .panel"); !strings.Contains(got, "Stop watching") {
			t.Errorf("who wrote is offered %q", got)
		}
		if p := h.As(access.Manager).Get(at).Want(http.StatusOK); p.Has(".msg header a[href$='/edit']") {
			t.Error("another is offered to change it")
		}
		refused := editor.Post(form+"/say", url.Values{"journal_type": {"Note"}, "notes_body": {"<p>Kept text</p>"}, "then": {"Closed"}}).Want(http.StatusUnprocessableEntity)
		if !strings.Contains(refused.Text("#say textarea"), "Kept text") || refused.Attr("#say [checked]", "value") != "Note" || !refused.Has("#say .errors") {
			t.Errorf("what was typed is lost: %q", refused.Text("#say"))
		}
		if strings.Contains(editor.Get(at).Want(http.StatusOK).Text(".msgs"), "Kept text") {
			t.Error("half of it was done")
		}
	})
	t.Run("in a browser", func(t *testing.T) {
		b := browser.Open(t, h.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.Editor))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Everywhere("ticket", at+"?queue=all")
		b.Shot("ticket")
		b.Visit(form + "/clocks")
		b.Axe("why")
		b.Shot("why")
		b.Visit(at + "?queue=all")
		b.Wait(`document.querySelector("#say .ProseMirror")`)
		b.Press("j")
		b.Wait(`document.activeElement.matches(".qlist > a")`)
		b.Press("n")
		b.Wait(`document.activeElement.matches("#say .ProseMirror") && document.querySelector("[value=Note]").checked`)
		b.Press("From the keyboard")
		b.Press(kb.Enter, chromedp.ModifierCtrl)
		b.Wait(`[...document.querySelectorAll(".msg.note")].some((m) => m.textContent.includes("From the keyboard"))`)
		b.Phone()
		b.Visit(at + "?queue=all#hand")
		b.Wait(`!document.querySelector("#thread").offsetParent && document.querySelector("#hand").offsetParent`)
		b.Shot("ticket-phone-hand")
		b.Visit(at + "?queue=all#queue")
		b.Wait(`!document.querySelector("#thread").offsetParent && document.querySelector("#queue").offsetParent`)
	})
	t.Run("resolved", func(t *testing.T) {
		p := editor.Get(form + "/move?to=resolved").Want(http.StatusOK)
		v := p.Form("#form")
		v.Set("resolution", "<p>Restarted the mover</p>")
		v.Set("cause_code", "Software")
		editor.Post(form+"/move", v).Want(http.StatusSeeOther)
		if got := editor.Get(at).Want(http.StatusOK).Text("#thread"); !strings.Contains(got, "Restarted the mover") || !strings.Contains(got, "changed Resolution") {
			t.Errorf("the page says %q", got)
		}
	})
}
