package itglue_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
)

// targets gives, for each mounted pattern, the path that points at something
// real of the kind, with ids of these records.
type targets struct {
	record map[string]id.ID // by plural: one that exists
	files  map[string]id.ID // by plural of their record
	image  id.ID
	link   id.ID
	expiry id.ID
}

// populate makes one record of each kind in an organization, with everything
// that hangs on it.
func populate(h *house, org id.ID) targets {
	h.t.Helper()
	folder := h.Make("document_folder", org, record.Values{"name": "hidden"})
	doc := h.Make("document", org, record.Values{"name": "hidden", "document_folder_id": folder})
	safe := h.Make("password_folder", org, record.Values{"name": "hidden"})
	place := h.Make("location", org, record.Values{"name": "hidden"})
	part := h.Make("department", org, record.Values{"name": "hidden"})
	person := h.Make("contact", org, record.Values{"first_name": "hidden", "location_id": place, "department_id": part})
	cfg := h.Make("configuration", org, record.Values{"name": "hidden", "configuration_type_id": h.one("configuration_type", "Server"), "warranty_expires_at": "2027-01-01",
		"contact_id": person, "location_id": place})
	typ := h.Make("flexible_asset_type", 0, record.Values{"name": "LAN"})
	called := h.Make("flexible_asset_field", 0, record.Values{"flexible_asset_type_id": typ, "name": "Called", "kind": "Text", "show_in_list": true})
	routine := h.Make("checklist_template", org, record.Values{"name": "hidden"})
	list := h.Make("checklist", org, record.Values{"name": "hidden", "checklist_template_id": routine})
	x := targets{files: map[string]id.ID{}, record: map[string]id.ID{
		"flexible_assets": h.Make("flexible_asset", org, record.Values{"flexible_asset_type_id": typ, record.TraitName(called): "hidden"}),
		"departments":     part,
		"custom_objects":  h.Make("custom_object", org, record.Values{"object_type_id": h.Make("object_type", 0, record.Values{"name": "Agency"}), "name": "hidden"}),
		"domains":         h.Make("domain", org, record.Values{"name": "hidden"}), "ssl_certificates": h.Make("ssl_certificate", org, record.Values{"name": "hidden"}),
		"checklists": list, "checklist_templates": routine,
		"checklist_tasks":          h.Make("checklist_task", 0, record.Values{"name": "hidden", "checklist_id": list}),
		"checklist_template_tasks": h.Make("checklist_template_task", 0, record.Values{"name": "hidden", "checklist_template_id": routine}),
		"organizations":            org, "configurations": cfg, "documents": doc, "contacts": person, "locations": place, "password_folders": safe, "document_folders": folder,
		"configuration_interfaces": h.Make("configuration_interface", 0, record.Values{"name": "hidden", "configuration_id": cfg}),
		"passwords":                h.Make("password", org, record.Values{"name": "hidden", "password": "hidden", "password_folder_id": safe}),
		"document_sections":        h.Make("document_section", 0, record.Values{"resource_type": "Document::Text", "content": "hidden", "document_id": doc}),
	}}
	for plural, rec := range x.record {
		if !slices.Contains([]string{"configuration_interfaces", "document_sections", "checklist_tasks", "checklist_template_tasks"}, plural) {
			x.files[plural] = h.do("POST", "/"+plural+"/"+rec.String()+"/relationships/attachments", body("attachments", attrs{"attachment": attrs{"content": "aGlkZGVu", "file_name": "hidden.txt"}}), 201).id()
		}
	}
	x.image = h.do("POST", "/document_images", body("document-images", attrs{"target": attrs{"type": "document", "id": doc}, "image": attrs{"content": png, "file_name": "hidden.png"}}), 201).id()
	x.link = h.do("POST", "/configurations/"+cfg.String()+"/relationships/related_items", body("related-items", attrs{"destination-id": doc, "destination-type": "Document", "notes": "hidden"}), 201).id()
	expiring := h.get("/organizations/" + org.String() + "/relationships/expirations")
	x.expiry, _ = id.Parse(expiring.at("data.0.id").(string))
	return x
}

