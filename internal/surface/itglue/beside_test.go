package itglue_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
)

func TestClients17Attachments(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := h.Make("password", org, record.Values{"name": "x"})
	at := "/passwords/" + pw.String() + "/relationships/attachments"
	send := func(content, name string) *reply {
		return h.ask(h.key, "POST", at, body("attachments", attrs{"attachment": attrs{"content": content, "file_name": name}}))
	}
	one := send("aGVsbG8gd29ybGQ=", "hello.txt").is(201).shows("data.attributes.attachment-file-name", "hello.txt").shows("data.attributes.attachment-file-size", "11").
		shows("data.attributes.ext", "txt").shows("data.attributes.attachment-content-type", "text/plain; charset=utf-8")
	for name, content := range map[string]string{"broken lines": "aGVs\r\nbG8g d29ybGQ=\n", "no padding": "aGVsbG8gd29ybGQ", "a data address": "data:text/plain;base64,aGVsbG8gd29ybGQ="} {
		if r := send(content, "x.txt"); r.status != 201 || r.at("data.attributes.attachment-file-size") == nil {
			t.Errorf("%s: %s", name, r.body)
		} else {
			r.shows("data.attributes.attachment-file-size", "11")
		}
	}
	send("", "x.txt").is(422)
	send("%%%", "x.txt").is(422)
	send("aGVsbG8=", "").is(422)
	send(strings.Repeat("AAAA", 400_000), "big.bin").is(422)

	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	m.WriteField("data[type]", "attachments")
	part, err := m.CreateFormFile("data[attributes][attachment]", "../../photo.png")
	if err != nil {
		t.Fatal(err)
	}
	part.Write([]byte("\x89PNG\r\n\x1a\nrest"))
	m.Close()
	up := h.ask(h.key, "POST", at, form.Bytes(), "Content-Type", m.FormDataContentType()).is(201).
		shows("data.attributes.name", "photo.png").shows("data.attributes.attachment-content-type", "image/png").shows("data.attributes.viewable", true)
	h.ask(h.key, "POST", at, "--x--", "Content-Type", "multipart/form-data; boundary=x").is(422)

	got := h.ask(h.key, "GET", one.at("data.attributes.download-url").(string), nil).is(200)
	if string(got.body) != "hello world" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("download: %q %v", got.body, got.header)
	}
	part2 := h.ask(h.key, "GET", one.at("data.attributes.download-url").(string), nil, "Range", "bytes=6-")
	if part2.status != 206 || string(part2.body) != "world" {
		t.Errorf("a part: %d %q", part2.status, part2.body)
	}
	h.do("PATCH", at+"/"+one.id().String(), body("attachments", attrs{"name": "renamed.txt"}), 200).shows("data.attributes.name", "renamed.txt")
	h.get(at).shows("meta.total-count", "5")
	h.get("/passwords?include=attachments").shows("included.0.type", "attachments")
	h.do("DELETE", at, ids("attachments", up.id(), one.id()), 200).shows("data.1.attributes.name", "renamed.txt")
	h.get(at).shows("meta.total-count", "3")
	h.do("GET", at+"/"+one.id().String(), nil, 404)
	other := h.Make("password", org, record.Values{"name": "y"})
	list, _ := h.get(at).at("data.0.id").(string)
	h.do("GET", "/passwords/"+other.String()+"/relationships/attachments/"+list, nil, 404)
}

