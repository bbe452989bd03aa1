package importertest_test

import (
	"strings"
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer"
)

// TestSheets: the tables of kinds that are read from their declarations, in the
// spellings in which they come.
func TestSheets(t *testing.T) {
	h := open(t)
	in := files{
		"organizations.csv": csv("id,name", "1,Harbour", "2,Kestrel"),
		"domains.csv": csv("id,organization,Name,Registrar,expires-on,notes,archived,whois",
			`11,Harbour,Harbour.Example.,Namehold,2027-03-04,"<p>Ask <a href=""https://msp.itglue.com/1/domains/12"">the other</a></p>",No,x`,
			"12,Harbour,two.example,,some day,,Yes,", "13,Nobody,lost.example,,,,,"),
		"ssl-certificates.csv":                      csv("id,organization,name,host,issuer,Valid From,valid to,active", "21,Kestrel,,www.kestrel.example,Letters,2026-01-01,1/31/2027,Yes"),
		"passwords.csv":                             csv("id,organization,name,resource_type,resource_id,password", "31,Harbour,Registrar,Domain,11,one", "32,Kestrel,Key,SSL Certificate,21,two"),
		"attachments/domains/11/contract.pdf":       "%PDF",
		"attachments/ssl-certificates/21/chain.pem": "chain",
	}
	p := in.pack(t, "")
	plan, got := h.check(p), h.run(p)
	samePlan(t, plan, got)
	h.said(got, "error", "domains.csv", 4, "there is no organization")
	h.said(got, "info", "domains.csv", 2, `The column "whois"`)
	h.said(got, "warning", "domains.csv", 3, "kept in the notes")
	if len(got.Unknown) != 0 || got.Kinds["domain"].Created != 2 || got.Kinds["ssl_certificate"].Created != 1 || got.Kinds["attachment"].Created != 2 {
		t.Errorf("the report is %+v", got)
	}
	one, two, cert := h.one("domain", "harbour.example"), h.one("domain", "two.example"), h.one("ssl_certificate", "www.kestrel.example")
	if v := one.Values; v.Text("registrar_name") != "Namehold" || v.Text("expires_on") != "2027-03-04" ||
		!strings.Contains(v.Text("notes"), "/"+one.Org.String()+"/domains/"+two.ID.String()) {
		t.Errorf("the domain is %v", v)
	}
	if !two.Archived || !strings.Contains(two.Values.Text("notes"), "Expires on: some day") {
		t.Errorf("the other domain is %+v", two)
	}
	if v := cert.Values; v.Text("issued_by") != "Letters" || v.Text("valid_until") != "2027-01-31" || !v.Bool("active") {
		t.Errorf("the certificate is %v", v)
	}
	if pw := h.one("password", "Registrar"); pw.Values["resource_id"] != int64(one.ID) || pw.Values.Text("cached_resource_type_name") != "Domain" {
		t.Errorf("the registrar's password is %v", pw.Values)
	}
	if pw := h.one("password", "Key"); pw.Values["resource_id"] != int64(cert.ID) {
		t.Errorf("the certificate's password is %v", pw.Values)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := attachment.List(tx, cert.ID, attachment.Attached)
		if len(list) != 1 || list[0].Name != "chain.pem" {
			t.Errorf("the certificate's files are %v", list)
		}
		return err
	})
	if again := h.run(p); again.Created+again.Changed+again.Conflicts != 0 {
		t.Errorf("the same again did %+v", again)
	}
}

// TestSheetsAttachLater: a password that waited for what it is embedded in finds
// it once that comes.
func TestSheetsAttachLater(t *testing.T) {
	h := open(t)
	in := files{
		"organizations.csv": csv("id,name", "1,Harbour"),
		"passwords.csv":     csv("id,organization,name,resource_type,resource_id,password", "31,Harbour,Registrar,Domain,11,one"),
	}
	h.run(in.pack(t, ""))
	if pw := h.one("password", "Registrar"); pw.Values["resource_id"] != nil || pw.Values.Text("external_resource_id") != "11" {
		t.Fatalf("the password is %v", pw.Values)
	}
	var r *importer.Report = h.run(in.with(files{"domains.csv": csv("id,organization,name", "11,Harbour,harbour.example")}).pack(t, ""))
	pw, domain := h.one("password", "Registrar"), h.one("domain", "harbour.example")
	if r.Kinds["password"].Changed != 1 || pw.Values["resource_id"] != int64(domain.ID) {
		t.Errorf("the report is %+v, the password %v", r, pw.Values)
	}
}