// aim turns a pattern into a method and a path. It is false for patterns about
// kinds that belong to no organization.
func (x targets) aim(pattern string) (method, path string, ok bool) {
	method, path, _ = strings.Cut(pattern, " ")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	own := x.record[parts[0]]
	if parts[0] == "folders" {
		own = x.record["document_folders"]
	}
	switch {
	case parts[0] == "attachments":
		return method, strings.Replace(path, "{id}", x.files["configurations"].String(), 1), true
	case parts[0] == "document_images":
		return method, strings.Replace(path, "{id}", x.image.String(), 1), strings.Contains(path, "{id}")
	case parts[0] == "expirations":
		return method, strings.Replace(path, "{id}", x.expiry.String(), 1), strings.Contains(path, "{id}")
	case own == 0:
		return method, path, false
	case len(parts) < 3:
		return method, strings.Replace(path, "{id}", own.String(), 1), strings.Contains(path, "{id}")
	case parts[2] != "relationships":
		return method, strings.Replace(path, "{id}", own.String(), 1), true
	}
	child := x.record[parts[3]]
	switch parts[3] {
	case "attachments":
		child = x.files[strings.Replace(parts[0], "folders", "document_folders", 1)]
		if child == 0 {
			child = x.files[parts[0]]
		}
	case "related_items":
		child = x.link
	case "expirations":
		child = x.expiry
	case "sections":
		child = x.record["document_sections"]
	}
	if parts[3] == parts[0] || parts[3] == "users" { // below itself, or of no organization
		return method, path, false
	}
	path = strings.Replace(path, "{parent}", own.String(), 1)
	return method, strings.Replace(path, "{id}", child.String(), 1), true
}

// somebody's requests that change something name what exists.
func (x targets) body(method, path string) any {
	switch method {
	case "POST":
		return body("x", attrs{"name": "intruder", "first_name": "intruder", "password": "x", "resource-type": "Document::Text",
			"configuration-type-id": 1, "attachment": attrs{"content": "aGk=", "file_name": "x.txt"}, "destination-id": x.record["locations"], "destination-type": "Location"})
	case "PATCH", "PUT":
		if strings.HasSuffix(path, "accesses") {
			return attrs{"data": []any{}}
		}
		one := attrs{"id": x.record["configurations"], "attributes": attrs{"name": "intruder", "first_name": "intruder", "notes": "intruder"}}
		if last := path[strings.LastIndex(path, "/")+1:]; last[0] >= '0' && last[0] <= '9' || last == "publish" {
			return attrs{"data": one}
		}
		return attrs{"data": []any{one}}
	case "DELETE":
		return ids("x", slices.Collect(maps.Values(x.record))...)
	}
	return nil
}

// snapshot is all that the tenant's records are.
func (h *house) snapshot() string {
	var out strings.Builder
	h.View(h.Admin(), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select id, version, name, restricted, coalesce(trashed_at, 0) from record where kind not in ('user', 'group') order by id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i, v, r, x int64
			var n string
			if err := rows.Scan(&i, &v, &n, &r, &x); err != nil {
				return err
			}
			fmt.Fprintln(&out, i, v, n, r, x)
		}
		for _, table := range []string{"attachment", "relation", "access_grant"} {
			var n int
			if err := tx.QueryRow(`select count(*) from ` + table).Scan(&n); err != nil {
				return err
			}
			fmt.Fprintln(&out, table, n)
		}
		return rows.Err()
	})
	return out.String()
}

