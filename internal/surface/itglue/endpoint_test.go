package itglue_test

import (
	"bufio"
	"encoding/base64"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// table reads a file of testdata: lines of cells between tabs.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			out = append(out, strings.Split(line, "\t"))
		}
	}
	return out
}

// png is an image of one pixel.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// world is a house with something of everything, and the ids that stand for the
// names in paths.
type world struct {
	*house
	n   int
	org id.ID
	cfg id.ID
	doc id.ID
}

func newWorld(t testing.TB) *world {
	w := &world{house: open(t)}
	w.org = w.Org("Acme")
	w.cfg = w.Make("configuration", w.org, record.Values{"name": "srv", "configuration_type_id": w.one("configuration_type", "Server"), "warranty_expires_at": "2027-01-01"})
	w.doc = w.Make("document", w.org, record.Values{"name": "doc"})
	return w
}

// attributes gives what a POST of a resource sends, different each time.
func (w *world) attributes(resource string) attrs {
	w.n++
	name := "new " + resource + " " + strconv.Itoa(w.n)
	a := attrs{"name": name, "organization_id": w.org}
	switch resource {
	case "configurations":
		a["configuration-type-id"] = w.one("configuration_type", "Server")
	case "configuration_interfaces":
		a = attrs{"name": name, "configuration_id": w.cfg}
	case "contacts":
		a = attrs{"first_name": name, "organization_id": w.org}
	case "models":
		a["manufacturer-id"] = w.maker()
	case "passwords":
		a["password"] = "s3cret"
	case "exports":
		a = attrs{"organization-id": w.org, "include-logs": true, "zip-password": "letmein"}
	case "checklist_tasks":
		a = attrs{"name": name, "checklist_id": w.Make("checklist", w.org, record.Values{"name": name})}
	case "domains":
		a["name"] = "new-" + strconv.Itoa(w.n) + ".example"
	case "document_sections":
		a = attrs{"resource-type": "Document::Text", "content": "<p>x</p>"}
	case "document_images":
		a = attrs{"target": attrs{"type": "document", "id": w.doc}, "image": attrs{"content": png, "file_name": "x.png"}}
	case "attachments":
		a = attrs{"attachment": attrs{"content": base64.StdEncoding.EncodeToString([]byte("hello")), "file_name": "hello.txt"}}
	case "related_items":
		a = attrs{"destination-id": w.Make("location", w.org, record.Values{"name": name}), "destination-type": "Location"}
	case "flexible_assets":
		typ, name := w.assetType()
		a = attrs{"organization-id": w.org, "flexible-asset-type-id": typ, "traits": attrs{name: "asset " + strconv.Itoa(w.n)}}
	case "flexible_asset_fields":
		typ, _ := w.assetType()
		a = attrs{"flexible-asset-type-id": typ, "name": name, "kind": "Text", "order": w.n}
	case "resource_accesses":
		who, _ := w.user("Editor", false)
		a = attrs{"accessor-id": who, "accessor-type": "User"}
	}
	return a
}

// assetType gives a type of assets with one field, and that field's key.
func (w *world) assetType() (id.ID, string) {
	if t := w.one("flexible_asset_type", "LAN"); t != 0 {
		return t, "called"
	}
	t := w.Make("flexible_asset_type", 0, record.Values{"name": "LAN"})
	w.Make("flexible_asset_field", 0, record.Values{"flexible_asset_type_id": t, "name": "Called", "kind": "Text", "show_in_list": true})
	return t, "called"
}

func (w *world) maker() id.ID {
	if m := w.one("manufacturer", "Maker"); m != 0 {
		return m
	}
	return w.Make("manufacturer", 0, record.Values{"name": "Maker"})
}

// fresh makes a record of a resource and gives its id.
func (w *world) fresh(resource string) id.ID {
	w.t.Helper()
	switch resource {
	case "countries", "regions", "operating_systems", "platforms":
		return w.first(map[string]string{"countries": "country", "regions": "region", "operating_systems": "operating_system", "platforms": "platform"}[resource])
	case "users":
		who, _ := w.user("Creator", false)
		return who
	case "user_metrics": // of what a user did
		_, key := w.user("Editor", false)
		w.ask(key, "POST", "/locations", body("locations", w.attributes("locations"))).is(201)
		return 0
	case "expirations":
		list, _ := w.get("/expirations").at("data.0.id").(string)
		i, _ := id.Parse(list)
		return i
	}
	return w.do("POST", w.collection(resource), body(resource, w.attributes(resource)), 201).id()
}