func TestRelatedItems(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	cfg := h.Make("configuration", org, record.Values{"name": "srv", "configuration_type_id": h.one("configuration_type", "Server")})
	folder := h.Make("document_folder", org, record.Values{"name": "F"})
	at := "/configurations/" + cfg.String() + "/relationships/related_items"
	one := h.do("POST", at, body("related_items", attrs{"destination_id": folder.String(), "destination_type": "Document Folder", "notes": "see"}), 201).
		shows("data.type", "related-items").shows("data.attributes.notes", "see").shows("data.attributes.destination-type", "Document Folder")
	h.do("POST", at, body("related-items", attrs{"destination-id": folder, "destination-type": "Document Folder"}), 201).shows("data.id", one.id())
	h.get("/folders/"+folder.String()+"/relationships/related_items").shows("data.0.attributes.resource-id", cfg).shows("meta.total-count", "1")
	h.get("/related_items").shows("meta.total-count", "1").shows("data.0.id", one.id()).shows("data.0.attributes.source-id", cfg).shows("data.0.attributes.source-type", "Configuration").shows("data.0.attributes.destination-id", folder)
	h.get("/related_items?page[number]=2&page[size]=1").shows("meta.total-count", "1").shows("meta.next-page", nil)
	_, stranger := h.user(access.Editor, false, h.Org("Other"))
	h.ask(stranger, "GET", "/related_items", nil).is(200).shows("meta.total-count", "0")
	for _, bad := range []attrs{{"destination-id": 99999, "destination-type": "Contact"}, {"destination-id": folder, "destination-type": "Contact"}, {"destination-id": folder, "destination-type": "Spaceship"},
		{"destination-id": folder}, {"destination-type": "Contact"}, {"destination-id": cfg, "destination-type": "Configuration"}} {
		h.do("POST", at, body("related-items", bad), 422)
	}
	h.do("PATCH", at+"/"+one.id().String(), body("related-items", attrs{"notes": "changed"}), 200).shows("data.attributes.notes", "changed")
	inc := h.get("/configurations/" + cfg.String() + "?include=related_items")
	inc.shows("included.0.attributes.name", "F").shows("included.0.attributes.asset-type", "document_folder").shows("data.relationships.related-items.data.0.id", one.id())
	h.do("DELETE", at, ids("related-items", one.id()), 200).shows("data.0.id", one.id())
	h.do("DELETE", at, ids("related-items", one.id()), 404)
	h.get(at).shows("meta.total-count", "0")
}

func TestResourceAccesses(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	doc := h.Make("document", org, record.Values{"name": "d"})
	friend, friendKey := h.user(access.Editor, false)
	_, otherKey := h.user(access.Editor, false)
	group := h.Make("group", 0, record.Values{"name": "G"})
	at := "/documents/" + doc.String() + "/relationships/resource_accesses"
	set := func(list ...attrs) *reply {
		data := []any{}
		for _, a := range list {
			data = append(data, attrs{"type": "resource_accesses", "attributes": a})
		}
		return h.ask(h.key, "PATCH", at, attrs{"data": data})
	}
	set(attrs{"accessor-id": friend, "accessor-type": "User"}, attrs{"accessor_id": group.String(), "accessor_type": "Group"}).is(200)
	h.ask(friendKey, "GET", "/documents/"+doc.String(), nil).is(200)
	h.ask(otherKey, "GET", "/documents/"+doc.String(), nil).is(404)
	inc := h.get("/documents/"+doc.String()+"?include=user_resource_accesses,group_resource_accesses,authorized_users").shows("data.attributes.restricted", true)
	inc.shows("data.relationships.user-resource-accesses.data.0.type", "resource-accesses").shows("included.0.attributes.accessor-id", friend).shows("included.1.attributes.accessor-id", group)
	if list, _ := inc.at("data.relationships.authorized-users.data").([]any); len(list) != 1 {
		t.Errorf("authorized users: %s", inc.body)
	}
	set().is(200)
	h.ask(friendKey, "GET", "/documents/"+doc.String(), nil).is(404)
	h.do("PATCH", "/documents/"+doc.String(), body("documents", attrs{"restricted": false}), 200)
	h.ask(otherKey, "GET", "/documents/"+doc.String(), nil).is(200)
	set(attrs{"accessor-id": 99999, "accessor-type": "User"}).is(422)
	set(attrs{"accessor-id": friend, "accessor-type": "Alien"}).is(422).shows("errors.0.source.pointer", "/data/0/attributes/accessor-type")
	set(attrs{"accessor-type": "User"}).is(422)
}

