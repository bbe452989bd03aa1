package itglue_test

import (
	"testing"
)

// TestDomainsAndCertificates: what the protocol lists can be written here too.
func TestDomainsAndCertificates(t *testing.T) {
	w := newWorld(t)
	d := w.do("POST", "/domains", body("domains", attrs{"organization-id": w.org, "name": "HTTPS://Acme.Example./about", "registrar-name": "Namehold", "expires-on": "2027-03-04T00:00:00.000Z", "notes": "<p>Paid by card</p>"}), 201)
	d.shows("data.attributes.name", "acme.example").shows("data.attributes.expires-on", "2027-03-04T00:00:00.000Z").shows("data.attributes.organization-name", "Acme")
	w.do("POST", "/domains", body("domains", attrs{"organization-id": w.org, "name": "two words"}), 422).shows("errors.0.source.pointer", "/data/attributes/name")
	path := "/domains/" + d.id().String()
	w.do("PATCH", path, body("domains", attrs{"expires-on": "2028-05-06", "screenshot": "ignored"}), 200).shows("data.attributes.expires-on", "2028-05-06T00:00:00.000Z").shows("data.attributes.screenshot", nil)
	w.do("POST", path+"/relationships/related_items", body("related-items", attrs{"destination-id": w.cfg, "destination-type": "Configuration"}), 201)
	w.do("POST", "/passwords", body("passwords", attrs{"organization-id": w.org, "name": "Registrar", "password": "x", "resource-type": "Domain", "resource-id": d.id()}), 201)
	w.get(path+"?include=passwords,related_items").shows("included.0.attributes.name", "Registrar").shows("data.relationships.related-items.data.0.type", "related-items")
	if got := w.get("/expirations?filter[resource_type_name]=Domain").names("resource-name"); got != "acme.example" {
		t.Errorf("what expires is %q", got)
	}

	c := w.do("POST", "/organizations/"+w.org.String()+"/relationships/ssl_certificates", body("ssl-certificates", attrs{"host": "https://www.acme.example/", "issued-by": "Letters & Co", "valid-from": "2026-01-01", "valid-until": "2026-12-31"}), 201)
	c.shows("data.attributes.name", "www.acme.example").shows("data.attributes.active", true).shows("data.attributes.valid-until", "2026-12-31T00:00:00.000Z")
	w.do("PATCH", "/ssl_certificates/"+c.id().String(), body("ssl-certificates", attrs{"valid-until": "2025-12-31"}), 422).shows("errors.0.source.pointer", "/data/attributes/valid-until")
	if got := w.get("/ssl_certificates?filter[valid_until]=2026-12-01,*&sort=-valid_until").names("name"); got != "www.acme.example" { // a root list too
		t.Errorf("the certificates are %q", got)
	}
	w.get("/expirations?filter[resource_type_name]=SSL+Certificate").shows("data.0.attributes.resource-name", "www.acme.example")
	w.do("DELETE", path, nil, 200)
	w.do("GET", path, nil, 404)
}
