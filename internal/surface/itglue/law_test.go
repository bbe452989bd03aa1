package itglue_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
)

// elsewhere are calls that are answered in tests of other packages, and why.
var elsewhere = map[string]string{
	"GET /runbook_files/{}/download": "a job makes the PDF: TestRunbooks of internal/surface/webui",
}

// TestMain holds the tests to a law: each call that the API describes is asked by one of
// them, and answered. It is asked for when all tests run.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		var never []string
		calls.Range(func(call, asked any) bool {
			if asked == false && elsewhere[call.(string)] == "" {
				never = append(never, call.(string))
			}
			return true
		})
		slices.Sort(never)
		for _, c := range never {
			fmt.Printf("no test asks %s and is answered\n", c)
			code = 1
		}
	}
	os.Exit(code)
}

// TestBesideFolders: what hangs on a folder, and one thing at a time of what hangs on a
// record, is put there, changed and taken away.
func TestBesideFolders(t *testing.T) {
	w := newWorld(t)
	folder := w.Make("document_folder", w.org, record.Values{"name": "F"})
	for _, host := range []string{"/folders/" + folder.String(), "/configurations/" + w.cfg.String()} {
		files, related := host+"/relationships/attachments", host+"/relationships/related_items"
		for _, at := range []string{files, related} {
			resource := at[strings.LastIndex(at, "/")+1:]
			one := at + "/" + w.do("POST", at, body(resource, w.attributes(resource)), 201).id().String()
			what := map[string]string{files: "name", related: "notes"}[at]
			w.do("PATCH", one, body(resource, attrs{what: "changed.txt"}), 200).shows("data.attributes."+what, "changed.txt")
			w.do("DELETE", one, nil, 200)
			w.do("DELETE", one, nil, 404)
			two := w.do("POST", at, body(resource, w.attributes(resource)), 201).id()
			w.do("DELETE", at, ids(resource, two), 200).shows("data.0.id", two)
			w.get(at).shows("meta.total-count", "0")
		}
	}
	w.do("PATCH", "/folders/"+folder.String()+"/relationships/resource_accesses", attrs{"data": []any{attrs{"type": "resource_accesses", "attributes": w.attributes("resource_accesses")}}}, 200).
		shows("data.0.attributes.accessor-type", "User")

	at := "/documents/" + w.doc.String() + "/relationships/sections"
	section := w.do("POST", at, body("document_sections", w.attributes("document_sections")), 201).id()
	change := attrs{"data": []any{attrs{"type": "document-sections", "attributes": attrs{"id": section, "content": "<p>changed</p>"}}}}
	w.do("PATCH", at, change, 200).shows("data.0.attributes.content", "<p>changed</p>")
	w.do("DELETE", at, ids("document-sections", section), 200)
	w.get(at).shows("meta.total-count", "0")
}

// TestOneOfOurOwn: what has a list has each of it by its id.
func TestOneOfOurOwn(t *testing.T) {
	w := newWorld(t)
	site := w.Make("domain", w.org, record.Values{"name": "acme.example"})
	ada, adas := w.user(access.Manager, false)
	_, bobs := w.user(access.Manager, false)
	said := w.ask(adas, "POST", "/comments", body("comments", attrs{"resource-id": site, "text": "First"})).is(201).id()
	w.get("/comments/"+said.String()).shows("data.attributes.text", "First").shows("data.attributes.author-id", ada)
	w.ask(bobs, "POST", "/comments", body("comments", attrs{"resource-id": site, "text": "Second"})).is(201)
	notice, _ := w.ask(adas, "GET", "/notifications", nil).is(200).at("data.0.id").(string)
	w.ask(adas, "GET", "/notifications/"+notice, nil).is(200).shows("data.attributes.topic", "comment")

	book := w.ask(adas, "POST", "/runbooks", body("runbooks", attrs{"name": "Handbook", "organization-id": w.org, "parts": []any{attrs{"kind": "configuration"}}})).is(201).id()
	w.ask(adas, "GET", "/runbooks/"+book.String(), nil).is(200).shows("data.attributes.name", "Handbook")

	w.api.Trackers.Off, w.jobs.Handlers[tracker.JobKind] = false, w.api.Trackers.Handler()
	w.api.Trackers.Trackers[0].Fetch = func(context.Context, seen.Target) (*seen.Report, error) {
		return nil, fault.New(fault.Unavailable, "Nobody answers.")
	}
	w.do("POST", "/records/"+site.String()+"/trackers/check", nil, 200).shows("data.0.attributes.tracker", "dns")
}