// TestAccessByFolder: a password in a restricted folder tells the folder's grants, and
// naming nobody leaves it so.
func TestAccessByFolder(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	folder := h.Make("password_folder", org, record.Values{"name": "Core"})
	pass := h.Make("password", org, record.Values{"name": "p", "password": "kelp", "password_folder_id": folder})
	friend, friendKey := h.user(access.Editor, false)
	_, otherKey := h.user(access.Editor, false)
	h.Change(func(tx *gate.Tx) error {
		return h.Records.SetAccess(tx, "password_folder", folder, true, []id.ID{friend}, nil)
	})
	at := "/passwords/" + pass.String() + "/relationships/resource_accesses"
	for range 2 {
		h.get(at).shows("data.0.id", folder.String()+"-"+friend.String())
		h.ask(friendKey, "GET", "/passwords/"+pass.String()+"?show_password=false", nil).is(200).shows("data.attributes.restricted", true)
		h.ask(otherKey, "GET", "/passwords/"+pass.String(), nil).is(404)
		h.ask(h.key, "PATCH", at, attrs{"data": []any{}}).is(200)
	}
}

// TestAccessExpires: access that was given until a time ends at it, and the list
// says when; who is named again without a time keeps it.
func TestAccessExpires(t *testing.T) {
	h := open(t)
	doc := h.Make("document", h.Org("Acme"), record.Values{"name": "d"})
	friend, friendKey := h.user(access.Editor, false)
	at, until := "/documents/"+doc.String()+"/relationships/resource_accesses", h.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	set := func(more attrs) *reply {
		more["accessor-id"], more["accessor-type"] = friend, "User"
		return h.ask(h.key, "PATCH", at, attrs{"data": []any{attrs{"type": "resource_accesses", "attributes": more}}})
	}
	set(attrs{"expires-at": "tomorrow"}).is(422).shows("errors.0.source.pointer", "/data/0/attributes/expires-at")
	set(attrs{"expires-at": until}).is(200).shows("data.0.attributes.expires-at", until)
	set(attrs{}).is(200).shows("data.0.attributes.expires-at", until)
	h.ask(friendKey, "GET", "/documents/"+doc.String(), nil).is(200)
	h.Clock.Advance(time.Hour)
	h.ask(friendKey, "GET", "/documents/"+doc.String(), nil).is(404)
	h.ask(friendKey, "GET", "/documents", nil).is(200).shows("meta.total-count", "0")
	h.get(at).shows("data.0.attributes.expires-at", until)
	if list, _ := h.get("/documents/" + doc.String() + "?include=authorized_users").at("data.relationships.authorized-users.data").([]any); len(list) != 0 {
		t.Errorf("authorized users: %v", list)
	}
	set(attrs{"expires-at": nil}).is(200)
	h.ask(friendKey, "GET", "/documents/"+doc.String(), nil).is(200)
}

func TestGroups(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	h.Org("Other")
	who := h.Make("user", 0, record.Values{"email": "sam@example.com", "first_name": "Sam", "role_name": "Editor"})
	key := h.newKey(apikey.New{Name: "sam", Owner: who, Limit: &apikey.Limit{}})
	h.ask(key, "GET", "/organizations", nil).is(200).shows("meta.total-count", "0")
	g := h.do("POST", "/groups", body("groups", attrs{"name": "Team", "accounts-user-ids": []any{who}, "organization-ids": []any{org.String()}}), 201).
		shows("data.attributes.accounts-user-ids.0", who).id()
	h.ask(key, "GET", "/organizations", nil).is(200).shows("meta.total-count", "1")
	h.get("/organizations?filter[group_id]="+g.String()).shows("meta.total-count", "1").shows("data.0.id", org)
	h.get("/groups?include=users,organizations").shows("data.0.relationships.users.data.0.id", who).shows("data.0.relationships.organizations.data.0.id", org)
	h.do("PATCH", "/groups/"+g.String(), body("groups", attrs{"accounts_user_ids": []any{}}), 200)
	h.ask(key, "GET", "/organizations", nil).is(200).shows("meta.total-count", "0")
	h.do("PATCH", "/groups/"+g.String(), body("groups", attrs{"accounts_user_ids": []any{99999}}), 422).shows("errors.0.source.pointer", "/data/attributes/accounts-user-ids")
	h.do("PATCH", "/groups/"+g.String(), body("groups", attrs{"accounts_user_ids": "x"}), 422)
	h.ask(key, "PATCH", "/groups/"+g.String(), body("groups", attrs{"accounts_user_ids": []any{who}})).is(403)
	h.do("POST", "/users", body("users", attrs{"email": "x@example.com"}), 404)
	h.do("DELETE", "/users/"+who.String(), nil, 404)
}

