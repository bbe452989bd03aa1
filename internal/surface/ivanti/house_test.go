package ivanti_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/relation"
	"strongroom/internal/surface/ivanti"
)

// calls are the shapes of calls, and whether a test has asked one and was answered.
var calls sync.Map //nolint:gochecknoglobals // the law of TestMain is about all tests together

// shape is a call or a route without the names of objects, records and relationships.
func shape(api *ivanti.API, call string) string {
	method, path, _ := strings.Cut(call, " ")
	path, _, _ = strings.Cut(strings.ToLower(path), "?")
	path = strings.TrimPrefix(strings.TrimPrefix(strings.NewReplacer("//", "/", "('", "/", "')", "").Replace(path), "/heat"), "/api")
	parts := strings.Split(path, "/")
	sets := api.Sets()
	at := slices.IndexFunc(parts, func(p string) bool { return sets[p] != "" || p == "attachments" })
	for i := range parts {
		switch {
		case at < 0 && i == 3 && parts[1] == "rest" && parts[2] != "search" && parts[2] != "authentication" && parts[i] != "new":
			parts[i] = "{id}"
		case i == at && parts[i] != "attachments":
			parts[i] = "{set}"
		case i > at && parts[i] == "$metadata", i > at && parts[i] == "$ref", at < 0 && !strings.HasPrefix(parts[i], "{"), i < at || i == at:
		case i == at+2 && (method == "POST" && api.Related(strings.Split(path, "/")[at], parts[i]) == ""):
			parts[i] = "{action}"
		case i == at+2 && strings.HasSuffix(parts[i], "containsattachment"):
			parts[i] = "{files}"
		case i == at+2:
			parts[i] = "{relationship}"
		default:
			parts[i] = "{id}"
		}
	}
	return method + " " + strings.Join(parts, "/")
}

// TestMain holds the tests to a law: each shape of call that is mounted is asked by one of
// them, and answered. It is asked for when all tests run.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		calls.Range(func(call, asked any) bool {
			if asked == false {
				fmt.Printf("no test asks %s and is answered\n", call)
				code = 1
			}
			return true
		})
	}
	os.Exit(code)
}

// welcome is a way of signing in that knows one address and one password.
type welcome struct{}

func (welcome) Check(_ context.Context, t method.Try) (method.Claim, error) {
	if t.Email != "ada@example.com" || t.Password != "correct horse" {
		return method.Claim{}, fault.New(fault.Unauthorized, "This user name and password do not belong together.")
	}
	return method.Claim{Method: "test", Email: t.Email, Verified: true, Level: 1}, nil
}

// house is a house whose API answers at url, with an organization, a customer of it and
// somebody who works there.
type house struct {
	*coretest.House
	t             testing.TB
	url, key      string
	api           *ivanti.API
	org, customer id.ID
	agent, team   id.ID
	service       id.ID
	category      id.ID
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, House: coretest.Open(t, coretest.Options{Features: feature.All()})}
	keys := &apikey.Keys{Gate: h.Gate}
	api := &ivanti.API{Gate: h.Gate, Records: h.Records, Relations: &relation.Relations{Records: h.Records}, Attachments: &attachment.Store{Gate: h.Gate, Max: 1 << 20}, Keys: keys, Limiter: &apikey.Limiter{Now: h.Clock.Now}, Sessions: &identity.Sessions{Gate: h.Gate, Methods: []method.Password{welcome{}}},
		Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now}
	s := httptest.NewServer(api.Handler())
	t.Cleanup(s.Close)
	h.url = s.URL
	for _, route := range api.Routes() {
		if ivanti.Designed(route) { // TestDesignedObjects asks them
			continue
		}
		calls.LoadOrStore(shape(api, route), false)
	}
	h.api = api
	var err error
	if _, h.key, err = keys.Create(t.Context(), h.Admin(), apikey.New{Name: "program", Role: access.Administrator, Limit: &apikey.Limit{}}); err != nil {
		t.Fatal(err)
	}
	h.org = h.Org("Harbour Dental")
	h.customer = h.Make("contact", h.org, record.Values{"first_name": "Rosa", "last_name": "Lind", "important": true})
	h.agent = h.Make("user", 0, record.Values{"email": "ada@example.com", "first_name": "Ada", "last_name": "Berg", "role_name": string(access.Administrator)})
	h.team = h.Make("team", 0, record.Values{"name": "Service Desk"})
	h.service = h.Make("service", 0, record.Values{"name": "E-mail"})
	h.category = h.Make("category", 0, record.Values{"name": "Delivery", "service_id": h.service})
	return h
}

// answer is an answer, read completely.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	text   string
	doc    map[string]any
}

// do sends a request with the key; body is JSON as a text.
func (h *house) do(method, path, body string, header ...string) *answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "rest_api_key="+h.key)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := &answer{h.t, method + " " + path, resp.StatusCode, resp.Header, string(b), nil}
	if resp.StatusCode < 300 {
		calls.Store(shape(h.api, method+" "+path), true)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && strings.HasPrefix(a.text, "{") {
		if err := json.Unmarshal(b, &a.doc); err != nil {
			h.t.Fatalf("%s: %v: %s", a.what, err, b)
		}
	}
	return a
}

const incidents = "/api/odata/businessobject/incidents"

// list asks for incidents with a filter and gives their subjects.
func (h *house) list(filter string, more ...string) string {
	h.t.Helper()
	v := url.Values{"$orderby": {"Subject"}}
	if filter != "" {
		v.Set("$filter", filter)
	}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	a := h.do("GET", incidents+"?"+v.Encode(), "").want(200)
	var out []string
	for _, x := range a.doc["value"].([]any) {
		out = append(out, x.(map[string]any)["Subject"].(string))
	}
	return strings.Join(out, " ")
}

func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %s", a.what, a.status, status, a.text)
	}
	if _, said := a.doc["message"]; said && status < 300 {
		a.t.Errorf("%s: an answer of success has a member message", a.what)
	}
	return a
}

// fault wants a failure with a code, of which some word is said.
func (a *answer) fault(status int, code, word string) *answer {
	a.t.Helper()
	a.want(status)
	if a.doc["code"] != code || !strings.Contains(a.text, word) {
		a.t.Errorf("%s: %s, want %s and %q", a.what, a.text, code, word)
	}
	if list, ok := a.doc["message"].([]any); !ok || len(list) == 0 {
		a.t.Errorf("%s: no message: %s", a.what, a.text)
	}
	return a
}

func (a *answer) is(name string, want any) *answer {
	a.t.Helper()
	if got := a.doc[name]; got != want {
		a.t.Errorf("%s: %s is %v, want %v", a.what, name, got, want)
	}
	return a
}
