package webui_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestScheduledExport: the page plans exports, makes one now, and gives it sealed.
func TestScheduledExport(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	c := h.As(access.Administrator)
	h.As(access.Manager).Get("/exports").Want(http.StatusForbidden)
	c.Get("/exports").Want(http.StatusOK)
	private, public, err := agefile.Key()
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"every": {"week"}, "weekday": {"1"}, "time": {"02:30"}, "keep": {"3"}, "secrets": {"0"}, "recipients": {"age1nonsense"}}
	if p := c.Post("/exports", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Line 1 is no public key of age.") || p.Attr(`[name="time"]`, "value") != "02:30" {
		t.Errorf("a key that is none is answered with %s", p.Text(".errors"))
	}
	form.Set("recipients", public)
	c.Post("/exports", form).Want(http.StatusSeeOther)
	page := c.Get("/exports").Want(http.StatusOK)
	if !strings.Contains(page.Text("main"), "Next:") || !strings.Contains(page.Text("main"), "Nothing was exported yet.") {
		t.Errorf("the page says %s", page.Text("main"))
	}
	c.Post("/exports/now", nil).Want(http.StatusSeeOther)
	file := ""
	for deadline := time.Now().Add(webuitest.Wait); file == "" && time.Now().Before(deadline); {
		if page = c.Get("/exports"); page.Has(`a[href$="/file"]`) {
			file = page.Attr(`a[href$="/file"]`, "href")
		}
	}
	if file == "" {
		t.Fatalf("nothing was made: %s", c.Get("/exports").Text("main"))
	}
	sealed := c.Get(file).Want(http.StatusOK)
	var zip bytes.Buffer
	if err := agefile.Open(&zip, strings.NewReader(sealed.Body), private, ""); err != nil || !strings.HasPrefix(zip.String(), "PK") {
		t.Errorf("the file cannot be opened: %v", err)
	}
	h.As(access.Manager).Get(file).Want(http.StatusForbidden)

	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	for _, look := range []string{"light", "dark", "phone"} {
		b.Desktop()
		b.Dark(look == "dark")
		if look == "phone" {
			b.Phone()
		}
		b.Visit("/exports")
		b.NoSideScroll("exports " + look)
		b.Axe("exports " + look)
		b.FullShot("exports-" + look)
	}
	c.Post(strings.TrimSuffix(file, "/file")+"/delete", nil).Want(http.StatusSeeOther)
	c.Get(file).Want(http.StatusNotFound)
}

// TestWhoGetsPasswordsInExports: the page keeps the setting and shows it; managers do
// not reach it.
func TestWhoGetsPasswordsInExports(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Administrator)
	h.As(access.Manager).Post("/exports/policy", url.Values{"who": {"everybody"}}).Want(http.StatusForbidden)
	for _, who := range []string{"nobody", "administrators", "everybody"} {
		c.Post("/exports/policy", url.Values{"who": {who}}).Want(http.StatusSeeOther)
		if p := c.Get("/exports").Want(http.StatusOK); !p.Has(`select[name=who] option[value=` + who + `][selected]`) {
			t.Errorf("%s is not chosen", who)
		}
	}
	for _, on := range []string{"1", ""} { // sealed fields too, or not
		c.Post("/exports/policy", url.Values{"who": {"everybody"}, "fields": {on}}).Want(http.StatusSeeOther)
		if p := c.Get("/exports").Want(http.StatusOK); p.Has(`input[name=fields][checked]`) != (on != "") {
			t.Errorf("sealed fields %q: the tick is wrong", on)
		}
	}
	c.Post("/exports/policy", url.Values{"who": {"whoever"}}).Want(http.StatusUnprocessableEntity)
	c.Post("/exports/policy", nil).Want(http.StatusUnprocessableEntity)
}