func TestBulkChangesAreAllOrNothing(t *testing.T) {
	h := open(t)
	a, b := h.Org("A"), h.Org("B")
	item := func(i any, name string) attrs {
		return attrs{"type": "organizations", "attributes": attrs{"id": i, "name": name}}
	}
	h.do("PATCH", "/organizations", attrs{"data": []any{item(a, "A2"), item(b.String(), "B2")}}, 200).shows("data.1.attributes.name", "B2")
	h.do("PATCH", "/organizations", attrs{"data": []any{item(a, "A3"), item(99999, "X")}}, 404)
	h.do("PUT", "/organizations/"+b.String(), body("organizations", attrs{"name": "B4"}), 200)
	if got := h.get("/organizations").names("name"); got != "A2 B4" {
		t.Errorf("after a failed change: %s", got)
	}
	h.do("PATCH", "/organizations", attrs{"data": []any{}}, 400)
	h.do("PATCH", "/organizations", attrs{"data": []any{item(nil, "x")}}, 400)
	many := make([]any, 1001)
	for i := range many {
		many[i] = item(a, "x")
	}
	h.do("PATCH", "/organizations", attrs{"data": many}, 400)
	at := "/organizations/" + a.String() + "/relationships/locations"
	h.do("POST", at, attrs{"data": []any{body("locations", attrs{"name": "one"})["data"], body("locations", attrs{"name": ""})["data"]}}, 422).shows("errors.0.source.pointer", "/data/1/attributes/name")
	h.get(at).shows("meta.total-count", "0")
	h.do("POST", at, attrs{"data": []any{body("locations", attrs{"name": "one"})["data"], body("locations", attrs{"name": "two"})["data"]}}, 201).shows("data.1.attributes.name", "two").shows("data.0.attributes.organization-id", a)
}

func TestDeletingByFilter(t *testing.T) {
	h := open(t)
	org, other := h.Org("Acme, Inc"), h.Org("Acme")
	for _, n := range []string{"one", "two", "x, y", "x", "y"} {
		h.Make("contact", org, record.Values{"first_name": n, "title": n})
	}
	h.Make("contact", other, record.Values{"first_name": "two", "title": "two"})
	all := func() string { return h.get("/contacts").names("first-name") }
	before := all()
	for _, q := range []string{"", "?filter[nothing]=1", "?filter[title]=", "?filter[title]=,", "?filter[title]=x,%20y", "?filter[title]=one&filter[nothing]=2", "?filter=1", "?filter[exclude][title]=one",
		"?filter[title][ne]=one", "?filter[a][b][c]=1", "?filter[id]=abc", "?filter[id]=1,abc", "?filter[important]=maybe", "?filter[created_at]=*,*", "?filter[created_at]=whenever"} {
		h.do("DELETE", "/contacts"+q, nil, 400)
		h.do("DELETE", "/organizations/"+org.String()+"/relationships/contacts"+q, nil, 400)
	}
	h.do("DELETE", "/contacts", `{"data":[]}`, 400)
	h.do("DELETE", "/contacts?filter[title]=one", ids("contacts", 1), 400)
	if all() != before {
		t.Fatalf("something was deleted: %s", all())
	}
	h.do("DELETE", "/contacts?filter[title]=nobody", nil, 200)
	h.do("DELETE", `/contacts?filter[title]=x\,%20y`, nil, 200).shows("data.0.attributes.first-name", "x, y")
	h.do("DELETE", "/organizations/"+org.String()+"/relationships/contacts?filter[title]=two", nil, 200).shows("data.1", nil)
	if got := all(); got != "one two x y" {
		t.Errorf("left: %s", got)
	}
	_, lite := h.user(access.Lite, false)
	h.ask(lite, "DELETE", "/contacts?filter[title]=x", nil).is(403)
	h.do("DELETE", "/organizations/99999/relationships/contacts?filter[title]=x", nil, 404)
	wrong := h.one("contact", "two")
	h.do("DELETE", "/organizations/"+org.String()+"/relationships/contacts", ids("contacts", wrong, h.one("contact", "x")), 404)
	if got := all(); got != "one two x y" {
		t.Errorf("left: %s", got)
	}
}

