// Package own answers with what Strongroom has and the protocol that programs are
// written for does not: comments, flags of records, notices, trackers and runbooks, in
// that protocol's own style.
//
// Always true: each answer is what the feature gives its caller in one transaction; what
// she may not see looks as if it did not exist; a call that changes something goes
// through the feature, which records it.
package own

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/tracker"
)

// Things are the features. What is nil is left out.
type Things struct {
	Gate     *gate.Gate
	Records  *record.Engine
	Comments *comment.Comments
	Trackers *tracker.Checker
	Runbooks *runbook.Runbooks
}

// Call is a request of a known caller.
type Call struct {
	Things
	W      http.ResponseWriter
	R      *http.Request
	Ctx    context.Context //nolint:containedctx // the life of a call is that of its request
	Caller *access.Caller
	Query  jsonapi.Query
	Host   string // before the addresses of answers

	Item   func() (jsonapi.Item, error)                       // reads the body
	ID     func(name string) (id.ID, error)                   // of the path
	Answer func(status int, body []byte) error                // sends a document
	Page   func(items [][]byte, total int64) error            // sends a page of a list
	URL    func(b []byte, kind string, org, rec id.ID) []byte // appends the address of a record for people
}

// Does says what a call does; the words are those of package describe.
type Does int

// What calls do.
const (
	List Does = iota
	All
	Get
	CreateOne
	Update
	Replace
	Remove
	Download
)

// Resource says what the objects of a type hold, as package describe reads it.
type Resource struct {
	Type, One, Many, About string
	Shown, Sent            string // attributes
	Required, Filters      []string
}

// Route is a call that is mounted.
type Route struct {
	Pattern string
	Does    Does
	Type    string
	Do      func(*Call) error
}

// Routes lists the calls.
func (t Things) Routes() []Route {
	out := []Route{
		{"GET /comments", List, "comments", listComments},
		{"GET /comments/{id}", Get, "comments", showComment},
		{"POST /comments", CreateOne, "comments", say},
		{"PATCH /comments/{id}", Update, "comments", editComment},
		{"DELETE /comments/{id}", Remove, "comments", removeComment},
		{"GET /search", All, "search-results", findRecords},
		{"GET /search.json", All, "search-results", findRecords},
		{"GET /records/{id}/flags", All, "record-flags", listFlags},
		{"POST /records/{id}/flags", CreateOne, "record-flags", putFlag},
		{"DELETE /records/{parent}/flags/{id}", Remove, "record-flags", takeFlag},
		{"GET /notifications", List, "notifications", listNotices},
		{"GET /notifications/{id}", Get, "notifications", showNotice},
		{"PATCH /notifications/{id}", Update, "notifications", markNotice},
	}
	if t.Trackers != nil {
		out = append(out,
			Route{"GET /trackers", List, "trackers", listTrackers},
			Route{"GET /records/{id}/trackers", All, "trackers", recordTrackers},
			Route{"GET /records/{id}/trackers/versions", All, "tracker-versions", trackerVersions},
			Route{"POST /records/{id}/trackers/check", All, "trackers", checkNow},
			Route{"PATCH /records/{id}/trackers", Replace, "trackers", pause})
	}
	if t.Runbooks != nil {
		out = append(out,
			Route{"GET /runbooks", List, "runbooks", listRunbooks},
			Route{"GET /runbooks/{id}", Get, "runbooks", showRunbook},
			Route{"POST /runbooks", CreateOne, "runbooks", createRunbook},
			Route{"PATCH /runbooks/{id}", Update, "runbooks", updateRunbook},
			Route{"DELETE /runbooks/{id}", Remove, "runbooks", removeRunbook},
			Route{"GET /runbooks/{id}/files", All, "runbook-files", listMade},
			Route{"POST /runbook_files", CreateOne, "runbook-files", makeRunbook},
			Route{"GET /runbook_files/{id}", Get, "runbook-files", showMade},
			Route{"GET /runbook_files/{id}/download", Download, "runbook-files", downloadMade})
	}
	return out
}

