package checklists_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// starter makes a template of all organizations with three tasks.
func starter(h *webuitest.House) id.ID {
	t := h.Make("checklist_template", 0, record.Values{"name": "New starter", "description": "<p>In the first week</p>"})
	for _, n := range []string{"Account", "Laptop", "Badge"} {
		h.Make("checklist_template_task", 0, record.Values{"checklist_template_id": t, "name": n, "days": 2})
	}
	return t
}

// TestChecklistInPages goes the whole way without script.
func TestChecklistInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, template := h.Org("Northbeam"), starter(h)
	c := h.As(access.Administrator)
	start := c.Get("/organizations/" + org.String() + "/checklists").Want(http.StatusOK)
	if !start.Has(`a[href="/checklists/from-template?organization_id=` + org.String() + `"]`) {
		t.Error("the list does not lead to the templates")
	}
	form := c.Get("/checklists/from-template?organization_id=" + org.String() + "&checklist_template_id=" + template.String()).Want(http.StatusOK).Form("form.genform")
	form.Set("due_date", "no day")
	if p := c.Post("/checklists/from-template", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Due") {
		t.Errorf("it says %q", p.Text(".errors"))
	}
	form.Set("due_date", "2026-03-01")
	at := c.Post("/checklists/from-template", form).Want(http.StatusSeeOther).To()
	page := c.Get(at).Want(http.StatusOK)
	if page.Text("h1") != "New starter" || strings.Join(page.Texts("#tasks li b"), " ") != "Account Laptop Badge" || page.Text("#tasks [role=status]") != "0 of 3 done" {
		t.Fatalf("the page is %s", page.Body)
	}
	task := strings.TrimPrefix(page.Attr("#tasks li", "id"), "task-")
	tick := func(on string) *webuitest.Page {
		c.Post("/checklist_tasks/"+task+"/tick", url.Values{"done": {on}}).Want(http.StatusSeeOther)
		return c.Get(at).Want(http.StatusOK)
	}
	if p := tick("1"); p.Text("#tasks [role=status]") != "1 of 3 done" || p.Count("#tasks li.done") != 1 || p.Attr("#task-"+task+"-tick", "aria-pressed") != "true" {
		t.Errorf("after a tick the page is %s", p.Text("#tasks"))
	}
	if p := tick("0"); p.Text("#tasks [role=status]") != "0 of 3 done" {
		t.Errorf("after taking it back the page is %s", p.Text("#tasks"))
	}
	c.Post("/checklist_tasks/"+task+"/place", url.Values{"place": {"2"}}).Want(http.StatusSeeOther)
	c.Post(at+"/tasks", url.Values{"name": {"Keys"}}).Want(http.StatusSeeOther)
	c.Post(at+"/tasks", url.Values{"name": {" "}}).Want(http.StatusUnprocessableEntity)
	if got := strings.Join(c.Get(at).Texts("#tasks li b"), " "); got != "Laptop Badge Account Keys" {
		t.Errorf("the tasks stand as %q", got)
	}
	if p := c.Get("/checklist_tasks/" + task).Want(http.StatusSeeOther); p.To() != at {
		t.Errorf("a task leads to %s", p.To())
	}
	if p := c.Get("/organizations/" + org.String() + "/checklists").Want(http.StatusOK); !strings.Contains(p.Text("tbody"), "0 of 4") {
		t.Errorf("the list says %q", p.Text("tbody"))
	}
	c.Post("/checklist_tasks/"+task+"/delete", nil).Want(http.StatusSeeOther)
	if got := c.Get(at).Text("#tasks [role=status]"); got != "0 of 3 done" {
		t.Errorf("without a task it says %q", got)
	}
	c.Post("/checklist_templates/"+template.String()+"/tasks", url.Values{"name": {"Lunch"}}).Want(http.StatusSeeOther)
	if p := c.Get("/checklist_templates/" + template.String()).Want(http.StatusOK); !strings.Contains(p.Text("#tasks"), "Due after 2 days") || p.Count("#tasks li") != 4 || p.Has("[name=done]") {
		t.Errorf("the template is %s", p.Text("#tasks"))
	}
}