func TestDeletingTooMany(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	data := make([]any, 1000)
	for i := range data {
		data[i] = body("contacts", attrs{"first-name": fmt.Sprint("c", i), "title": "many"})["data"]
	}
	at := "/organizations/" + org.String() + "/relationships/contacts"
	h.do("POST", at, attrs{"data": data}, 201)
	h.do("POST", at, attrs{"data": data[:1]}, 201)
	h.do("DELETE", "/contacts?filter[title]=many", nil, 400)
	h.get("/contacts?page[size]=1").shows("meta.total-count", "1001")
	h.do("DELETE", "/contacts/"+h.one("contact", "c7").String(), nil, 200)
	h.do("DELETE", "/contacts?filter[title]=many", nil, 200)
	h.get("/contacts").shows("meta.total-count", "0")
}

func TestExpirations(t *testing.T) {
	h := open(t)
	org, other := h.Org("Acme"), h.Org("Other")
	typ := h.one("configuration_type", "Server")
	cfg := h.Make("configuration", org, record.Values{"name": "srv", "configuration_type_id": typ, "warranty_expires_at": "2027-01-01", "mitp_end_of_life_date": "2026-05-01"})
	h.Make("document", other, record.Values{"name": "plan", "expires_on": "2026-07-01"})
	list := h.get("/expirations").shows("meta.total-count", "3").shows("data.0.attributes.expiration-date", "2026-05-01T00:00:00.000Z").shows("data.0.attributes.resource-name", "srv")
	h.get("/expirations?sort=-expiration_date").shows("data.0.attributes.description", "Warranty ends").shows("data.0.attributes.resource-url", h.url+"/"+org.String()+"/configurations/"+cfg.String())
	for query, n := range map[string]string{"filter[organization_id]=" + other.String(): "1", "filter[resource_id]=" + cfg.String(): "2", "filter[resource_type_name]=document": "1",
		"filter[expiration_date]=2026-06-01,*": "2", "filter[range][expiration_date]=*,2026-06-01": "1", "filter[expiration_date]=2026-07-01": "1", "filter[resource_name]=srv,plan": "3", "filter[description]=nothing": "0"} {
		h.get("/expirations?"+query).shows("meta.total-count", n)
	}
	h.get("/organizations/"+org.String()+"/relationships/expirations").shows("meta.total-count", "2")
	one, _ := list.at("data.0.id").(string)
	h.get("/expirations/"+one).shows("data.attributes.expiration-date", "2026-05-01T00:00:00.000Z").shows("data.id", one)
	h.do("GET", "/organizations/"+other.String()+"/relationships/expirations/"+one, nil, 404)
	h.do("GET", "/organizations/99999/relationships/expirations", nil, 404)
	h.do("GET", "/expirations/"+(cfg*32+31).String(), nil, 404)
	h.do("GET", "/expirations/31", nil, 404)
}

func TestLogs(t *testing.T) {
	h := open(t)
	h.Clock.Advance(40 * 24 * time.Hour)
	for i := range 6 {
		h.Org(fmt.Sprint("Org ", i))
		h.Clock.Advance(time.Hour)
	}
	first := h.get("/logs?page[size]=2&sort=created_at").shows("meta.total-pages", "5")
	last := h.get("/logs?page[size]=2")
	if first.at("data.0.attributes.created-at").(string) >= last.at("data.0.attributes.created-at").(string) {
		t.Errorf("order: %s\n%s", first.body, last.body)
	}
	seen := map[string]bool{}
	for next := any("/logs?page[size]=2&sort=created_at"); next != nil; {
		r := h.get(next.(string))
		for _, x := range r.at("data").([]any) {
			i := x.(map[string]any)["id"].(string)
			if seen[i] {
				t.Errorf("entry %s twice", i)
			}
			seen[i] = true
		}
		next = r.at("links.next")
	}
	if len(seen) != 10 {
		t.Errorf("%d entries in 5 pages of 2", len(seen))
	}
	h.do("GET", "/logs?page[number]=6", nil, 422)
	h.do("GET", "/logs?filter[created_at]=2026-01-01,*", nil, 422)
	h.do("GET", "/logs?filter[created_at]=yesterday", nil, 422)
	now := h.Clock.Now().UTC()
	h.get("/logs?filter[created_at]="+now.Add(-90*time.Minute).Format("2006-01-02T15:04:05Z")+",*").shows("meta.total-pages", "1")
	_, editor := h.user(access.Editor, false)
	h.ask(editor, "GET", "/logs", nil).is(403)
	_, manager := h.user(access.Manager, false)
	h.ask(manager, "GET", "/logs", nil).is(200)
}