// Resources say what the answers hold.
func (t Things) Resources() []Resource {
	what := "resource-id id; resource-type text; resource-name text; resource-url url; organization-id id"
	out := []Resource{
		{Type: "comments", One: "comment", Many: "comments", About: "What people say about records, in Markdown. Whoever sees the record reads its comments.",
			Shown: what + "; text text; html text; author-id id; author-name text; created-at time; updated-at time",
			Sent:  "resource-id any; text text", Required: []string{"resource-id", "text"}, Filters: []string{"resource-id", "author-id"}},
		{Type: "search-results", One: "record that was found", Many: "records that were found", About: "Records by words, the best first: query, and limit (20, at most 200), kind and filter_organization_id if there is more to say. The id is that of the record.",
			Shown: "name text; resource-type text; organization-id id; organization-name text; resource-url url; archived yes"},
		{Type: "record-flags", One: "flag of a record", Many: "flags of a record", About: "The flags that a record bears; /flags are those of the tenant. The id is that of the flag.",
			Shown: "name text; colour text; meaning text", Sent: "flag-id any", Required: []string{"flag-id"}},
		{Type: "notifications", One: "notification", Many: "notifications", About: "The notices of who asks, the newest first.",
			Shown: "topic text; text text; caused-by text; resource-id id; resource-type text; read yes; created-at time", Sent: "read yes", Filters: []string{"topic", "unread"}},
	}
	if t.Trackers != nil {
		out = append(out,
			Resource{Type: "trackers", One: "tracker", Many: "trackers", About: "What is watched outside: registration of domains, DNS, mail records, certificates. The worst come first.",
				Shown: what + "; tracker text; level text; summary text; findings objects; fields object; paused yes; error text; hint text; failures integer; checked-at time; changed-at time; next-at time",
				Sent:  "paused yes", Filters: []string{"organization-id", "tracker", "problems", "name"}},
			Resource{Type: "tracker-versions", One: "version of what a tracker found", Many: "versions of what a tracker found", Shown: "tracker text; facts text; created-at time", Filters: []string{"tracker"}})
	}
	if t.Runbooks != nil {
		out = append(out,
			Resource{Type: "runbooks", One: "runbook", Many: "runbooks", About: "Chosen parts of an organization, or of all, as one PDF. A runbook is its owner's.",
				Shown:    "name text; organization-id id; organization-name text; owner-id id; owner-name text; parts objects; archived yes; related yes; size text; rhythm text; day integer; hour integer; minute integer; keep integer; next-at time; stopped text",
				Sent:     "name text; organization-id any; parts objects; archived yes; related yes; size text; rhythm text; day integer; hour integer; minute integer; keep integer",
				Required: []string{"name", "parts"}},
			Resource{Type: "runbook-files", One: "PDF of a runbook", Many: "PDFs of a runbook", Shown: "runbook-id id; state text; error text; file-size integer; pages integer; planned yes; download-url url; created-at time; updated-at time",
				Sent: "runbook-id any", Required: []string{"runbook-id"}})
	}
	return out
}

func (c *Call) view(fn func(*gate.Tx) error) error { return c.Gate.View(c.Ctx, c.Caller, fn) }

func (c *Call) one(status int, item []byte) error {
	return c.Answer(status, append(append([]byte(`{"data":`), item...), '}'))
}

func (c *Call) all(items [][]byte) error {
	return c.Answer(http.StatusOK, append(append([]byte(`{"data":[`), bytes.Join(items, []byte{','})...), "]}"...))
}

func (c *Call) done() error {
	c.W.WriteHeader(http.StatusNoContent)
	return nil
}

// filter gives what a filter asks for, "" when there is none.
func (c *Call) filter(name string) string {
	f, _ := c.Query.Filter(name)
	return strings.TrimSpace(f.Raw)
}

// filterID gives the id that a filter asks for; set when there is such a filter. What is
// no id is one that nothing has.
func (c *Call) filterID(name string) (i id.ID, set bool) {
	s := c.filter(name)
	if s == "" {
		return 0, false
	}
	i, ok := id.Parse(s)
	if !ok {
		i = id.Max
	}
	return i, true
}

// idIn reads an id out of a body.
func idIn(it jsonapi.Item, name string) (id.ID, error) {
	f := record.Field{Name: name, Label: strings.TrimSuffix(name, "_id"), Type: record.Ref, Required: true}
	v, err := f.Parse(it.Attributes[name])
	i, _ := v.(id.ID)
	if err == nil && i == 0 {
		err = missing(name)
	}
	return i, err
}

func boolIn(it jsonapi.Item, name string) (on, set bool, err error) {
	v, set := it.Attributes[name]
	if !set || v == nil {
		return false, false, nil
	}
	switch v := v.(type) {
	case bool:
		return v, true, nil
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b, true, nil
		}
	}
	return false, true, wrong(name, "This must be true or false.")
}
