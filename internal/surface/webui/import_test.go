package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestImport follows an export from the upload to the records.
func TestImport(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	c := h.As(access.Manager)
	check := c.Upload("/imports", nil, map[string]string{"export.zip": export(t)}).Want(http.StatusSeeOther).To()
	page := c.Get(check).Want(http.StatusOK)
	if s := page.Text(".startbar h2"); s != "3 new, 2 skipped" {
		t.Errorf("the check says %q", s)
	}
	for _, want := range []string{"organizations.csv, line 3", "Name is missing", "Unknown Ltd", "wireless.csv"} {
		if !strings.Contains(page.Text("main"), want) {
			t.Errorf("the check does not name %q", want)
		}
	}
	if csv := c.Get(check + "/problems").Want(http.StatusOK).Body; !strings.Contains(csv, "organizations.csv") || !strings.Contains(csv, "severity") {
		t.Errorf("the list of problems is %q", csv)
	}
	if c.Get("/imports").Want(http.StatusOK); h.As(access.Administrator).Get("/organizations").Text("h1") == "" {
		t.Fatal("no list")
	}
	again := c.Post(check, url.Values{"create": {"0", "1"}}).Want(http.StatusSeeOther).To()
	if s := c.Get(again).Text(".startbar h2"); s != "5 new, 1 skipped" {
		t.Errorf("with missing organizations made the check says %q", s)
	}
	at := c.Post(c.Get(again).Attr(".startbar form", "action"), nil).Want(http.StatusSeeOther).To()
	var state struct{ State, Text, Href string }
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done"; {
		c.Do(http.MethodGet, at, nil, http.Header{"Accept": {"application/json"}}).Want(http.StatusOK).JSON(&state)
		if state.State == "failed" || time.Now().After(deadline) {
			t.Fatalf("the import is %+v", state)
		}
	}
	if state.Href != at || !strings.Contains(state.Text, "5 new") {
		t.Errorf("it ended with %+v", state)
	}
	done := c.Get(at).Want(http.StatusOK)
	if !strings.Contains(done.Text("main"), "5 new, 1 skipped") || !done.Has(`a[href="/organizations"]`) {
		t.Errorf("the result says %s", done.Text("main"))
	}
	if h.One("organization", "Fabrikam") == 0 {
		t.Error("nothing is there")
	}
	if s := c.Get("/imports").Text("main"); !strings.Contains(s, "export.zip") || !strings.Contains(s, "Imported") || strings.Contains(s, "not imported yet") {
		t.Errorf("the list says %q", s)
	}
	c.Get(again).Want(http.StatusNotFound)
}

// TestACheckThatIsForgotten: after a start of the server nothing is imported
// with other options than those that were looked at.
func TestACheckThatIsForgotten(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	c := h.As(access.Manager)
	at := c.Upload("/imports", nil, map[string]string{"export.zip": export(t)}).Want(http.StatusSeeOther).To()
	// The upload is there and its check is not, as after a start: nobody has opened its page yet.
	if p := c.Get(at + "/problems").Want(http.StatusNotFound); !strings.Contains(p.Text("main"), "This check is not here any more.") {
		t.Errorf("the list of problems says %q", p.Text("main"))
	}
	if to := c.Post(at+"/start", nil).Want(http.StatusSeeOther).To(); to != at {
		t.Fatalf("the import began: %s", to)
	}
	if p := c.Get(at).Want(http.StatusOK); !strings.Contains(p.Text("body"), "It is checked again: look at the result and the options, then begin.") || p.Text(".startbar h2") != "3 new, 2 skipped" {
		t.Errorf("the page says %s", p.Text("body"))
	}
	if to := c.Post(at+"/start", nil).Want(http.StatusSeeOther).To(); !strings.HasPrefix(to, "/imports/") {
		t.Errorf("the import does not begin: %s", to)
	}
}

// TestAnUploadIsForWhoMadeIt: what lies in an upload is for nobody else but
// administrators, neither to be read nor to be imported or discarded.
func TestAnUploadIsForWhoMadeIt(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	mine := h.As(access.Manager)
	h.NewUser("other@demo.example", "Otto Other", access.Manager)
	other := h.SignIn("other@demo.example")
	at := mine.Upload("/imports", nil, map[string]string{"export.zip": export(t)}).Want(http.StatusSeeOther).To()
	mine.Get(at).Want(http.StatusOK)
	if s := other.Get("/imports").Want(http.StatusOK).Text("main"); strings.Contains(s, "export.zip") {
		t.Errorf("another manager sees the upload: %s", s)
	}
	other.Get(at).Want(http.StatusNotFound)
	other.Post(at, url.Values{"create": {"1"}}).Want(http.StatusNotFound)
	if to := other.Post(at+"/start", nil).Want(http.StatusSeeOther).To(); to != at {
		t.Errorf("another manager imports it: %s", to)
	}
	other.Post(at+"/discard", nil)
	mine.Get(at).Want(http.StatusOK)
	h.As(access.Administrator).Get(at).Want(http.StatusOK)
}

func TestImportOfNoZip(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Manager)
	at := c.Upload("/imports", nil, map[string]string{"export.zip": "no zip at all"}).Want(http.StatusSeeOther).To()
	page := c.Get(at).Want(http.StatusOK)
	if !page.Has(".errors") || page.Has(".startbar") {
		t.Error("it is not said that this is no export, or it can be imported")
	}
	c.Post(at+"/discard", nil).Want(http.StatusSeeOther)
	c.Get(at).Want(http.StatusNotFound)
	c.Post("/imports", url.Values{}).Want(http.StatusUnprocessableEntity)
}