// TestLogsTellNothingOfWhatIsHidden: pages, totals and ids are the same whether
// there are hidden entries between those that are seen or not.
func TestLogsTellNothingOfWhatIsHidden(t *testing.T) {
	walk := func(t *testing.T, hidden int) (pages []string) {
		h := open(t)
		mine, theirs := h.Org("Mine"), h.Org("Theirs")
		_, manager := h.user(access.Manager, false, mine)
		h.Clock.Advance(40 * 24 * time.Hour)
		for i := range 7 {
			h.do("POST", "/documents", body("documents", attrs{"organization-id": mine, "name": fmt.Sprint("Plan ", i)}), 201)
			for range hidden {
				h.do("POST", "/documents", body("documents", attrs{"organization-id": theirs, "name": "hidden"}), 201)
			}
			h.Clock.Advance(time.Hour)
		}
		for _, sort := range []string{"created_at", "-created_at"} {
			seen := map[string]bool{}
			for next := any("/logs?page[size]=2&sort=" + sort); next != nil; {
				r := h.ask(manager, "GET", next.(string), nil).is(200)
				pages = append(pages, fmt.Sprint(r.names("resource-name"), r.at("meta")))
				for _, x := range r.at("data").([]any) {
					i := x.(map[string]any)["id"].(string)
					if n, err := strconv.ParseInt(i, 10, 64); err != nil || n < 1000 || seen[i] {
						t.Errorf("the id of an entry is %s", i)
					}
					seen[i] = true
				}
				next = r.at("links.next")
			}
		}
		return pages
	}
	none, many := walk(t, 0), walk(t, 3)
	if !slices.Equal(none, many) {
		t.Errorf("with hidden entries: %v\nwithout: %v", many, none)
	}
	if len(none) != 8 || !strings.HasPrefix(none[0], "Plan 0 Plan 1map") || !strings.HasPrefix(none[4], "Plan 6 Plan 5map") {
		t.Errorf("the pages are %q", none)
	}
}

