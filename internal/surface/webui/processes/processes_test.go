package processes_test

import (
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/deed"
	"strongroom/internal/feature/process"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestProcessPages: a process is written and refused with the name of the step that is wrong,
// read in plain words, tried, begun about a ticket and stopped.
func TestProcessPages(t *testing.T) {
	p := &process.Processes{Do: deed.Do}
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) { p.Gate, p.Records, s.Processes = s.Gate, s.Records, p }})
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	ticket := h.Make("incident", org, record.Values{"name": "No mail", "contact_id": customer})
	number, _ := h.Load("incident", ticket).Values["number"].(int64)
	c := h.As(access.Manager)
	form := url.Values{"name": {"Look into it"}, "of_kind": {"incident"}, "active": {"1"}, "begins": {"by hand"},
		"steps.0.step": {"Write"}, "steps.0.do_kind": {"Add a note"}, "steps.0.value": {"We look into {number}"},
		"steps.1.step": {"Reply"}, "steps.1.do_kind": {"Wait for an entry"}, "steps.1.otherwise": {"Over"},
		"steps.2.step": {"Raise"}, "steps.2.do_kind": {"Set a field"}, "steps.2.field": {"urgency"}, "steps.2.value": {"High"}, "steps.2.if_field": {"impact"}, "steps.2.if_op_kind": {"is"}, "steps.2.if_value": {"High"},
		"steps.3.step": {"Over"}, "steps.3.do_kind": {"End"}}
	page := c.Post("/processes", form).Want(http.StatusUnprocessableEntity)
	if !strings.Contains(page.Text("main"), "Reply waits without an end") || page.Attr(`[name="steps.2.step"]`, "value") != "Raise" {
		t.Errorf("a wait without an end: %s", page.Text("main"))
	}
	form.Set("steps.1.hours", "4")
	at := c.Post("/processes", form).Want(http.StatusSeeOther).To()
	page = c.Get(at + "?try=1").Want(http.StatusOK)
	if !strings.Contains(page.Text("main"), "There is no such ticket") || !strings.Contains(page.Text("main"), "Wait for an entry, 4 hours at the most; otherwise “Over”.") {
		t.Errorf("in plain words: %s", page.Text("main"))
	}
	tried := at + "?try=" + strconv.FormatInt(number, 10)
	if page = c.Get(tried).Want(http.StatusOK); !strings.Contains(page.Text("main"), "Nothing was done.") || !strings.Contains(page.Text("main"), "Skipped") {
		t.Errorf("tried: %s", page.Text("main"))
	}
	path := "/incidents/" + ticket.String()
	begin := c.Get(path).Want(http.StatusOK).Form(`form[action="/settings/processes/start"]`)
	h.As(access.ReadOnly).Post("/settings/processes/start", begin).Want(http.StatusNotFound)
	c.Post("/settings/processes/start", begin).Want(http.StatusSeeOther)
	c.Post("/settings/processes/start", begin).Want(http.StatusSeeOther)
	if err := p.Run(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	if page = c.Get(path).Want(http.StatusOK); !strings.Contains(page.Text(".rail"), "Step 2 of 4: Reply") || page.Count(`form[action="/settings/processes/stop"]`) != 1 {
		t.Errorf("beside the ticket: %s", page.Text(".rail"))
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("process", tried)
	b.Everywhere("process-form", at+"/edit")
	stop := page.Form(`form[action="/settings/processes/stop"]`)
	c.Post("/settings/processes/stop", stop).Want(http.StatusSeeOther)
	if page = c.Get(path).Want(http.StatusOK); !strings.Contains(page.Text(".rail"), "Stopped") {
		t.Errorf("after it was stopped: %s", page.Text(".rail"))
	}
	if page = c.Get(at + "/edit").Want(http.StatusOK); page.Count(`select[name="steps.2.if_field"] option[value="impact"][selected]`) != 1 || page.Count(`select[name="steps.1.otherwise"] option[value="Over"][selected]`) != 1 {
		t.Error("fields and steps are not chosen by their names")
	}

	fails := url.Values{"name": {"Move it"}, "of_kind": {"incident"}, "active": {"1"}, "begins": {"by hand"}, "steps.0.step": {"Move"}, "steps.0.do_kind": {"Move to"}, "steps.0.value": {"Resolved"}}
	begin.Set("what", strings.TrimPrefix(c.Post("/processes", fails).Want(http.StatusSeeOther).To(), "/processes/"))
	c.Post("/settings/processes/start", begin).Want(http.StatusSeeOther)
	if err := p.Run(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	page = c.Get(path).Want(http.StatusOK)
	skip := page.Attr(`.rail a[href^="/settings/processes/skip?"]`, "href")
	if skip == "" || !strings.Contains(page.Text(".rail"), "Move: ") || page.Count(`form[action="/settings/processes/retry"]`) != 1 {
		t.Fatalf("what stands still: %s", page.Text(".rail"))
	}
	b.Everywhere("process-skip", skip)
	h.As(access.ReadOnly).Get(skip).Want(http.StatusNotFound)
	why := c.Get(skip).Want(http.StatusOK).Form(`form[action="/settings/processes/skip"]`)
	if page = c.Post("/settings/processes/skip", why).Want(http.StatusUnprocessableEntity); !strings.Contains(page.Text("main"), "Say why it is skipped") {
		t.Errorf("without a reason: %s", page.Text("main"))
	}
	why.Set("reason", "It was moved already.")
	c.Post("/settings/processes/skip", why).Want(http.StatusSeeOther)
	if page = c.Get(path).Want(http.StatusOK); !strings.Contains(page.Text(".rail"), "skipped a step of a process about it Move: It was moved already.") || page.Has(`.rail a[href^="/settings/processes/skip?"]`) {
		t.Errorf("after it was skipped: %s", page.Text(".rail"))
	}
}
