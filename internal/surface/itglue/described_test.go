package itglue_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	urlpath "path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"strongroom/internal/surface/itglue"
	"strongroom/internal/surface/itglue/describe"
)

// promise is what the description of the API says of its answers. It is stricter
// than the description: no attribute may be there that is not told.
type promise struct {
	api   *itglue.API
	mux   *http.ServeMux // finds the call that a request is
	doc   map[string]any
	mu    sync.Mutex
	known map[string]*jsonschema.Resolved // by the schema's text
}

func promised(t testing.TB, api *itglue.API) *promise {
	t.Helper()
	text, err := json.Marshal(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	p := &promise{api: api, mux: http.NewServeMux(), known: map[string]*jsonschema.Resolved{}}
	if err := json.Unmarshal(text, &p.doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range p.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				p.mux.Handle(strings.ToUpper(method)+" "+path, http.NotFoundHandler())
				calls.LoadOrStore(shape(api, strings.ToUpper(method)+" "+path), false)
			}
		}
	}
	everything := describe.Beside()
	for name, s := range p.in("components", "schemas") {
		attributes, ok := dig(s, "properties", "attributes").(map[string]any)
		if !ok {
			continue
		}
		attributes["additionalProperties"] = false
		if slices.ContainsFunc(everything, func(r describe.Resource) bool { return r.Type == name }) {
			var all []any
			for a := range dig(attributes, "properties").(map[string]any) {
				if !strings.HasPrefix(a, "source-") { // only in the list of all relations
					all = append(all, a)
				}
			}
			attributes["required"] = all
		}
	}
	return p
}

func dig(v any, names ...string) any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	return v
}

func (p *promise) in(names ...string) map[string]any {
	m, _ := dig(p.doc, names...).(map[string]any)
	return m
}

// call finds the call that a request is; "" when it is none.
func (p *promise) call(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = regexp.MustCompile(`^https?://[^/]*`).ReplaceAllString(path, "")
	for _, prefix := range []string{"/api", "/v1"} {
		path = strings.TrimPrefix(path, prefix)
	}
	if method == "PUT" {
		method = "PATCH"
	}
	_, pattern := p.mux.Handler(&http.Request{Method: method, Host: "x", URL: &url.URL{Path: urlpath.Clean(path)}})
	return pattern
}

// calls are the shapes of the calls that are described, and whether a test was answered.
var calls sync.Map

// shape is a call without what it is asked for: calls that follow from the declarations of
// kinds are alike for all of them.
func shape(api *itglue.API, call string) string {
	parts := strings.Split(regexp.MustCompile(`\{\w+\}`).ReplaceAllString(call, "{}"), "/")
	for i, p := range parts {
		if api.Records.Kinds.Plural(p) != nil {
			parts[i] = "things"
		}
	}
	return strings.Join(parts, "/")
}

// answered remembers that a test asked a call and was answered.
func (p *promise) answered(method, path string) {
	if c := p.call(method, path); c != "" {
		calls.Store(shape(p.api, c), true)
	}
}

// kept sees that an answer is as it is described.
func (p *promise) kept(t testing.TB, method, path string, r *reply) {
	t.Helper()
	if method == "HEAD" || r.doc == nil {
		return
	}
	pattern := p.call(method, path)
	verb, at, _ := strings.Cut(strings.TrimRight(pattern, "/"), " ")
	answers, ok := dig(p.doc, "paths", at, strings.ToLower(verb), "responses").(map[string]any)
	if !ok {
		return // it is not there, or is no call
	}
	answer, ok := answers[fmt.Sprint(r.status)].(map[string]any)
	if !ok && r.status < 400 {
		t.Errorf("%s: status %d is not described", r.name, r.status)
		return
	}
	if !ok {
		answer = answers["default"].(map[string]any)
	}
	if ref, ok := answer["$ref"].(string); ok {
		answer = p.in("components", "responses", ref[strings.LastIndex(ref, "/")+1:])
	}
	for _, media := range dig(answer, "content").(map[string]any) {
		if s := dig(media, "schema"); s != nil {
			if err := p.schema(t, s).Validate(plain(t, r.body)); err != nil {
				t.Errorf("%s: the answer is not as it is described: %v\n%.2000s", r.name, err, r.body)
			}
		}
	}
}

func plain(t testing.TB, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var reference = regexp.MustCompile(`#/components/schemas/([^"]+)`)

// needed adds the schemas that a text refers to.
func (p *promise) needed(text string, defs map[string]any) {
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		if s := p.in("components", "schemas", m[1]); defs[m[1]] == nil {
			defs[m[1]] = s
			more, _ := json.Marshal(s)
			p.needed(string(more), defs)
		}
	}
}

// schema makes a schema of the document ready for use.
func (p *promise) schema(t testing.TB, s any) *jsonschema.Resolved {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	key, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.known[string(key)]; r != nil {
		return r
	}
	defs := map[string]any{}
	p.needed(string(key), defs)
	text, err := json.Marshal(map[string]any{"$defs": defs, "allOf": []any{s}})
	if err != nil {
		t.Fatal(err)
	}
	var js jsonschema.Schema
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/")), &js); err != nil {
		t.Fatal(err)
	}
	r, err := js.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.known[string(key)] = r
	return r
}

// The document is one of OpenAPI 3.1, holds every call once, and refers to nothing
// that is not in it.
func TestDescription(t *testing.T) {
	h := open(t)
	r := h.ask("", "GET", "/api/v1/openapi.json", nil).is(200)
	official, err := os.ReadFile("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	var js jsonschema.Schema
	if err := json.Unmarshal(official, &js); err != nil {
		t.Fatal(err)
	}
	rules, err := js.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.Validate(plain(t, r.body)); err != nil {
		t.Errorf("not OpenAPI: %v", err)
	}
	broken, _ := plain(t, r.body).(map[string]any)
	delete(broken, "info")
	if rules.Validate(broken) == nil {
		t.Error("the rules find nothing wrong with a document without info")
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/(\w+)/([^"]+)"`).FindAllStringSubmatch(string(r.body), -1) {
		if dig(r.doc, "components", ref[1], ref[2]) == nil {
			t.Errorf("refers to %s, which is not in it", ref[0])
		}
	}
	described := map[string]bool{}
	ids := map[string]string{}
	for path, item := range dig(r.doc, "paths").(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			call := strings.ToUpper(method) + " " + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "{}")
			described[call] = true
			name, _ := dig(op, "operationId").(string)
			if other, twice := ids[name]; twice || name == "" {
				t.Errorf("%s and %s are both %q", call, other, name)
			}
			ids[name] = call
		}
	}
	for _, route := range h.api.Routes() {
		call := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(route, "{}")
		if !strings.HasPrefix(call, "PUT ") && !strings.HasSuffix(call, "/openapi.json") && !described[call] {
			t.Errorf("%s is not described", route)
		}
	}
}
