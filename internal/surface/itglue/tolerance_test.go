package itglue_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/surface/itglue"
)

// orgs makes organizations with these names.
func (h *house) orgs(names ...string) {
	h.t.Helper()
	for _, n := range names {
		h.Org(n)
	}
}

// The tests of this file are the numbered list "what clients force on the
// server" of README.md.

func TestClients01Slashes(t *testing.T) {
	h := open(t)
	h.orgs("A", "B", "C")
	for _, path := range []string{"/organizations", "/organizations/", "//organizations//", "/api/organizations/", "/api/v1/organizations", "/api//v1//organizations/",
		"/organizations/?page[size]=2", "/API/v1/organizations"} {
		h.get(path).shows("data.0.attributes.name", "A")
	}
	h.get("/organizations/?page[size]=2").shows("meta.total-pages", "2")
}

func TestClients02Queries(t *testing.T) {
	h := open(t)
	h.orgs("Acme, Inc", "Beta Ltd", "Gamma")
	for _, c := range []struct{ name, query, want string }{
		{"raw brackets", "filter[name]=Gamma", "Gamma"},
		{"escaped brackets", "filter%5Bname%5D=Gamma", "Gamma"},
		{"plus is a space", "filter[name]=Beta+Ltd", "Beta Ltd"},
		{"%20 is a space", "filter[name]=Beta%20Ltd", "Beta Ltd"},
		{"case does not matter", "filter[name]=gAMMA", "Gamma"},
		{"two values", "filter[name]=Gamma,Beta%20Ltd", "Beta Ltd Gamma"},
		{"escaped comma", `filter[name]=Acme%5C,%20Inc`, "Acme, Inc"},
		{"escaped comma beside another value", `filter[name]=Acme\,+Inc,Gamma`, "Acme, Inc Gamma"},
		{"unescaped comma", "filter[name]=Acme,%20Inc", "Acme, Inc"},
		{"the last of two counts", "filter[name]=Beta&filter[name]=Gamma", "Gamma"},
		{"spelled differently, the last counts", "filter[name]=Beta+Ltd&filter%5Bname%5D=Gamma", "Gamma"},
		{"a page twice", "page[number]=2&page[size]=2&page%5Bsize%5D=2", "Gamma"},
		{"a page twice, differently", "page[size]=50&page[number]=2&page[size]=2", "Gamma"},
		{"broken escape", "filter[name]=100%&page[size]=1", ""},
		{"no text", "filter[name]=%00,%ff", ""},
		{"no text and some", "filter[name]=%00,Gamma", "Gamma"},
	} {
		if got := h.get("/organizations?" + c.query).names("name"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestClients03Pages(t *testing.T) {
	h := open(t)
	h.orgs("A", "B", "C")
	for query, count := range map[string]int{
		`page={"number":1,"size":2}`: 3, `page=%7B%22number%22%3A1%7D`: 3, "page[size]=10000": 3, "page[size]=0": 3, "page[size]=-1": 3,
		"page[size]=x&page[number]=y": 3, "page[number]=0": 3, "page[number]=99999999999999999999": 3, "page[number]=9223372036854775807": 0, "page[size]=2": 2, "page[]=1": 3, "page[number][x]=1": 3,
	} {
		list, _ := h.get("/organizations?" + strings.ReplaceAll(query, `"`, "%22")).at("data").([]any)
		if len(list) != count {
			t.Errorf("%s: %d records, want %d", query, len(list), count)
		}
	}
}

func TestClients04MediaTypes(t *testing.T) {
	h := open(t)
	for _, accept := range []string{"", "*/*", "application/json", "application/json, text/plain, */*", "application/vnd.api+json", "text/html"} {
		h.ask(h.key, "GET", "/organizations", nil, "Accept", accept, "Content-Type", "application/vnd.api+json").is(200)
	}
	n := 0
	for typ, status := range map[string]int{"": 201, "application/json": 201, "application/json; charset=utf-8": 201, "application/vnd.api+json; charset=utf-8": 201,
		"application/x-www-form-urlencoded": 201, "text/plain": 201, "*/*": 201, "broken; type;": 201, "text/xml": 415, "application/xml": 415, "text/html": 415, "multipart/form-data; boundary=x": 415} {
		n++
		r := h.ask(h.key, "POST", "/organizations", body("organizations", attrs{"name": fmt.Sprint("Org ", n)}), "Content-Type", typ)
		if r.is(status); status == 201 && r.header.Get("Content-Type") != "application/vnd.api+json" {
			t.Errorf("the answer's type is %q", r.header.Get("Content-Type"))
		}
	}
}

func TestClients05Links(t *testing.T) {
	h := open(t)
	for i := range 7 {
		h.Org("Org " + strconv.Itoa(i))
	}
	h.Make("location", h.one("organization", "Org 0"), record.Values{"name": "x"})
	for _, start := range []string{"/organizations?page[size]=3&sort=-name&x=a%26b", "/api/v1//organizations/?page%5Bsize%5D=3&sort=-name"} {
		seen := ""
		pages := 0
		for next := any(start); next != nil; pages++ {
			r := h.get(next.(string))
			seen += r.names("name") + " "
			next = r.at("links.next")
			if (next == nil) != (r.at("meta.next-page") == nil) {
				t.Fatalf("links and meta disagree: %s", r.body)
			}
			if next != nil && !strings.HasPrefix(next.(string), h.url) {
				t.Fatalf("not absolute: %v", next)
			}
			r.shows("meta.current-page", strconv.Itoa(pages+1)).shows("meta.total-pages", "3").shows("meta.total-count", "7")
			for _, l := range []string{"links.self", "links.first", "links.last"} {
				h.get(r.at(l).(string))
			}
		}
		if pages != 3 || seen != "Org 6 Org 5 Org 4 Org 3 Org 2 Org 1 Org 0 " {
			t.Errorf("%s: %d pages: %s", start, pages, seen)
		}
	}
	h.get("/organizations?page[size]=3&page[number]=2").shows("meta.prev-page", "1").shows("meta.next-page", "3")
	one := h.get("/locations")
	if l, ok := one.at("links").(map[string]any); !ok || len(l) != 0 {
		t.Errorf("links of a single page: %s", one.body)
	}
	if !one.has("meta.next-page") || one.at("meta.next-page") != nil || !one.has("meta.prev-page") || one.at("meta.prev-page") != nil {
		t.Errorf("meta of a single page: %s", one.body)
	}
	h.get("/organizations?filter[name]=nothing").shows("meta.total-count", "0").shows("meta.next-page", nil)
	h.get("/organizations?page[number]=9").shows("meta.next-page", nil).shows("meta.prev-page", "1")
}

func TestClients06Spelling(t *testing.T) {
	h := open(t)
	typ := h.one("organization_type", "Customer")
	for i, a := range []attrs{
		{"name": "n0", "short-name": "s", "organization-type-id": typ},
		{"name": "n1", "short_name": "s", "organization_type_id": typ.String()},
		{"name": "n2", "shortName": "s", "organizationTypeId": typ},
		{"name": "n3", "Short-Name": "s", "organization_type_id": float64(typ)},
	} {
		for _, kind := range []string{"organizations", "", "organization_types"} {
			a["name"] = fmt.Sprintf("n%d %s", i, kind)
			h.do("POST", "/organizations", body(kind, a), 201).shows("data.attributes.short-name", "s").shows("data.attributes.organization-type-name", "Customer").shows("data.type", "organizations")
		}
	}
	org := h.Org("Org")
	for _, kind := range []string{"configuration-interfaces", "configuration_interfaces"} {
		cfg := h.Make("configuration", org, record.Values{"name": "x", "configuration_type_id": h.one("configuration_type", "Server")})
		h.do("POST", "/configuration_interfaces", body(kind, attrs{"configuration-id": cfg.String(), "ip_address": "10.0.0.1"}), 201).shows("data.type", "configuration-interfaces")
	}
}

func TestClients07ReadOnlyAttributes(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	typ := h.one("configuration_type", "Server")
	cfg := h.Make("configuration", org, record.Values{"name": "srv", "configuration_type_id": typ})
	before := h.get("/configurations/" + cfg.String())
	created := before.at("data.attributes.created-at")
	sent := before.at("data.attributes").(map[string]any)
	sent["notes"] = "changed"
	for k, v := range map[string]any{"created-at": "1999-01-01T00:00:00.000Z", "updated_at": "x", "organization-name": "Other", "configuration-type-name": "Other", "id": 5,
		"resource-url": "x", "my-glue": true, "no-such-thing": attrs{"a": 1}} {
		sent[k] = v
	}
	after := h.do("PATCH", "/configurations/"+cfg.String(), attrs{"data": attrs{"id": "77", "type": "configurations", "attributes": sent}}, 200)
	after.shows("data.id", cfg).shows("data.attributes.notes", "changed").shows("data.attributes.organization-name", "Acme").shows("data.attributes.my-glue", false)
	after.shows("data.attributes.created-at", created)
	doc := h.Make("document", org, record.Values{"name": "doc"})
	h.do("PATCH", "/documents/"+doc.String(), body("documents", attrs{"content": "<p>x</p>", "name": "doc 2"}), 200).shows("data.attributes.content", "").shows("data.attributes.name", "doc 2")
	who, _ := h.user("Editor", false)
	h.do("PATCH", "/users/"+who.String(), body("users", attrs{"first-name": "Robin", "role-name": "Administrator", "email": "x@example.com"}), 200).
		shows("data.attributes.role-name", "Editor").shows("data.attributes.name", "Robin Editor")
}

func TestClients08ZeroValues(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	made := h.do("POST", "/configurations", fmt.Sprintf(`{"meta":{},"links":{"self":null},"jsonapi":{},"data":{"id":"","type":"configurations","relationships":{},"attributes":{
		"id":"","name":"srv","organization-id":%d,"configuration-type-id":%d,"location-id":0,"contact-id":"","warranty-expires-at":"2027-01-01","installed-at":"0001-01-01T00:00:00Z"}}}`,
		org, h.one("configuration_type", "Server")), 201)
	made.shows("data.attributes.installed-at", nil).shows("data.attributes.location-id", nil)
	h.do("PATCH", "/configurations/"+made.id().String(), `{"data":{"id":"","type":"configurations","relationships":{"configuration_interfaces":{"data":[]},"x":null},
		"attributes":{"warranty-expires-at":"0001-01-01T00:00:00Z","organization-id":0,"name":"srv 2"}}}`, 200).
		shows("data.attributes.warranty-expires-at", "2027-01-01").shows("data.attributes.organization-id", org).shows("data.attributes.name", "srv 2")
	h.do("PATCH", "/configurations/"+made.id().String(), body("", attrs{"warranty-expires-at": nil}), 200).shows("data.attributes.warranty-expires-at", nil)
}

func TestClients09DeleteAnswers(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := func() string { return h.Make("password", org, record.Values{"name": "x", "password": "y"}).String() }
	if r := h.do("DELETE", "/passwords/"+pw(), nil, 204); len(r.body) > 0 {
		t.Errorf("204 with a body: %s", r.body)
	}
	h.do("DELETE", "/organizations/"+org.String()+"/relationships/passwords/"+pw(), nil, 200).shows("data.type", "passwords")
	cfg := h.Make("configuration", org, record.Values{"name": "x", "configuration_type_id": h.one("configuration_type", "Server")})
	port := func() string {
		return h.Make("configuration_interface", 0, record.Values{"configuration_id": cfg}).String()
	}
	h.do("DELETE", "/configuration_interfaces/"+port(), nil, 204)
	h.do("DELETE", "/configurations/"+cfg.String()+"/relationships/configuration_interfaces/"+port(), nil, 204)
	h.do("DELETE", "/groups/"+h.Make("group", 0, record.Values{"name": "G"}).String(), nil, 200).shows("data.attributes.name", "G")
	h.do("DELETE", "/configurations/"+cfg.String(), nil, 200).shows("data.id", cfg)
	h.do("DELETE", "/configurations/"+cfg.String(), nil, 404)
}

func TestClients10Errors(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	limited := h.limitedKey(2)
	h.ask(limited, "GET", "/organizations", nil).is(200)
	h.ask(limited, "GET", "/organizations", nil).is(200)
	for _, c := range []struct {
		name, key, method, path string
		body                    any
		status                  int
	}{
		{"no key", "", "GET", "/organizations", nil, 401},
		{"wrong key", "ITG.wrong", "GET", "/organizations", nil, 403},
		{"wrong key of the right form", h.revokedKey(), "GET", "/organizations", nil, 403},
		{"missing", h.key, "GET", "/organizations/99999999", nil, 404},
		{"no id", h.key, "GET", "/organizations/abc", nil, 404},
		{"no such resource", h.key, "GET", "/tickets", nil, 404},
		{"no such method", h.key, "POST", "/documents/" + h.Make("document", org, record.Values{"name": "d"}).String() + "/publish", nil, 404},
		{"nothing at all", h.key, "GET", "/", nil, 404},
		{"no JSON", h.key, "POST", "/organizations", "{", 400},
		{"no data", h.key, "POST", "/organizations", `{"name":"x"}`, 400},
		{"empty body", h.key, "POST", "/organizations", nil, 400},
		{"data is null", h.key, "POST", "/organizations", `{"data":null}`, 400},
		{"data is text", h.key, "POST", "/organizations", `{"data":"x"}`, 400},
		{"attributes are a list", h.key, "POST", "/organizations", `{"data":{"attributes":[]}}`, 400},
		{"two documents", h.key, "POST", "/organizations", `{"data":{}} {}`, 400},
		{"no name", h.key, "POST", "/organizations", body("organizations", attrs{}), 422},
		{"no organization", h.key, "POST", "/locations", body("locations", attrs{"name": "x"}), 422},
		{"an organization that is not there", h.key, "POST", "/locations", body("locations", attrs{"name": "x", "organization-id": 99999999}), 422},
		{"wrong type of value", h.key, "PATCH", "/organizations/" + org.String(), body("organizations", attrs{"name": []int{1}}), 422},
		{"relationships in a change", h.key, "PATCH", "/organizations/" + org.String(), `{"data":{"relationships":{"x":{"data":[{"id":"1"}]}}}}`, 422},
		{"taken name", h.key, "POST", "/contact_types", body("contact-types", attrs{"name": "End User"}), 422},
		{"fixed", h.key, "POST", "/countries", body("countries", attrs{"name": "X"}), 404},
		{"too often", limited, "GET", "/organizations", nil, 429},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := h.ask(c.key, c.method, c.path, c.body).is(c.status)
			if ct := r.header.Get("Content-Type"); ct != "application/vnd.api+json" {
				t.Errorf("type %q", ct)
			}
			if c.status == http.StatusTooManyRequests {
				if n, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || n < 1 {
					t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
				}
			}
		})
	}
	h.ask(h.key, "POST", "/locations", body("locations", attrs{"city": "x", "organization-id": org})).is(422).shows("errors.0.source.pointer", "/data/attributes/name")
	h.ask(h.key, "PATCH", "/organizations", attrs{"data": []any{attrs{"id": org, "attributes": attrs{"name": "ok"}}, attrs{"id": org, "attributes": attrs{"name": ""}}}}).is(422).
		shows("errors.0.source.pointer", "/data/1/attributes/name")
	h.get("/organizations/"+org.String()).shows("data.attributes.name", "Acme")
}

func TestClients12Documents(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	folder := h.Make("document_folder", org, record.Values{"name": "F"})
	h.Make("document", org, record.Values{"name": "root"})
	h.Make("document", org, record.Values{"name": "inside", "document_folder_id": folder})
	at := "/organizations/" + org.String() + "/relationships/documents"
	for query, want := range map[string]string{
		"": "root", "?filter[document_folder_id]=": "root", "?filter[document_folder_id]=null": "root", "?filter[document-folder-id][ne]=null": "inside",
		"?filter[document-folder-id]=" + folder.String(): "inside", "?filter%5Bdocument_folder_id%5D%5Bne%5D=null": "inside",
	} {
		for _, path := range []string{at, "/documents"} {
			if got := h.get(path + query).names("name"); got != want {
				t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
	}
	doc := h.do("POST", at, body("documents", attrs{"name": "new", "content": "<p>ignored</p>"}), 201).shows("data.attributes.content", "").id()
	sections := "/documents/" + doc.String() + "/relationships/sections"
	h.do("POST", sections, body("document-sections", attrs{"resource-type": "Document::Text", "content": "<p>one</p>"}), 201).shows("data.type", "document-sections").
		shows("data.attributes.document-id", doc).shows("data.attributes.rendered-content", "<p>one</p>")
	second := h.do("POST", sections, body("document_sections", attrs{"resource_type": "Document::Heading", "content": "two", "level": 3}), 201)
	if got := h.get(sections).names("rendered-content"); got != "<p>one</p> <h3>two</h3>" {
		t.Errorf("sections: %s", got)
	}
	one := sections + "/" + second.id().String()
	h.do("PATCH", one, body("document-sections", attrs{"sort": 0}), 200)
	if got := h.get(sections).names("content"); got != "two <p>one</p>" {
		t.Errorf("sections after a move: %s", got)
	}
	h.do("PATCH", one, body("document-sections", attrs{"resource-type": "Document::Text"}), 422)
	for _, path := range []string{"/documents/" + doc.String() + "/publish", at + "/" + doc.String() + "/publish"} {
		h.do("PATCH", path, nil, 200).shows("data.attributes.published", true).shows("data.id", doc)
	}
	h.get("/documents/"+doc.String()).shows("data.attributes.content", "<h3>two</h3><p>one</p>")
	h.do("DELETE", one, nil, 200)
	h.do("DELETE", at, ids("documents", doc), 200).shows("data.0.id", doc)
	h.do("GET", sections, nil, 404)
}

func TestClients13And14ParameterNames(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := h.Make("password", org, record.Values{"name": "x", "password": "s3cret"}).String()
	for _, q := range []string{"show_password=false", "show-password=false", "show_password=0", "showPassword=false"} {
		if h.get("/passwords/" + pw + "?" + q).has("data.attributes.password") {
			t.Errorf("%s shows the password", q)
		}
	}
	for _, q := range []string{"", "?show_password=true", "?refresh=8123", "?_=1&refresh=<x>&filter[nothing]=1&include=nothing,such&sort=nothing,-such"} {
		h.get("/passwords/"+pw+strings.NewReplacer("<", "%3C", ">", "%3E").Replace(q)).shows("data.attributes.password", "s3cret")
	}
	for _, q := range []string{"filter[organization-id]=", "filter[organization_id]="} {
		h.get("/passwords?"+q+org.String()).shows("meta.total-count", "1")
		h.get("/passwords?"+q+"9999").shows("meta.total-count", "0")
	}
	h.get("/passwords?filter[nothing]=1&refresh=7").shows("meta.total-count", "1")
	h.get("/organizations?filter[psa_id]=7").shows("meta.total-count", "0")
	h.get("/organizations?filter[organization_id]=&filter[name]=").shows("meta.total-count", "1")
}

func TestClients15Connections(t *testing.T) {
	h := open(t)
	r := h.ask(h.key, "GET", "/organizations", nil)
	if r.header.Get("Connection") != "" || r.header.Get("Content-Length") == "" {
		t.Errorf("the connection does not stay: %v", r.header)
	}
	closing := h.ask(h.key, "GET", "/organizations", nil, "Connection", "close").is(200)
	if !closing.closes {
		t.Errorf("a closed connection is not announced: %v", closing.header)
	}
}

func TestClients16Relationships(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	place := h.Make("location", org, record.Values{"name": "Here"})
	h.Make("contact", org, record.Values{"first_name": "With", "location_id": place})
	h.Make("contact", org, record.Values{"first_name": "Without"})
	r := h.get("/contacts?include=location,passwords,attachments&sort=-first_name")
	for i := range 2 {
		rel, ok := r.at(fmt.Sprintf("data.%d.relationships", i)).(map[string]any)
		if !ok {
			t.Fatalf("no relationships: %s", r.body)
		}
		for n, v := range rel {
			if v == nil || v.(map[string]any)["data"] == nil {
				t.Errorf("%s is null", n)
			}
		}
	}
	r.shows("data.1.relationships.location.data.id", place).shows("included.0.attributes.name", "Here").shows("included.0.type", "locations")
	if r.has("data.0.relationships.location") {
		t.Errorf("a contact without a location has a relationship to one")
	}
}

func TestClients18EmbeddedInterfaces(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	make := func(name string, ports ...any) *reply {
		return h.ask(h.key, "POST", "/configurations", attrs{"data": attrs{"type": "configurations",
			"attributes":    attrs{"name": name, "organization-id": org, "configuration-type-id": h.one("configuration_type", "Server")},
			"relationships": attrs{"configuration_interfaces": attrs{"data": ports}}}})
	}
	port := func(a attrs) attrs { return attrs{"type": "configuration-interfaces", "attributes": a} }
	r := make("srv", port(attrs{"name": "eth0", "ip-address": "10.0.0.1"}), port(attrs{"name": "eth1", "ip_address": "10.0.0.2", "primary": true})).is(201)
	r.shows("data.attributes.primary-ip", "10.0.0.2")
	if got := h.get("/configurations/" + r.id().String() + "/relationships/configuration_interfaces").names("name"); got != "eth0 eth1" {
		t.Errorf("interfaces: %q", got)
	}
	inc := h.get("/configurations?include=configuration_interfaces")
	if list, _ := inc.at("data.0.relationships.configuration-interfaces.data").([]any); len(list) != 2 {
		t.Errorf("included: %s", inc.body)
	}
	make("bad", port(attrs{"ip-address": "<script>"})).is(422)
	h.get("/configurations").shows("meta.total-count", "1")
}

func TestClients19Login(t *testing.T) {
	h := open(t)
	h.Make("user", 0, record.Values{"email": "ada@example.com", "first_name": "Ada", "role_name": "Administrator"})
	h.host = "demo"
	login := func(pass string) *reply {
		return h.ask("", "POST", "/login?generate_jwt=1&sso_disabled=1", attrs{"user": attrs{"email": "ada@example.com", "password": pass, "otp_attempt": ""}}, "Content-Type", "application/json")
	}
	login("wrong").is(401)
	h.ask("", "POST", "/login?generate_jwt=1", "{}").is(400)
	token, _ := login("correct horse").is(200).at("token").(string)
	if token == "" {
		t.Fatal("no token")
	}
	bearer := func(token string) *reply {
		return h.ask("", "GET", "/organizations", nil, "Authorization", "Bearer "+token)
	}
	bearer(token).is(200)
	fresh, _ := h.ask("", "GET", "/jwt/token?refresh_token="+token, nil).is(200).at("token").(string)
	bearer(fresh).is(200)
	bearer(token).is(401)
	h.host = "other"
	bearer(fresh).is(401)
	h.ask(h.key, "GET", "/organizations", nil).is(403)
	h.host = ""
	bearer(fresh).is(200)
	login("correct horse").is(200) // the only tenant needs no name
	h.otherTenant()
	login("correct horse").is(401)
	h.ask("", "POST", "/login?generate_jwt=1", attrs{"tenant": "demo", "user": attrs{"email": "ada@example.com", "password": "correct horse"}}).is(200)
	h.ask("", "GET", "/organizations", nil, "Authorization", "Bearer "+h.key).is(200)
}

func TestTooBigABody(t *testing.T) {
	h := open(t)
	h.do("POST", "/organizations", strings.Repeat(" ", 8<<20+1), 413).
		shows("errors.0.detail", "The body is bigger than 8 MiB. Send it in parts.").shows("errors.0.title", "Request Entity Too Large")
	h.do("POST", "/organizations", `{"data":{"type":"organizations","attributes":{"name":"Wide"}}}`+strings.Repeat(" ", 7<<20), 201)
	org := h.Org("Acme")
	const most = 32 << 20
	wide := &itglue.API{Gate: h.Gate, Records: h.Records, Keys: h.keys, Limiter: h.api.Limiter, Attachments: &attachment.Store{Gate: h.Gate}, Log: h.api.Log, Now: h.Clock.Now}
	server := httptest.NewServer(wide.Handler())
	t.Cleanup(server.Close)
	at := "/organizations/" + org.String() + "/relationships/attachments"
	file := body("attachments", attrs{"attachment": attrs{"content": strings.Repeat("QUJD", most/4), "file_name": "big.bin"}})
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]io.Reader{"with its length": bytes.NewReader(text), "without": io.MultiReader(bytes.NewReader(text))} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+at, b)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", h.key)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 413 || !strings.Contains(string(said), "The body is bigger than 32 MiB. Send a file of this size as multipart/form-data.") {
			t.Errorf("%s: %d %s %v", name, res.StatusCode, said, err)
		}
	}
	if r := h.get(at); r.at("data.0") != nil {
		t.Errorf("a file is left: %s", r.body)
	}
}

// TestEveryToleranceHasATest: the list of what programs force on the server, and of what is
// better here without breaking them, names for each a test of this package that is there.
func TestEveryToleranceHasATest(t *testing.T) {
	there := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(string(text), -1) {
			there[m[1]] = true
		}
	}
	rows := table(t, "tolerances.tsv")
	for i, row := range rows {
		if len(row) != 3 || row[1] == "" {
			t.Fatalf("line %d is no tolerance: %q", i+1, row)
		}
		for name := range strings.SplitSeq(row[2], " ") {
			if !there[name] {
				t.Errorf("%s, %q: there is no %s", row[0], row[1], name)
			}
		}
	}
	for n := range 19 {
		if n >= len(rows) || rows[n][0] != strconv.Itoa(n+1) {
			t.Fatalf("the tolerance %d is missing", n+1)
		}
	}
}
