package saml_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/providertest"
)

const logout = home + "/logout"

// TestLeave: who signs out here is signed out there, in the very form in which she was
// named, by a signed message, where the settings say so.
func TestLeave(t *testing.T) {
	p, k := providertest.NewSAML(t, time.Now), makePairs(t, 1)
	w := k.open(t, p, map[string]string{"logout": "1"})
	p.Lie(func(p *providertest.SAML) {
		p.Before = func(r *etree.Element) { r.FindElement("//saml:NameID").CreateAttr("SPNameQualifier", home+"/metadata") }
	})
	c, err := travel(t, w, p)
	if err != nil || c.Leave == nil {
		t.Fatalf("%+v, %v", c, err)
	}
	to, err := w.Leave(t.Context(), c.Leave)
	if err != nil || !strings.HasPrefix(to.To, p.Entity+"/logout?SAMLRequest=") || !signedBy(t, to.To, k.certs[0]) {
		t.Fatalf("%v, %v", to, err)
	}
	r := providertest.Request(t, to.To)
	n := r.FindElement("./saml:NameID")
	if r.Tag != "LogoutRequest" || n.Text() != "u-1" || n.SelectAttrValue("Format", "") != "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" || n.SelectAttrValue("SPNameQualifier", "") != home+"/metadata" || r.FindElement("./samlp:SessionIndex").Text() != "s-u-1" {
		t.Errorf("it asks %s", to.To)
	}
	for status, partly := range map[string]bool{"Success": false, "Responder": true} {
		told, err := w.Told(t.Context(), method.Message{Query: p.Query("SAMLResponse", p.LogoutAnswer(logout, r.SelectAttrValue("ID", ""), status), "")})
		if err != nil || told.Ended != nil || told.Partly != partly {
			t.Errorf("the answer %s: %+v, %v", status, told, err)
		}
	}
	p.Lie(nil)
	if c, err := travel(t, k.open(t, p, nil), p); err != nil || c.Leave != nil {
		t.Errorf("where the settings do not say so: %+v, %v", c, err)
	}
	for _, b := range []string{"", "{}", `{"provider":"x","value":"u-1"}`} {
		if to, err := w.Leave(t.Context(), []byte(b)); !fault.Is(err, fault.Unavailable) || to.To != "" {
			t.Errorf("%q leads to %v, %v", b, to, err)
		}
	}
}