// TestWhoMayTick: who may not change a checklist has no buttons, and is refused.
func TestWhoMayTick(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, template := h.Org("Northbeam"), starter(h)
	list := h.Make("checklist", org, record.Values{"name": "List"})
	task := h.Make("checklist_task", 0, record.Values{"checklist_id": list, "name": "Account"})
	h.See(h.UserID(access.ReadOnly), org)
	h.See(h.UserID(access.Editor), org)
	for role, may := range map[access.Role]bool{access.ReadOnly: false, access.Editor: true} {
		c := h.As(role)
		page := c.Get("/checklists/" + list.String()).Want(http.StatusOK)
		if page.Has("#tasks form") != may {
			t.Errorf("%s has buttons: %v", role, !may)
		}
		want := map[bool]int{true: http.StatusSeeOther, false: http.StatusForbidden}[may]
		c.Post("/checklist_tasks/"+task.String()+"/tick", url.Values{"done": {"1"}}).Want(want)
		c.Post("/checklists/"+list.String()+"/tasks", url.Values{"name": {"x"}}).Want(want)
		if shared := c.Get("/checklist_templates/" + template.String()).Want(http.StatusOK); shared.Has("#tasks form") || shared.Has(`a[href$="/edit"]`) {
			t.Errorf("%s has buttons on a template of all", role)
		}
		c.Post("/checklist_templates/"+template.String()+"/tasks", url.Values{"name": {"x"}}).Want(http.StatusForbidden)
	}
	other := h.Make("checklist", h.Org("Kestrel"), record.Values{"name": "Hidden"})
	hidden := h.Make("checklist_task", 0, record.Values{"checklist_id": other, "name": "Hidden"})
	h.See(h.UserID(access.Lite), org)
	h.As(access.Lite).Post("/checklist_tasks/"+hidden.String()+"/tick", url.Values{"done": {"1"}}).Want(http.StatusNotFound)
}

// TestChecklistByHand ticks and moves with the keyboard, and looks at the pages.
func TestChecklistByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, template := h.Org("Northbeam"), starter(h)
	list := h.Make("checklist", org, record.Values{"name": "List", "due_date": "2026-03-01"})
	for _, n := range []string{"Account", "Laptop", "Badge"} {
		h.Make("checklist_task", 0, record.Values{"checklist_id": list, "name": n, "description": "<p>All of it</p>", "due_date": "2026-02-01"})
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	at := "/checklists/" + list.String()
	b.Visit(at)
	browser.Eval[int](b, `(document.querySelector("#tasks li [name=done]").focus(), 1)`)
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("#tasks [role=status]").textContent == "1 of 3 done" && document.activeElement.name == "done" && document.activeElement.getAttribute("aria-pressed") == "true"`)
	browser.Eval[int](b, `(document.querySelector("#tasks li [aria-label='Down: Account']").focus(), 1)`)
	b.Press(kb.Enter)
	b.Wait(`document.querySelectorAll("#tasks li b")[1].textContent == "Account" && document.activeElement.getAttribute("aria-label") == "Down: Account"`)
	b.Type("#new-task", "Keys")
	b.Press(kb.Enter)
	b.Wait(`document.querySelectorAll("#tasks li").length == 4 && document.activeElement.id == "new-task"`)
	for _, p := range []struct{ name, path string }{{"checklist", at}, {"checklist-template", "/checklist_templates/" + template.String()}, {"from-template", "/checklists/from-template"},
		{"checklists", "/organizations/" + org.String() + "/checklists"}, {"domain-form", "/domains/new?organization_id=" + org.String()}} {
		b.Everywhere(p.name, p.path)
	}
}
