package itglue_test

import (
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
)

// TestComments: they are said, read, changed by who said them and taken away, and hidden
// where their record is.
func TestComments(t *testing.T) {
	w := newWorld(t)
	host := w.Make("document", w.org, record.Values{"name": "FW1"})
	_, ada := w.user(access.Editor, false, w.org)
	said := w.ask(ada, "POST", "/comments", body("comments", attrs{"resource-id": host, "text": "The *fan* is loud"})).is(201)
	said.shows("data.attributes.resource-type", "documents").shows("data.attributes.resource-name", "FW1").shows("data.attributes.text", "The *fan* is loud")
	at := "/comments/" + said.id().String()
	if got := w.get("/comments?filter[resource_id]=" + host.String()).names("text"); got != "The *fan* is loud" {
		t.Errorf("the comments are %q", got)
	}
	if got := w.get("/comments?filter[resource_id]=1").names("text"); got != "" {
		t.Errorf("the comments on nothing are %q", got)
	}
	w.ask(ada, "PATCH", at, body("comments", attrs{"text": "Mended"})).is(200).shows("data.attributes.text", "Mended")
	_, bob := w.user(access.Editor, false, w.org)
	w.ask(bob, "PATCH", at, body("comments", attrs{"text": "Mine"})).is(403)
	w.ask(bob, "DELETE", at, nil).is(403)
	w.ask(ada, "POST", "/comments", body("comments", attrs{"resource-id": host, "text": " "})).is(422)
	w.ask(ada, "POST", "/comments", body("comments", attrs{"text": "x"})).is(422).shows("errors.0.source.pointer", "/data/attributes/resource-id")

	_, eve := w.user(access.Editor, false, w.Org("Other"))
	w.ask(eve, "GET", at, nil).is(404)
	w.ask(eve, "DELETE", at, nil).is(404)
	if got := w.ask(eve, "GET", "/comments", nil).is(200).names("text"); got != "" {
		t.Errorf("a stranger reads %q", got)
	}
	w.ask(eve, "POST", "/comments", body("comments", attrs{"resource-id": host, "text": "x"})).is(422)
	w.ask(ada, "DELETE", at, nil).is(204)
	w.ask(ada, "GET", at, nil).is(404)
}

func TestFlagsOfARecord(t *testing.T) {
	w := newWorld(t)
	host := w.Make("document", w.org, record.Values{"name": "FW1"})
	vip := w.Make("flag", 0, record.Values{"name": "VIP", "colour": "red"})
	at := "/records/" + host.String() + "/flags"
	w.do("POST", at, body("record-flags", attrs{"flag-id": vip}), 201).shows("data.attributes.name", "VIP")
	w.do("POST", at, body("record-flags", attrs{"flag-id": 999999}), 404)
	if got := w.get(at).names("name"); got != "VIP" {
		t.Errorf("the flags are %q", got)
	}
	_, reader := w.user(access.ReadOnly, false, w.org)
	w.ask(reader, "GET", at, nil).is(200)
	w.ask(reader, "DELETE", at+"/"+vip.String(), nil).is(403)
	_, eve := w.user(access.Editor, false, w.Org("Other"))
	w.ask(eve, "GET", at, nil).is(404)
	w.ask(eve, "POST", at, body("record-flags", attrs{"flag-id": vip})).is(404)
	w.do("DELETE", at+"/"+vip.String(), nil, 204)
	w.do("DELETE", at+"/"+vip.String(), nil, 404)
}

// TestNotifications: who is mentioned has a notice, nobody else sees it, and a key that
// only reads does not say that it was read.
func TestNotifications(t *testing.T) {
	w := newWorld(t)
	host := w.Make("document", w.org, record.Values{"name": "FW1"})
	ada, adas := w.user(access.Editor, false, w.org)
	_, bobs := w.user(access.Editor, false, w.org)
	w.ask(bobs, "POST", "/comments", body("comments", attrs{"resource-id": host, "text": "First"})).is(201)
	w.ask(adas, "POST", "/comments", body("comments", attrs{"resource-id": host, "text": "Second"})).is(201)
	list := w.ask(bobs, "GET", "/notifications?filter[unread]=true", nil).is(200).shows("data.0.attributes.topic", "comment").shows("data.0.attributes.read", false)
	at := "/notifications/" + list.at("data.0.id").(string)
	w.ask(adas, "GET", at, nil).is(404)
	w.ask(adas, "PATCH", at, body("notifications", attrs{"read": true})).is(404)
	w.ask(bobs, "PATCH", at, body("notifications", attrs{"read": "perhaps"})).is(422)
	w.ask(bobs, "PATCH", at, body("notifications", attrs{"read": true})).is(200).shows("data.attributes.read", true)
	if got := w.ask(bobs, "GET", "/notifications?filter[unread]=true", nil).names("text"); got != "" {
		t.Errorf("unread is %q", got)
	}
	still := w.newKey(apikey.New{Name: "still", Owner: ada, ReadOnly: true, Limit: &apikey.Limit{}})
	w.ask(still, "PATCH", at, body("notifications", attrs{"read": false})).is(403)
}