func TestDerivedAttributes(t *testing.T) {
	h := open(t)
	top := h.Make("organization", 0, record.Values{"name": "Top", "short_name": "TOP", "quick_notes": "<p>" + strings.Repeat("n", 400) + "</p>"})
	mid := h.Make("organization", 0, record.Values{"name": "Mid", "parent_id": top})
	low := h.Make("organization", 0, record.Values{"name": "Low", "parent_id": mid})
	h.get("/organizations/"+low.String()).shows("data.attributes.ancestor-ids.0", top).shows("data.attributes.ancestor-ids.1", mid).shows("data.attributes.parent-id", mid).
		shows("data.attributes.resource-url", h.url+"/"+low.String())
	list := h.get("/organizations?sort=id")
	list.shows("data.2.attributes.ancestor-ids.1", mid)
	if n := len(list.at("data.0.attributes.quick-notes").(string)); n != 250 {
		t.Errorf("a list shows %d characters of the quick notes", n)
	}
	if n := len(h.get("/organizations/" + top.String()).at("data.attributes.quick-notes").(string)); n != 407 {
		t.Errorf("a single organization shows %d characters of the quick notes", n)
	}
	typ := h.one("configuration_type", "Server")
	cfg := h.Make("configuration", top, record.Values{"name": "srv", "configuration_type_id": typ})
	h.get("/configurations/"+cfg.String()).shows("data.attributes.organization-short-name", "TOP").shows("data.attributes.configuration-type-name", "Server")
	h.get("/configuration_types/"+typ.String()).shows("data.attributes.configurations-count", "1").shows("data.attributes.synced", false)
	_, stranger := h.user(access.Editor, false, low)
	h.ask(stranger, "GET", "/configuration_types/"+typ.String(), nil).is(200).shows("data.attributes.configurations-count", "0")
	h.ask(stranger, "GET", "/organizations/"+low.String(), nil).is(200).shows("data.attributes.ancestor-ids.0", mid).shows("data.attributes.ancestor-ids.1", nil).shows("data.attributes.parent-name", nil)
	folder := h.Make("document_folder", top, record.Values{"name": "F"})
	inner := h.Make("document_folder", top, record.Values{"name": "G", "parent_id": folder})
	h.Make("document", top, record.Values{"name": "d", "document_folder_id": inner})
	h.get("/document_folders/"+inner.String()+"?include=ancestors").shows("data.attributes.ancestor-ids.0", folder).shows("data.attributes.documents-count", "1").shows("included.0.attributes.name", "F")
	place := h.Make("location", top, record.Values{"name": "x", "phone": "2065550100", "country_id": h.one("country", "United States")})
	h.get("/locations/"+place.String()).shows("data.attributes.phone", "2065550100").shows("data.attributes.formatted-phone", "(206) 555-0100")
	who := h.do("POST", "/contacts", body("contacts", attrs{"first-name": "Ada", "last_name": "Byron", "organization-id": top,
		"contact-emails": []any{attrs{"value": "ada@example.com", "label-name": "Work", "primary": true}}, "contact_phones": []any{attrs{"value": "206 555 0100", "label_name": "Home", "extension": "7"}}}), 201)
	who.shows("data.attributes.name", "Ada Byron").shows("data.attributes.contact-emails.0.label-name", "Work").shows("data.attributes.contact-emails.0.primary", true).
		shows("data.attributes.contact-phones.0.value", "2065550100").shows("data.attributes.contact-phones.0.extension", "7").shows("data.attributes.contact-phones.0.label-type", "phone")
	h.get("/contacts?filter[primary_email]=ada@example.com").shows("meta.total-count", "1")
	h.get("/regions?filter[country_id]="+h.one("country", "Austria").String()).shows("data.0.attributes.country-name", "Austria")
}

func TestListsByParent(t *testing.T) {
	h := open(t)
	maker, other := h.Make("manufacturer", 0, record.Values{"name": "M"}), h.Make("manufacturer", 0, record.Values{"name": "N"})
	at := "/manufacturers/" + maker.String() + "/relationships/models"
	m := h.do("POST", at, body("models", attrs{"name": "one", "manufacturer-id": other}), 201).shows("data.attributes.manufacturer-id", maker).id()
	h.get(at).shows("meta.total-count", "1")
	h.get("/manufacturers/"+other.String()+"/relationships/models").shows("meta.total-count", "0")
	h.do("GET", "/manufacturers/"+other.String()+"/relationships/models/"+m.String(), nil, 404)
	h.do("PATCH", "/manufacturers/"+other.String()+"/relationships/models/"+m.String(), body("models", attrs{"name": "x"}), 404)
	h.do("DELETE", "/manufacturers/"+other.String()+"/relationships/models/"+m.String(), nil, 404)
	h.do("GET", "/manufacturers/99999/relationships/models", nil, 404)
	h.do("POST", "/manufacturers/99999/relationships/models", body("models", attrs{"name": "x"}), 404)
	h.do("GET", "/organizations/99999/relationships/configurations", nil, 404)
	de := h.one("country", "Germany").String()
	if n := h.get("/countries/" + de + "/relationships/regions").at("meta.total-count"); fmt.Sprint(n) != "16" {
		t.Errorf("regions of Germany: %v", n)
	}
	h.get("/organizations?sort=-name&page[size]=1")
}

