package webui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/feature/importer/layout/hudu"
	"strongroom/internal/surface/webui/webuitest"
)

// TestImportFromHudu follows an import through Hudu's API, from the address to the records.
func TestImportFromHudu(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		answer := map[string]string{"companies": `{"companies":[{"id":1,"name":"Contoso"}]}`, "articles": `{"articles":[{"id":2,"company_id":null,"name":"For all","content":"<p>x</p>"}]}`}
		sort := strings.TrimPrefix(q.URL.Path, "/api/v1/")
		switch {
		case q.Header.Get("X-Api-Key") != "right-key":
			w.WriteHeader(http.StatusUnauthorized)
		case answer[sort] == "":
			w.WriteHeader(http.StatusNotFound)
		case q.URL.Query().Get("page") != "1":
			_, _ = w.Write([]byte(`{"` + sort + `":[]}`))
		default:
			_, _ = w.Write([]byte(answer[sort]))
		}
	}))
	defer site.Close()
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	h.Server.Importer.Layouts = append(h.Server.Importer.Layouts, hudu.Layout{Client: site.Client(), Pace: time.Microsecond})
	c := h.As(access.Manager)
	for field, form := range map[string]url.Values{"url": {"url": {"hudu"}, "key": {"right-key"}}, "key": {"url": {site.URL}, "company": {"Everybody"}}} {
		if p := c.Post("/imports/hudu", form).Want(http.StatusUnprocessableEntity); !p.Has("details.remote[open] [name="+field+"][aria-invalid]") || strings.Contains(p.Body, "right-key") {
			t.Errorf("without a good %s the page says %s", field, p.Text(".remote"))
		}
	}
	check := c.Post("/imports/hudu", url.Values{"url": {site.URL}, "key": {"wrong-key"}, "company": {"Everybody"}}).Want(http.StatusSeeOther).To()
	if p := c.Get(check); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text("main"), "Hudu refuses the API key.") || strings.Contains(p.Body, "wrong-key") {
		t.Errorf("with a wrong key the page says %d, %s", p.Status, p.Text("main"))
	}
	check = c.Post(check, url.Values{"password": {"right-key"}}).Want(http.StatusSeeOther).To()
	page := c.Get(check).Want(http.StatusOK)
	if s := page.Text(".startbar h2"); s != "3 new" || strings.Contains(page.Body, "right-key") {
		t.Fatalf("the check says %q: %s", s, page.Text("main"))
	}
	at := c.Post(page.Attr(".startbar form", "action"), nil).Want(http.StatusSeeOther).To()
	var state struct{ State, Text string }
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done"; {
		c.Do(http.MethodGet, at, nil, http.Header{"Accept": {"application/json"}}).Want(http.StatusOK).JSON(&state)
		if state.State == "failed" || time.Now().After(deadline) {
			t.Fatalf("the import is %+v", state)
		}
	}
	if h.One("organization", "Contoso") == 0 || h.Load("document", h.One("document", "For all")).Org != h.One("organization", "Everybody") {
		t.Error("what lies in Hudu is not here")
	}
	h.As(access.Editor).Post("/imports/hudu", url.Values{"url": {site.URL}, "key": {"right-key"}}).Want(http.StatusForbidden)
}
