package timesheets_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/timesheet"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestTime goes from a timer on a ticket to the closed month in a spreadsheet.
func TestTime(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	ticket := h.Make(incident.Kind, org, record.Values{"name": "Printer jams", "contact_id": customer})
	hidden := h.Make(incident.Kind, org, record.Values{"name": "Hidden", "contact_id": customer})
	h.Make(timesheet.Rate, 0, record.Values{"name": "Usual", "hourly": "90.00", "round_to": int64(15)})
	h.Make(timesheet.Kind, 0, record.Values{"incident_id": hidden, "minutes": int64(700), "name": "Hidden work"})
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, incident.Kind, hidden, true, nil, nil) })
	editor, manager, reader := h.As(access.Editor), h.As(access.Manager), h.As(access.ReadOnly)
	h.See(h.UserID(access.ReadOnly), org)
	at, timer := "/tickets/"+ticket.String()+"/time", "/tickets/"+ticket.String()+"/timer"
	month := h.Clock.Now().UTC().Format("2006-01")

	t.Run("a timer goes on without the browser", func(t *testing.T) {
		editor.Post(timer, url.Values{"do": {"start"}}).Want(http.StatusSeeOther)
		h.Clock.Advance(20 * time.Minute)
		again := h.SignIn(webuitest.Email(access.Editor)) // another browser
		if got := again.Get("/incidents/" + ticket.String()).Want(http.StatusOK).Text("#hand"); !strings.Contains(got, "Your timer runs20 min") {
			t.Errorf("it says %q", got)
		}
		form := again.Get(at).Want(http.StatusOK).Form("#timer")
		form.Set("name", "=HYPERLINK(1)")
		for range 2 { // the second finds none
			editor.Post(timer, form).Want(http.StatusSeeOther)
		}
		if got := editor.Get(at).Want(http.StatusOK).Text("main"); !strings.Contains(got, "20 min, 30 min billed: 45.00 EUR") {
			t.Errorf("it says %q", got)
		}
	})
	t.Run("by hand", func(t *testing.T) {
		refused := editor.Post(at, url.Values{"minutes": {"2000"}, "name": {"Kept words"}, "billable": {"1"}}).Want(http.StatusUnprocessableEntity)
		if refused.Attr("#f-name", "value") != "Kept words" && !strings.Contains(refused.Body, "Kept words") {
			t.Error("what was typed is lost")
		}
		editor.Post(at, url.Values{"minutes": {"10"}, "name": {"Not billed"}}).Want(http.StatusSeeOther)
		twice := editor.Get(at).Want(http.StatusOK).Form(`form[action$="/time"]`)
		twice.Set("minutes", "5")
		twice.Set("name", "Clicked twice")
		for range 2 {
			editor.Post(at, twice).Want(http.StatusSeeOther)
		}
		if p := editor.Get(at).Want(http.StatusOK); strings.Count(p.Text("main table"), "Clicked twice") != 1 || p.Has(".pager") {
			t.Errorf("after a double click: %s", p.Text("main table"))
		}
		editor.Post("/time_entries/"+strings.TrimPrefix(editor.Get(at).Attr(`main table a[href^="/time_entries/"]`, "href"), "/time_entries/")+"/delete", nil).Want(http.StatusSeeOther)
		reader.Post(at, url.Values{"minutes": {"10"}}).Want(http.StatusForbidden)
		reader.Post(timer, url.Values{"do": {"start"}}).Want(http.StatusForbidden)
		for _, path := range []string{"/time", "/timer"} {
			editor.Post("/tickets/"+hidden.String()+path, url.Values{"minutes": {"10"}, "do": {"start"}}).Want(http.StatusNotFound)
		}
		editor.Get("/tickets/" + customer.String() + "/time").Want(http.StatusNotFound)
		if p := reader.Get(at).Want(http.StatusOK); p.Has("#form") || !strings.Contains(p.Text("main"), "Not billed") {
			t.Error("a reader sees a form, or no entries")
		}
	})
	t.Run("a month", func(t *testing.T) {
		p := editor.Get("/time").Want(http.StatusOK)
		if got := p.Text("main"); !strings.Contains(got, "Harbour Dental") || !strings.Contains(got, "30 min, 30 min billed: 45.00 EUR") || strings.Contains(got, "11 h") {
			t.Errorf("it says %q", got)
		}
		editor.Get("/time/csv?month=" + month).Want(http.StatusForbidden)
		csv := manager.Get("/time/csv?month=" + month).Want(http.StatusOK).Body
		if !strings.Contains(csv, "'=HYPERLINK(1)") || !strings.Contains(csv, "Harbour Dental,Printer jams,Edith Moreau") || strings.Contains(csv, "Hidden") || strings.Count(csv, "\r\n") != 3 {
			t.Errorf("it holds %q", csv)
		}
		editor.Get("/time?month=2026-13").Want(http.StatusUnprocessableEntity)
		manager.Post("/time/close", url.Values{"month": {month}, "on": {"1"}}).Want(http.StatusUnprocessableEntity) // it is not over
		h.Clock.Advance(40 * 24 * time.Hour)
		manager = h.As(access.Manager)
		editor = h.As(access.Editor)
		editor.Post("/time/close", url.Values{"month": {month}, "on": {"1"}}).Want(http.StatusForbidden)
		manager.Post("/time/close", url.Values{"month": {month}, "on": {"1"}}).Want(http.StatusSeeOther)
		if got := editor.Get("/time?month=" + month).Want(http.StatusOK).Text("main"); !strings.Contains(got, "This month is closed") {
			t.Errorf("it says %q", got)
		}
		editor.Post(at, url.Values{"minutes": {"10"}, "worked_on": {month + "-05"}}).Want(http.StatusForbidden)
		manager.Post("/time/close", url.Values{"month": {month}, "on": {"0"}}).Want(http.StatusForbidden)
		h.As(access.Administrator).Post("/time/close", url.Values{"month": {month}, "on": {"0"}}).Want(http.StatusSeeOther)
		editor.Post(at, url.Values{"minutes": {"10"}, "worked_on": {month + "-05"}}).Want(http.StatusSeeOther)
	})
	t.Run("in a browser", func(t *testing.T) {
		b := browser.Open(t, h.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.Editor))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Everywhere("time-ticket", at)
		b.Everywhere("time-month", "/time?month="+month)
	})
}
