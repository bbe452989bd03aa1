package itglue_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// TestObjectsInTheAPI: a kind that a tenant defines is made, asked and changed like any
// other; what a PATCH does not name stays.
func TestObjectsInTheAPI(t *testing.T) {
	h := open(t)
	org := h.Org("Harbour")
	typ := h.ask(h.key, "POST", "/object_types", body("object-types", attrs{"name": "Agency", "states": []any{attrs{"state": "Open", "begins": true, "becomes": "Shut"}, attrs{"state": "Shut"}}})).is(201).id()
	for _, f := range []attrs{{"name": "Town", "kind": "Text", "show-in-list": true}, {"name": "Staff", "kind": "Whole number"}, {"name": "Opened", "kind": "Date and time"}, {"name": "Chief", "kind": "Link", "tag-type": "contact"},
		{"name": "Where", "kind": "Tag", "tag-type": "location"}} {
		f["object-type-id"] = typ
		h.ask(h.key, "POST", "/object_fields", body("object-fields", f)).is(201)
	}
	chief, place := h.Make("contact", org, record.Values{"first_name": "Rosa"}), h.Make("location", org, record.Values{"name": "Quay"})
	made := h.ask(h.key, "POST", "/custom_objects", body("custom-objects", attrs{"organization-id": org, "object-type-id": typ, "name": "Delft", "traits": attrs{
		"town": "Delft", "staff": 12, "opened": "2026-03-01T09:30:00Z", "chief": chief, "where": []any{place}}})).is(201)
	made.shows("data.attributes.status", "Open").shows("data.attributes.number", "1001").shows("data.attributes.traits.staff", "12").shows("data.attributes.traits.opened", "2026-03-01T09:30:00Z").
		shows("data.attributes.traits.chief", chief).shows("data.attributes.traits.where.values.0.name", "Quay")
	at := "/custom_objects/" + made.id().String()
	h.ask(h.key, "PATCH", at, body("custom-objects", attrs{"status": "Shut", "traits": attrs{"town": "Gouda"}})).is(200).
		shows("data.attributes.traits.town", "Gouda").shows("data.attributes.traits.staff", "12").shows("data.attributes.traits.where.values.0.name", "Quay").shows("data.attributes.status", "Shut")
	h.ask(h.key, "PATCH", at, body("custom-objects", attrs{"status": "Open"})).is(422)
	h.get("/custom_objects?filter[object-type-id]="+typ.String()).shows("data.0.attributes.name", "Delft")
	h.ask(h.key, "DELETE", "/object_types/"+typ.String(), nil).is(422)
	h.ask(h.key, "DELETE", at, nil).is(204)
	h.ask(h.key, "DELETE", "/object_types/"+typ.String(), nil).is(200)
}