func TestRangesAndDates(t *testing.T) {
	h := open(t)
	var made []id.ID
	for range 3 {
		made = append(made, h.Org(fmt.Sprint("Org ", len(made))))
		h.Clock.Advance(24 * time.Hour)
	}
	for query, want := range map[string]string{
		"filter[created_at]=2026-03-03,*":                                      "Org 1 Org 2",
		"filter[created_at]=*,2026-03-03":                                      "Org 0 Org 1",
		"filter[created-at]=2026-03-03":                                        "Org 1",
		"filter[created_at]=2026-03-03T09:00:00Z,2026-03-03T09:00:00Z":         "Org 1",
		"filter[created_at]=2026-03-03T09:00:01Z,%202026-03-04T08:59:59Z":      "",
		"filter[updated_at]=2026-03-04T09:00:00.000Z,*":                        "Org 2",
		"filter[created_at]=garbage,*":                                         "",
		"filter[exclude][id]=" + made[1].String():                              "Org 0 Org 2",
		"filter[exclude][name]=Org%200,Org%202":                                "Org 1",
		"filter[name][ne]=Org%200":                                             "Org 1 Org 2",
		"filter[range][id]=" + made[1].String() + ",*":                         "Org 1 Org 2",
		"filter[range][id]=*," + made[0].String():                              "Org 0",
		"filter[range][my_glue_account_id]=1,2":                                "",
		"filter[id]=" + made[0].String() + "," + made[2].String() + ",garbage": "Org 0 Org 2",
		"filter[id]=garbage":                                                   "",
		"filter[primary]=false":                                                "Org 0 Org 1 Org 2",
		"filter[primary]=1":                                                    "",
		"filter[archived]=false&filter[name]=Org%202":                          "Org 2",
		"filter[parent_id]=null":                                               "Org 0 Org 1 Org 2",
		"filter[parent_id][ne]=null":                                           "",
		"sort=-created_at,name":                                                "Org 2 Org 1 Org 0",
		"sort=-created-at&page[size]=1&page[number]=2":                         "Org 1",
		"sort=organization_type_name,-id":                                      "Org 2 Org 1 Org 0",
	} {
		if got := h.get("/organizations?" + query).names("name"); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

// TestMap: what is around a record, along what, and the way to another one.
func TestMap(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	x := populate(h, org)
	cfg, doc, place := x.record["configurations"], x.record["documents"], x.record["locations"]
	at := "/configurations/" + cfg.String()
	list := func(path string) string { return strings.ReplaceAll(h.get(path).names("resource-type"), " ", ",") }
	for path, want := range map[string]string{
		at + "/map":                                                    "configurations,locations,contacts,documents",
		at + "/map?kinds=locations,contacts":                           "configurations,locations,contacts",
		at + "/map?without=contacts&hops=2":                            "configurations,locations,documents,document-folders",
		at + "/map?follow=needs":                                       "configurations,locations",
		"/locations/" + place.String() + "/map?follow=breaks":          "locations,configurations",
		"/documents/" + doc.String() + "/map?to=" + place.String():     "documents,configurations,locations",
		"/documents/" + doc.String() + "/map?to=" + org.String():       "",
		at + "/map?also=configuration-types&kinds=configuration_types": "configurations,configuration-types",
	} {
		if got := list(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for _, wrong := range []string{"?hops=0", "?hops=x", "?kinds=spaceships", "?follow=up"} {
		h.ask(h.key, "GET", at+"/map"+wrong, nil).is(422)
	}
	h.ask(h.key, "GET", at+"/map?to=99999999", nil).is(404)
	link := at + "/relationships/related_items/" + x.link.String()
	h.do("PATCH", link, body("related-items", attrs{"dependence": "depends on"}), 200).shows("data.attributes.dependence", "depends on").shows("data.attributes.notes", "hidden")
	h.get("/documents/"+doc.String()+"/map?follow=breaks").shows("data.1.id", cfg.String()).shows("included.0.attributes.needed-id", doc).shows("meta.cut", false)
	h.ask(h.key, "PATCH", link, body("related-items", attrs{"dependence": "eats"})).is(422)
	h.do("PATCH", link, body("related-items", attrs{"dependence": nil}), 200).shows("data.attributes.dependence", nil)
}