// collection is where a new one is posted.
func (w *world) collection(resource string) string {
	switch resource {
	case "document_sections":
		return "/documents/" + w.doc.String() + "/relationships/sections"
	case "attachments", "related_items":
		return "/configurations/" + w.cfg.String() + "/relationships/" + resource
	}
	return "/" + resource
}

func (w *world) first(kind string) id.ID {
	var n int64
	w.View(w.Admin(), func(tx *gate.Tx) error {
		q := `select min(id) from record where kind = ?`
		if kind == "region" { // one of the country that stands for country_id
			q = `select min(r.id) from record r join k_region k on k.id = r.id where r.kind = ? and k.country_id = (select country_id from k_region order by id limit 1)`
		}
		return tx.QueryRow(q, kind).Scan(&n)
	})
	return id.ID(n)
}

// fill puts ids into a path of the table; rec is the record's own.
func (w *world) fill(path string, rec string) string {
	if strings.Contains(path, ":country_id") {
		var n int64
		w.View(w.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select country_id from k_region order by id limit 1`).Scan(&n)
		})
		path = strings.Replace(path, ":country_id", strconv.FormatInt(n, 10), 1)
	}
	if strings.Contains(path, ":flexible_asset_type_id") {
		typ, _ := w.assetType()
		path = strings.Replace(path, ":flexible_asset_type_id", typ.String(), 1)
	}
	path = strings.NewReplacer(":organization_id", w.org.String(), ":configuration_id", w.cfg.String(), ":document_id", w.doc.String(),
		":resource_type", "configurations", ":resource_id", w.cfg.String(), ":manufacturer_id", w.maker().String()).Replace(path)
	if rest, ok := strings.CutPrefix(path, "/configurations/:id/"); ok && strings.HasSuffix(path, "resource_accesses") {
		return "/configurations/" + w.cfg.String() + "/" + rest
	}
	return strings.Replace(path, ":id", rec, 1)
}

// request gives the body that a line of the table asks for.
func (w *world) request(resource, method, path, shape string, rec id.ID) any {
	single := strings.HasSuffix(path, "/:id") || strings.HasSuffix(path, "/publish")
	switch {
	case method == "GET" || strings.HasSuffix(path, "/publish") || method == "DELETE" && single && shape != "array":
		return nil
	case method == "DELETE":
		return ids(resource, rec)
	case method == "POST":
		return body(resource, w.attributes(resource))
	case resource == "resource_accesses":
		return attrs{"data": []any{attrs{"type": resource, "attributes": w.attributes(resource)}}}
	case single:
		return body(resource, w.change(resource))
	}
	a := w.change(resource)
	a["id"] = rec
	return attrs{"data": []any{attrs{"type": resource, "attributes": a}}}
}

// change is what a PATCH sends.
func (w *world) change(resource string) attrs {
	w.n++
	name := "changed " + strconv.Itoa(w.n)
	switch resource {
	case "contacts", "users":
		return attrs{"first-name": name}
	case "document_sections":
		return attrs{"content": "<p>" + name + "</p>"}
	case "related_items":
		return attrs{"notes": name}
	case "flexible_assets":
		return attrs{"traits": attrs{"called": name}}
	}
	return attrs{"name": name}
}

// TestEveryEndpoint asks each documented address for its success and for each
// of its documented failures.
func TestEveryEndpoint(t *testing.T) {
	w := newWorld(t)
	for _, row := range table(t, "endpoints.tsv") {
		resource, method, path, shape := row[0], row[1], row[2], row[4]
		success, _ := strconv.Atoi(row[3])
		t.Run(method+" "+path+" "+shape, func(t *testing.T) {
			w.t, w.house.t = t, t
			var rec id.ID
			if method != "POST" && resource != "resource_accesses" && resource != "logs" {
				rec = w.fresh(resource)
			}
			r := w.do(method, w.fill(path, rec.String()), w.request(resource, method, path, shape, rec), success)
			w.check(r, resource, method, path, rec)
			w.failures(resource, method, path, shape, row[5])
		})
	}
}

// check looks at what a success says.
func (w *world) check(r *reply, resource, method, path string, rec id.ID) {
	w.t.Helper()
	if r.status == 204 {
		if len(r.body) != 0 {
			w.t.Errorf("204 with a body")
		}
		return
	}
	typ := strings.ReplaceAll(resource, "_", "-")
	one, many := r.at("data.type"), r.at("data.0.type")
	if one != typ && many != typ {
		w.t.Fatalf("no %s in %s", typ, r.body)
	}
	if rec != 0 && method != "POST" && one != nil {
		r.shows("data.id", rec)
	}
	if method == "PATCH" && resource != "resource_accesses" && !strings.HasSuffix(path, "publish") && !strings.Contains(string(r.body), "changed "+strconv.Itoa(w.n)) {
		w.t.Errorf("the change is not there: %s", r.body)
	}
	if method == "DELETE" && resource != "attachments" && resource != "related_items" && resource != "document_images" && resource != "document_sections" {
		w.do("GET", "/"+resource+"/"+rec.String(), nil, 404)
	}
}

// failures provokes the failures that the table documents.
func (w *world) failures(resource, method, path, shape, documented string) {
	for code := range strings.SplitSeq(documented, ",") {
		switch code {
		case "401":
			w.ask("", method, w.fill(path, "1"), w.request(resource, method, path, shape, 1)).is(401)
		case "403":
			_, key := w.user("Read-only", false)
			rec := w.fresh(resource)
			w.ask(key, method, w.fill(path, rec.String()), w.request(resource, method, path, shape, rec)).is(403)
		case "404":
			w.notFound(resource, method, path, shape)
		case "400":
			rec := w.fresh(resource)
			w.ask(w.key, method, w.fill(path, rec.String()), w.malformed(method, path)).is(w.badStatus(method, path))
		case "415":
			w.ask(w.key, method, w.fill(path, w.fresh(resource).String()), "<data/>", "Content-Type", "text/xml").is(w.or(415, method, path))
		}
	}
}

// malformed is a body that cannot be read.
func (w *world) malformed(method, path string) any { return `{"data":` }

// badStatus: DELETE of one record reads no body.
func (w *world) badStatus(method, path string) int { return w.or(400, method, path) }

func (w *world) or(status int, method, path string) int {
	if method == "DELETE" && strings.HasSuffix(path, "/:id") {
		return 200
	}
	return status
}

func (w *world) notFound(resource, method, path, shape string) {
	missing := id.ID(1) << 40
	if strings.Contains(path, ":id") && resource != "resource_accesses" {
		w.ask(w.key, method, w.fill(path, missing.String()), w.request(resource, method, path, shape, missing)).is(404)
		return
	}
	if method == "PATCH" || method == "DELETE" {
		w.ask(w.key, method, w.fill(path, "1"), w.request(resource, method, path, shape, missing)).is(404)
		return
	}
	for _, parent := range []string{":resource_type/:id", ":organization_id", ":configuration_id", ":manufacturer_id", ":resource_id"} {
		if strings.Contains(path, parent) {
			with := missing.String()
			if parent == ":resource_type/:id" {
				with = "configurations/" + with
			}
			w.ask(w.key, method, w.fill(strings.Replace(path, parent, with, 1), "1"), w.request(resource, method, path, shape, 1)).is(404)
		}
	}
}

// TestNothingIsLeft: every address of the protocol is answered; those in
// endpoints.tsv are tried one by one.
func TestNothingIsLeft(t *testing.T) {
	for _, row := range table(t, "later.tsv") {
		t.Errorf("%v is not there yet", row)
	}
}

// TestEveryAttribute: each documented attribute that can be read is there.
func TestEveryAttribute(t *testing.T) {
	w := newWorld(t)
	seen := map[string]*reply{}
	for _, row := range table(t, "attributes.tsv") {
		resource, name, flags := row[0], row[1], row[3]
		if strings.Contains(flags, "write_only") || slices.Contains([]string{"attachments attachment", "document_images target", "document_images image", "related_items via-copilot"}, resource+" "+name) {
			continue
		}
		r := seen[resource]
		if r == nil {
			r = w.shown(resource)
			seen[resource] = r
		}
		if !r.has("data.attributes." + name) {
			t.Errorf("%s: %s is missing", resource, name)
			continue
		}
		w.typed(r, resource, name, row[2])
	}
}

// shown gives one object of a resource.
func (w *world) shown(resource string) *reply {
	switch resource {
	case "logs", "resource_accesses", "user_metrics":
		if resource == "user_metrics" {
			w.fresh(resource)
		}
		if resource == "resource_accesses" {
			w.do("PATCH", "/configurations/"+w.cfg.String()+"/relationships/resource_accesses", w.request(resource, "PATCH", "", "array", 0), 200)
		}
		path := map[string]string{"logs": "/logs", "user_metrics": "/user_metrics", "resource_accesses": "/configurations/" + w.cfg.String() + "/relationships/resource_accesses"}[resource]
		r := w.get(path)
		r.doc = map[string]any{"data": r.at("data.0")}
		return r
	case "related_items":
		return w.do("POST", w.collection(resource), body(resource, w.attributes(resource)), 201)
	}
	rec := w.fresh(resource)
	return w.get(w.collection(resource) + "/" + rec.String())
}

// typed sees that a value that is there is of the documented type.
func (w *world) typed(r *reply, resource, name, typ string) {
	v := r.at("data.attributes." + name)
	ok := true
	switch x := v.(type) {
	case nil:
	case string:
		ok = slices.Contains([]string{"string", "datetime", "date"}, typ)
		if typ == "datetime" {
			ok = len(x) == len("2006-01-02T15:04:05.000Z") && strings.HasSuffix(x, "Z")
		}
	case bool:
		ok = typ == "boolean"
	case []any:
		ok = typ == "array"
	case map[string]any:
		ok = typ == "object"
	default:
		ok = typ == "integer"
	}
	if !ok {
		w.t.Errorf("%s: %s is %v, which is no %s", resource, name, v, typ)
	}
}

// TestEveryFilterOrderAndInclude: each documented one is known and answers.
func TestEveryFilterOrderAndInclude(t *testing.T) {
	w := newWorld(t)
	elsewhere := []string{"psa_id", "psa_integration_type", "rmm_id", "rmm_integration_type", "my_glue_account_id", "salesforce_id", "group_id"}
	for _, row := range table(t, "queries.tsv") {
		resource, sort, name := row[0], row[1], row[2]
		path := w.collection(resource)
		switch sort {
		case "filter":
			value := "=1,2"
			switch {
			case resource == "logs":
				value = "=*,*"
			case name == "filter[date]":
				value = "=" + w.Clock.Now().UTC().Format("2006-01-02")
			}
			r := w.get(path + "?" + name + value)
			plain := strings.TrimSuffix(name[strings.LastIndex(strings.TrimSuffix(name, "[ne]"), "[")+1:], "]")
			plain = strings.TrimSuffix(strings.TrimSuffix(plain, "[ne"), "]")
			if slices.Contains([]string{"expirations", "logs", "user_metrics", "exports"}, resource) || slices.Contains(elsewhere, plain) {
				continue
			}
			if !r.has("meta.filters." + strings.ReplaceAll(plain, "_", "-")) {
				t.Errorf("%s does not know %s", resource, name)
			}
		case "sort":
			w.sorts(resource, path, name)
		default:
			if sort == "include_show" {
				path = "/" + resource + "/" + w.fresh(resource).String()
			}
			w.get(path + "?include=" + name)
		}
	}
}

// sorts sees that an order and its reverse are taken notice of.
func (w *world) sorts(resource, path, name string) {
	if resource == "logs" || resource == "expirations" || name == "my_glue_account_id" {
		w.get(path + "?sort=-" + name)
		return
	}
	w.get(path + "?sort=" + name)
	w.get(path + "?sort=-" + strings.ReplaceAll(name, "_", "-"))
}