// TestNobodyReachesWhatIsHidden walks every mounted pattern with keys that may
// not see what it points at: of another tenant, of a user of another
// organization, of an administrator's key that is narrowed to another
// organization. The answer is 404, or a list without it, and nothing changes.
func TestNobodyReachesWhatIsHidden(t *testing.T) {
	h := open(t)
	secretOrg, mine := h.Org("hidden"), h.Org("Mine")
	x := populate(h, secretOrg)
	_, stranger := h.user(access.Editor, true, mine)
	keys := map[string]string{
		"user of another organization": stranger,
		"narrowed key":                 h.newKey(apikey.New{Name: "narrow", Role: access.Administrator, Passwords: true, Orgs: []id.ID{mine}, Limit: &apikey.Limit{}}),
		"other tenant":                 h.otherTenant(),
	}
	before := h.snapshot()
	tried := 0
	for _, pattern := range h.api.Routes() {
		method, path, ok := x.aim(pattern)
		if !ok {
			continue
		}
		if method == http.MethodGet {
			if r := h.ask(h.key, method, path, nil); r.status != 200 {
				t.Errorf("%s: the test aims at nothing: %d %s", pattern, r.status, r.body)
			}
		}
		for who, key := range keys {
			tried++
			r := h.ask(key, method, path, x.body(method, path))
			if r.status != 404 && r.status != 422 && !(r.status == 400 && method != "GET") {
				t.Errorf("%s: %s %s: status %d: %s", who, method, path, r.status, r.body)
			}
			if bytes.Contains(r.body, []byte("hidden")) {
				t.Errorf("%s: %s %s tells of what is hidden: %s", who, method, path, r.body)
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d requests were tried", tried)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("something changed:\n%s\nbefore:\n%s", after, before)
	}
}

// otherTenant makes a second tenant and gives a key that may do everything there.
func (h *house) otherTenant() string {
	h.t.Helper()
	if _, err := h.House.House.Create(h.t.Context(), "other", "Other"); err != nil {
		h.t.Fatal(err)
	}
	c := access.System("other", "console")
	if err := h.Gate.Change(h.t.Context(), c, access.Administer, gate.Thing{}, h.Records.Seed); err != nil {
		h.t.Fatal(err)
	}
	_, text, err := h.keys.Create(h.t.Context(), c, apikey.New{Name: "other", Role: access.Administrator, Passwords: true, Limit: &apikey.Limit{}})
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// TestHiddenIsMissing: the two answers are the same, byte for byte, headers
// included but for the request's own id and the time.
func TestHiddenIsMissing(t *testing.T) {
	h := open(t)
	secretOrg, mine := h.Org("hidden"), h.Org("Mine")
	x := populate(h, secretOrg)
	_, stranger := h.user(access.Editor, true, mine)
	missing := targets{record: map[string]id.ID{}, files: map[string]id.ID{}, image: 1 << 40, link: 1 << 40, expiry: 1 << 45}
	for plural := range x.record {
		missing.record[plural], missing.files[plural] = 1<<40, 1<<40
	}
	for _, pattern := range h.api.Routes() {
		method, path, ok := x.aim(pattern)
		_, other, _ := missing.aim(pattern)
		if !ok {
			continue
		}
		b := x.body(method, path)
		one, two := h.ask(stranger, method, path, b), h.ask(stranger, method, other, b)
		for _, r := range []*reply{one, two} {
			r.header.Del("X-Request-Id")
			r.header.Del("Date")
		}
		if one.status != two.status || !bytes.Equal(one.body, two.body) || fmt.Sprint(one.header) != fmt.Sprint(two.header) {
			t.Errorf("%s: hidden %d %s, missing %d %s", pattern, one.status, one.body, two.status, two.body)
		}
	}
}

// TestReadOnlyChangesNothing: keys that may only read get 403 from every call
// that would change something they see.
func TestReadOnlyChangesNothing(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	x := populate(h, org)
	_, reader := h.user(access.ReadOnly, true)
	keys := map[string]string{
		"Read-only user":     reader,
		"read-only key":      h.newKey(apikey.New{Name: "ro", Role: access.Administrator, ReadOnly: true, Limit: &apikey.Limit{}}),
		"Read-only role key": h.newKey(apikey.New{Name: "role", Role: access.ReadOnly, Limit: &apikey.Limit{}}),
	}
	before := h.snapshot()
	for _, pattern := range h.api.Routes() {
		method, path, ok := x.aim(pattern)
		if !ok || method == http.MethodGet {
			continue
		}
		for who, key := range keys {
			r := h.ask(key, method, path, x.body(method, path))
			if r.status != 403 && r.status != 404 && r.status != 400 && r.status != 422 {
				t.Errorf("%s: %s %s: status %d: %s", who, method, path, r.status, r.body)
			}
		}
	}
	for _, c := range [][2]string{{"POST", "/organizations"}, {"POST", "/locations"}, {"PATCH", "/organizations/" + org.String()}, {"DELETE", "/organizations/" + org.String()},
		{"DELETE", "/passwords/" + x.record["passwords"].String()}, {"POST", "/contact_types"}, {"POST", "/groups"}, {"PATCH", "/documents/" + x.record["documents"].String() + "/publish"},
		{"POST", "/configurations/" + x.record["configurations"].String() + "/relationships/attachments"}} {
		b := x.body(c[0], c[1])
		if c[1] == "/locations" {
			b = body("locations", attrs{"name": "x", "organization-id": org})
		}
		for _, key := range keys {
			h.ask(key, c[0], c[1], b).is(403)
		}
	}
	if after := h.snapshot(); after != before {
		t.Errorf("something changed:\n%s\nbefore:\n%s", after, before)
	}
}

// TestEveryRouteNeedsAKey but the two by which one signs in, and what describes them all.
func TestEveryRouteNeedsAKey(t *testing.T) {
	h := open(t)
	for _, pattern := range h.api.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{id}", "1", "{parent}", "1").Replace(path)
		want := 401
		switch path {
		case "/openapi.json":
			continue
		case "/login":
			want = 400
		}
		h.ask("", method, path, nil).is(want)
		if path != "/login" && path != "/jwt/token" {
			h.ask("ITG.x", method, path, nil).is(403)
		}
	}
	if len(h.api.Routes()) < 200 {
		t.Errorf("only %d routes", len(h.api.Routes()))
	}
}

// TestTenantsAreApart: the same id means two things in two tenants.
func TestTenantsAreApart(t *testing.T) {
	h := open(t)
	other := h.otherTenant()
	h.Org("Ours")
	h.ask(other, "POST", "/organizations", body("organizations", attrs{"name": "Theirs"})).is(201)
	if got := h.get("/organizations").names("name"); got != "Ours" {
		t.Errorf("ours: %s", got)
	}
	if got := h.ask(other, "GET", "/organizations", nil).is(200).names("name"); got != "Theirs" {
		t.Errorf("theirs: %s", got)
	}
	h.host = "other"
	h.ask(h.key, "GET", "/organizations", nil).is(403)
	h.ask(other, "GET", "/organizations", nil).is(200)
	h.host = coretest.Name
	h.ask(other, "GET", "/organizations", nil).is(403)
}

// TestSignInsAreForAdministrators: from where and when somebody signs in is null
// for all but administrators and herself.
func TestSignInsAreForAdministrators(t *testing.T) {
	h := open(t)
	her, hers := h.user(access.Editor, false)
	_, manager := h.user(access.Manager, false)
	group := h.Make("group", 0, record.Values{"name": "All"})
	h.Change(func(tx *gate.Tx) error {
		if err := identity.SetMembers(tx, group, []id.ID{her}); err != nil {
			return err
		}
		_, err := tx.Exec(`update k_user set current_sign_in_ip = '192.0.2.77', last_sign_in_ip = '192.0.2.77', current_sign_in_at = 1700000000000, last_sign_in_at = 1700000000000 where id = ?`, int64(her))
		return err
	})
	told := []string{"192.0.2.77", "2023-11-14"}
	for who, key := range map[string]string{"an administrator": h.key, "herself": hers} {
		r := h.ask(key, "GET", "/users/"+her.String(), nil).is(200)
		for _, s := range told {
			if !bytes.Contains(r.body, []byte(s)) {
				t.Errorf("%s does not see %s: %s", who, s, r.body)
			}
		}
	}
	for _, path := range []string{"/users/" + her.String(), "/users", "/users?sort=-current_sign_in_at", "/groups/" + group.String() + "?include=users", "/users?filter[current_sign_in_ip]=192.0.2.77"} {
		r := h.ask(manager, "GET", path, nil).is(200)
		for _, s := range told {
			if bytes.Contains(r.body, []byte(s)) {
				t.Errorf("a manager sees %s at %s: %s", s, path, r.body)
			}
		}
	}
	h.ask(manager, "GET", "/users/"+her.String(), nil).is(200).shows("data.attributes.current-sign-in-ip", nil)
}