func TestTrackers(t *testing.T) {
	w := newWorld(t)
	site := w.Make("domain", w.org, record.Values{"name": "acme.example"})
	host := w.Make("document", w.org, record.Values{"name": "FW1"})
	at := "/records/" + site.String() + "/trackers"
	w.get(at).shows("data.0.attributes.tracker", "dns").shows("data.0.attributes.paused", false).shows("data.0.attributes.resource-name", "acme.example")
	w.do("PATCH", at, body("trackers", attrs{"paused": true}), 200).shows("data.0.attributes.paused", true)
	w.do("PATCH", at, body("trackers", attrs{}), 422)
	w.do("POST", at+"/check", nil, 503)
	w.get("/trackers")
	w.get(at + "/versions?filter[tracker]=dns")
	w.do("GET", "/records/"+host.String()+"/trackers", nil, 404)
	_, eve := w.user(access.Editor, false, w.Org("Other"))
	for _, call := range [][2]string{{"GET", ""}, {"GET", "/versions"}, {"POST", "/check"}, {"PATCH", ""}} {
		w.ask(eve, call[0], at+call[1], body("trackers", attrs{"paused": false})).is(404)
	}
}

func TestRunbooks(t *testing.T) {
	w := newWorld(t)
	_, ada := w.user(access.Manager, false)
	made := w.ask(ada, "POST", "/runbooks", body("runbooks", attrs{"name": "Handbook", "organization-id": w.org, "parts": []any{attrs{"kind": "configuration"}}, "rhythm": "weekly", "day": 1, "hour": 6, "keep": 3})).is(201)
	made.shows("data.attributes.name", "Handbook").shows("data.attributes.rhythm", "weekly").shows("data.attributes.keep", "3").shows("data.attributes.parts.0.kind", "configuration")
	at := "/runbooks/" + made.id().String()
	w.ask(ada, "PATCH", at, body("runbooks", attrs{"name": "Book", "rhythm": "never?"})).is(422)
	w.ask(ada, "PATCH", at, body("runbooks", attrs{"name": "Book", "related": true})).is(200).shows("data.attributes.name", "Book").shows("data.attributes.keep", "3")
	w.ask(ada, "POST", "/runbooks", body("runbooks", attrs{"name": "None", "parts": []any{attrs{"kind": "nothing"}}})).is(422)
	file := w.ask(ada, "POST", "/runbook_files", body("runbook-files", attrs{"runbook-id": made.id()})).is(201).shows("data.attributes.state", "waiting").shows("data.attributes.download-url", nil)
	w.ask(ada, "GET", at+"/files", nil).is(200).shows("data.0.id", file.id().String())
	one := "/runbook_files/" + file.id().String()
	w.ask(ada, "GET", one, nil).is(200)
	w.ask(ada, "GET", one+"/download", nil).is(404)

	_, bob := w.user(access.Manager, false)
	for _, path := range []string{at, at + "/files", one, one + "/download"} {
		w.ask(bob, "GET", path, nil).is(404)
	}
	w.ask(bob, "PATCH", at, body("runbooks", attrs{"name": "Mine"})).is(404)
	w.ask(bob, "DELETE", at, nil).is(404)
	w.ask(bob, "POST", "/runbook_files", body("runbook-files", attrs{"runbook-id": made.id()})).is(422)
	if got := w.ask(bob, "GET", "/runbooks", nil).is(200).names("name"); got != "" {
		t.Errorf("another's list is %q", got)
	}
	_, editor := w.user(access.Editor, false)
	w.ask(editor, "GET", "/runbooks", nil).is(403)
	w.ask(ada, "DELETE", at, nil).is(204)
	w.ask(ada, "GET", at, nil).is(404)
}

// TestSearch: records are found by words, as far as they may be seen.
func TestSearch(t *testing.T) {
	w := newWorld(t)
	w.Make("document", w.org, record.Values{"name": "Zebra manual"})
	other := w.Org("Other")
	room := w.Make("location", other, record.Values{"name": "Zebra room"})
	for query, want := range map[string]string{"query=zebr": "Zebra manual Zebra room", "query=room+room": "Zebra room", "query=zebr&kind=locations": "Zebra room", "query=zebr&kind=Document,Contact": "Zebra manual",
		"query=zebr&filter_organization_id=" + w.org.String(): "Zebra manual", "query=zebr&filter_organization_id=x": "", "query=zebr&kind=spaceships": "", "query=": ""} {
		if got := w.get("/search.json?" + query).names("name"); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	w.get("/search?query=room").shows("data.0.id", room).shows("data.0.attributes.resource-type", "locations").shows("data.0.attributes.organization-name", "Other")
	w.do("GET", "/search?query=zebr&limit=none", nil, 422)
	if one, _ := w.get("/search?query=zebr&limit=1&related=true&sort=name").at("data").([]any); len(one) != 1 {
		t.Errorf("of at most one there are %v", one)
	}
	_, eve := w.user(access.Editor, false, other)
	if got := w.ask(eve, "GET", "/search.json?query=zebr", nil).is(200).names("name"); got != "Zebra room" {
		t.Errorf("a stranger finds %q", got)
	}
}