// TestDesignedAssets works with a type and its assets as programs do.
func TestDesignedAssets(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	sw := h.Make("configuration", org, record.Values{"name": "sw-1", "configuration_type_id": h.one("configuration_type", "Switch")})
	field := func(name, kind string, more attrs) attrs {
		a := attrs{"name": name, "kind": kind}
		for k, v := range more {
			a[k] = v
		}
		return attrs{"type": "flexible_asset_fields", "attributes": a}
	}
	typ := h.ask(h.key, "POST", "/flexible_asset_types", attrs{"data": attrs{"type": "flexible_asset_types", "attributes": attrs{"name": "LAN", "icon": "network", "enabled": true},
		"relationships": attrs{"flexible_asset_fields": attrs{"data": []any{
			field("Network name", "Text", attrs{"show-in-list": true, "use-for-title": true, "required": true, "order": 1}), field("About", "Header", nil), field("VLAN", "Number", attrs{"decimals": 0, "show-in-list": true}),
			field("Switches", "Tag", attrs{"tag-type": "Configurations"}), field("Key", "Password", nil), field("Plans", "Upload", nil), field("Until", "Date", attrs{"expiration": true}),
			field("Guests", "Checkbox", nil), field("Notes", "Textbox", nil), field("Medium", "Select", attrs{"default-value": "Copper\nFibre"}),
		}}}}}).is(201).id()
	if got := h.ask(h.key, "GET", "/flexible_asset_types/"+typ.String()+"/relationships/flexible_asset_fields", nil).is(200).names("name-key"); got != "network-name about vlan switches key plans until guests notes medium" {
		t.Errorf("the fields have the keys %s", got)
	}
	r := h.ask(h.key, "POST", "/flexible_assets", body("flexible-assets", attrs{"organization-id": org, "flexible-asset-type-id": typ, "traits": attrs{
		"network-name": "Office", "vlan": 12, "switches": []id.ID{sw}, "key": "hunter2!", "until": "2027-01-31", "guests": true, "notes": "<p>Here</p>", "medium": "Fibre", "nonsense": 1,
		"plans": []any{attrs{"content": base64.StdEncoding.EncodeToString([]byte("a plan")), "file_name": "plan.txt"}}}})).is(201)
	asset := r.id()
	r.shows("data.attributes.name", "Office").shows("data.attributes.flexible-asset-type-name", "LAN").shows("data.attributes.traits.vlan", "12").shows("data.attributes.traits.until", "2027-01-31").
		shows("data.attributes.traits.guests", true).shows("data.attributes.traits.medium", "Fibre").shows("data.attributes.traits.switches.type", "Configurations").
		shows("data.attributes.traits.switches.values.0.name", "sw-1").shows("data.attributes.traits.plans.0.name", "plan.txt")
	if r.has("data.attributes.traits.about") || r.has("data.attributes.traits.nonsense") || strings.Contains(string(r.body), "hunter2") {
		t.Errorf("it shows %s", r.body)
	}
	pw, _ := id.Parse(fmt.Sprint(r.at("data.attributes.traits.key")))
	h.ask(h.key, "GET", "/passwords/"+pw.String(), nil).is(200).shows("data.attributes.password", "hunter2!").shows("data.attributes.resource-id", asset)
	at := "/flexible_assets/" + asset.String()
	r = h.ask(h.key, "PATCH", at, body("flexible-assets", attrs{"traits": attrs{"network_name": "Office 2", "switches": r.at("data.attributes.traits.switches"), "plans": r.at("data.attributes.traits.plans"), "key": pw}})).is(200)
	r.shows("data.attributes.name", "Office 2").shows("data.attributes.traits.switches.values.0.id", sw).shows("data.attributes.traits.plans.0.name", "plan.txt")
	if r.has("data.attributes.traits.vlan") || r.has("data.attributes.traits.medium") {
		t.Errorf("what was not sent is still there: %s", r.body)
	}
	h.ask(h.key, "GET", "/passwords/"+pw.String(), nil).is(200).shows("data.attributes.password", "hunter2!")
	h.ask(h.key, "PATCH", at, body("flexible-assets", attrs{"traits": attrs{"network-name": "x", "vlan": "twelve"}})).is(422)
	h.ask(h.key, "PATCH", at, body("flexible-assets", attrs{"traits": attrs{"vlan": 1}})).is(422)
	h.ask(h.key, "POST", "/flexible_assets", body("flexible-assets", attrs{"organization-id": org, "traits": attrs{"network-name": "x"}})).is(422)
	for i := range 3 {
		h.ask(h.key, "POST", "/organizations/"+org.String()+"/relationships/flexible_assets", body("flexible-assets", attrs{"flexible_asset_type_id": typ.String(), "traits": attrs{"network-name": fmt.Sprint("net ", i)}})).is(201)
	}
	if got := h.ask(h.key, "GET", "/flexible_assets?filter[flexible-asset-type-id]="+typ.String()+"&sort=-name&page[size]=2", nil).is(200).shows("meta.total-count", "4").names("name"); got != "Office 2 net 2" {
		t.Errorf("the list is %s", got)
	}
	if got := h.ask(h.key, "GET", "/flexible_assets?filter[flexible_asset_type_id]=999999", nil).names("name"); got != "" {
		t.Errorf("assets of no type: %s", got)
	}
	_, lite := h.user("Read-only", false)
	h.ask(lite, "PATCH", at, body("flexible-assets", attrs{"traits": attrs{"network-name": "mine"}})).is(403)
	h.ask(lite, "POST", "/flexible_asset_types", body("flexible-asset-types", attrs{"name": "Mine"})).is(403)
	h.ask(h.key, "DELETE", at, nil).is(204)
	h.ask(h.key, "GET", at, nil).is(404)
}