// TestTold: the provider's word that a session is over counts when it has signed it,
// for this way, now; and it is answered.
func TestTold(t *testing.T) {
	p, k := providertest.NewSAML(t, time.Now), makePairs(t, 1)
	w := k.open(t, p, nil)
	c, err := travel(t, w, p)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() *etree.Element { return p.Logout(logout, "u-1", "s-u-1", "s-2") }
	for name, m := range map[string]method.Message{"by redirect": {Query: p.Query("SAMLRequest", ask(), "a b+c")}, "by POST": {Form: p.Form("SAMLRequest", ask(), "a b+c")}} {
		told, err := w.Told(t.Context(), m)
		if err != nil || told.Ended == nil || told.Ended.Subject != c.Subject || len(told.Ended.Sessions) != 2 || told.Ended.Sessions[0] != c.Session || told.Ended.Once == "" || told.Relay != "a b+c" {
			t.Fatalf("%s: %+v, %v", name, told, err)
		}
		for done, want := range map[bool]string{true: "Success", false: "Requester"} {
			to, err := w.Answer(t.Context(), told, done)
			if err != nil || !signedBy(t, to.To, k.certs[0]) {
				t.Fatalf("the answer: %v, %v", to, err)
			}
			u, _ := url.Parse(to.To)
			r := providertest.Request(t, to.To)
			if r.Tag != "LogoutResponse" || r.SelectAttrValue("InResponseTo", "") != told.Request || !strings.HasSuffix(r.FindElement(".//samlp:StatusCode").SelectAttrValue("Value", ""), want) || u.Query().Get("RelayState") != "a b+c" {
				t.Errorf("the answer is %s", to.To)
			}
		}
	}
	all := p.Logout(logout, "u-1")
	if told, err := w.Told(t.Context(), method.Message{Query: p.Query("SAMLRequest", all, "")}); err != nil || told.Ended.Subject == "" || len(told.Ended.Sessions) != 0 {
		t.Errorf("all sessions of somebody: %+v, %v", told, err)
	}
	hidden := ask()
	providertest.Sealing{To: k.certs[0]}.Seal(hidden.FindElement("./saml:NameID"))
	if told, err := w.Told(t.Context(), method.Message{Form: p.Form("SAMLRequest", hidden, "")}); err != nil || told.Ended.Subject != c.Subject {
		t.Errorf("a name that is encrypted: %+v, %v", told, err)
	}
	q := providertest.NewSAML(t, time.Now)
	good := p.Query("SAMLRequest", ask(), "x")
	told := func(change func(*etree.Element)) string {
		e := ask()
		change(e)
		return p.Query("SAMLRequest", e, "")
	}
	form := func(change func(*etree.Element)) url.Values {
		f := p.Form("SAMLRequest", ask(), "")
		doc := decode(t, f.Get("SAMLRequest"))
		change(doc)
		f.Set("SAMLRequest", encode(t, doc))
		return f
	}
	for name, m := range map[string]method.Message{
		"nothing":                 {},
		"no signature":            {Query: good[:strings.Index(good, "&SigAlg")]},
		"an empty one":            {Query: good[:strings.Index(good, "&Signature=")] + "&Signature="},
		"of another provider":     {Query: q.Query("SAMLRequest", ask(), "")},
		"another RelayState":      {Query: strings.Replace(good, "RelayState=x", "RelayState=y", 1)},
		"no RelayState":           {Query: strings.Replace(good, "&RelayState=x", "", 1)},
		"a second RelayState":     {Query: good + "&RelayState=y"},
		"a second message":        {Query: good + "&SAMLRequest=" + url.QueryEscape("PHgvPg==")},
		"a message beside it":     {Query: good + "&SAMLResponse=" + url.QueryEscape("PHgvPg==")},
		"a name that is escaped":  {Query: "%53AMLRequest=" + url.QueryEscape("PHgvPg==") + "&" + good},
		"another packing":         {Query: good + "&SAMLEncoding=urn:x"},
		"called an answer":        {Query: strings.Replace(good, "SAMLRequest", "SAMLResponse", 1)},
		"SHA-1":                   {Query: p.SignQuery(good[:strings.Index(good, "&SigAlg")], "http://www.w3.org/2000/09/xmldsig#rsa-sha1")},
		"SHA-512 by name":         {Query: p.SignQuery(good[:strings.Index(good, "&SigAlg")], "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")},
		"a shared secret":         {Query: p.SignQuery(good[:strings.Index(good, "&SigAlg")], "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")},
		"no base64":               {Query: p.SignQuery("SAMLRequest=%25%25", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")},
		"for another address":     {Query: told(tell(".", "Destination", callback))},
		"for another way":         {Query: told(tell(".", "Destination", strings.Replace(logout, "/7/", "/8/", 1)))},
		"no destination":          {Query: told(lose(".", "Destination"))},
		"old":                     {Query: told(tell(".", "IssueInstant", at(-time.Hour)))},
		"over":                    {Query: told(tell(".", "NotOnOrAfter", at(-time.Hour)))},
		"no issuer":               {Query: told(drop("./saml:Issuer"))},
		"another issuer":          {Query: told(func(e *etree.Element) { e.FindElement("./saml:Issuer").SetText(q.Entity) })},
		"no ID":                   {Query: told(lose(".", "ID"))},
		"nobody":                  {Query: told(drop("./saml:NameID"))},
		"two names":               {Query: told(add(".", `<saml:NameID>admin</saml:NameID>`))},
		"an AuthnRequest":         {Query: told(func(e *etree.Element) { e.Tag = "AuthnRequest" })},
		"a form with no message":  {Form: url.Values{"RelayState": {"x"}}},
		"a form without one":      {Form: form(func(e *etree.Element) { e.RemoveChild(e.FindElement("./ds:Signature")) })},
		"a form that was altered": {Form: form(func(e *etree.Element) { e.FindElement("./saml:NameID").SetText("u-2") })},
		"a form of another":       {Form: q.Form("SAMLRequest", ask(), "")},
		"wrapped in a form": {Form: form(func(e *etree.Element) {
			old := e.Copy()
			e.CreateAttr("ID", "_evil")
			e.FindElement("./saml:NameID").SetText("u-2")
			e.AddChild(old)
			e.RemoveChild(e.FindElement("./ds:Signature"))
		})},
		"an assertion as a message": {Form: p.Post(t, callback, home+"/metadata", "")},
	} {
		if told, err := w.Told(t.Context(), m); !fault.Is(err, fault.Unauthorized) || !reflect.ValueOf(told).IsZero() {
			t.Errorf("%s: %+v, %v", name, told, err)
		}
	}
}
