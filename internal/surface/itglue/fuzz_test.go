package itglue_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRequests: no query and no body makes the server fail.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "passwords", "filter[name]=a,b&sort=-name&include=attachments", "")
	f.Add("GET", "organizations", "filter[range][created_at]=*,2026-01-01&filter[group_id]=1&page[number]=9999999999", "")
	f.Add("POST", "contacts", "show_password=1", `{"data":{"attributes":{"contact-phones":[{"value":1}],"organization-id":"1"}}}`)
	f.Add("PATCH", "groups", "", `{"data":[{"id":1,"attributes":{"accounts-user-ids":[null,{},"x"]}}]}`)
	f.Add("DELETE", "documents", "filter[created_at]=*,*", `{"data":[{"id":"7"}]}`)
	f.Add("GET", "logs", "filter[created_at]=2026-03-01,*&sort=created_at", "")
	f.Add("GET", "expirations", "filter[expiration_date]=a,b&sort=id", "")
	f.Add("POST", "document_images", "", `{"data":{"attributes":{"target":{"type":"gallery","id":{}},"image":{"content":"%"}}}}`)
	h := open(f)
	h.Org("Acme")
	handler := h.api.Handler()
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		switch method {
		case "GET", "POST", "PATCH", "DELETE":
		default:
			t.Skip("no method of the protocol")
		}
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawQuery = "/"+path, query
		r.Header.Set("X-Api-Key", h.key)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s /%q?%q %q: %d %s", method, path, query, body, w.Code, w.Body)
		}
	})
}
