package saml_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/saml"
	"strongroom/internal/feature/identity/providertest"
)

// tell changes one attribute of what is signed.
func tell(path, name, value string) func(*etree.Element) {
	return func(r *etree.Element) {
		e := r.FindElement(path)
		if path == "." {
			e = r
		}
		e.CreateAttr(name, value)
	}
}

func drop(path string) func(*etree.Element) {
	return func(r *etree.Element) { e := r.FindElement(path); e.Parent().RemoveChild(e) }
}

func lose(path, name string) func(*etree.Element) {
	return func(r *etree.Element) {
		if path == "." {
			r.RemoveAttr(name)
			return
		}
		r.FindElement(path).RemoveAttr(name)
	}
}

func at(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }

// add puts XML into an element, at its end.
func add(path, xml string) func(*etree.Element) {
	return func(r *etree.Element) {
		doc := etree.NewDocument()
		if err := doc.ReadFromString(`<x xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` + xml + `</x>`); err != nil {
			panic(err)
		}
		e := r
		if path != "." {
			e = r.FindElement(path)
		}
		for _, c := range doc.Root().Copy().Child {
			e.AddChild(c)
		}
	}
}

// TestSignedLies: what a provider has signed for somebody else, another place or
// another time is refused.
func TestSignedLies(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	w := open(t, p, nil)
	const data, conditions = "//saml:SubjectConfirmationData", "//saml:Conditions"
	for name, x := range map[string]struct {
		lie  func(*etree.Element)
		word string
	}{
		"another audience": {func(r *etree.Element) { r.FindElement("//saml:Audience").SetText("https://other.example") }, "audience"},
		"the audience of another way": {func(r *etree.Element) {
			r.FindElement("//saml:Audience").SetText(strings.Replace(home, "/7", "/8", 1) + "/metadata")
		}, "audience"},
		"a second audience restriction": {add(conditions, `<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>`), "audience"},
		"no audience":                   {drop("//saml:AudienceRestriction"), "for whom"},
		"an unknown condition":          {add(conditions, `<saml:Condition/>`), "condition"},
		"no conditions":                 {drop(conditions), "not valid"},
		"another recipient":             {tell(data, "Recipient", "https://other.example/return"), "recipient"},
		"the recipient of another way":  {tell(data, "Recipient", strings.Replace(callback, "/7/", "/8/", 1)), "recipient"},
		"no recipient":                  {lose(data, "Recipient"), "recipient"},
		"another destination":           {tell(".", "Destination", "https://other.example/return"), "another address"},
		"no destination":                {lose(".", "Destination"), "another address"},
		"another request":               {tell(data, "InResponseTo", "_other"), "no answer"},
		"no request":                    {lose(data, "InResponseTo"), "no answer"},
		"the answer to another request": {tell(".", "InResponseTo", "_other"), "no answer"},
		"the answer to none":            {lose(".", "InResponseTo"), "no answer"},
		"over":                          {tell(data, "NotOnOrAfter", at(-time.Hour)), "over"},
		"no end":                        {lose(data, "NotOnOrAfter"), "over"},
		"a far end":                     {tell(data, "NotOnOrAfter", at(48*time.Hour)), "day"},
		"a time that is none":           {tell(data, "NotOnOrAfter", "tomorrow"), "over"},
		"a beginning":                   {tell(data, "NotBefore", at(-time.Hour)), "over"},
		"conditions that are over":      {tell(conditions, "NotOnOrAfter", at(-time.Hour)), "not valid"},
		"conditions to come":            {tell(conditions, "NotBefore", at(time.Hour)), "not valid"},
		"an old assertion":              {tell("//saml:Assertion", "IssueInstant", at(-time.Hour)), "moment"},
		"an assertion of the future":    {tell("//saml:Assertion", "IssueInstant", at(time.Hour)), "moment"},
		"an old answer":                 {tell(".", "IssueInstant", at(-time.Hour)), "moment"},
		"another issuer":                {func(r *etree.Element) { r.FindElement("//saml:Assertion/saml:Issuer").SetText("https://other.example") }, "another provider"},
		"another issuer of the answer":  {func(r *etree.Element) { r.FindElement("./saml:Issuer").SetText("https://other.example") }, "another provider"},
		"no issuer":                     {drop("//saml:Assertion/saml:Issuer"), "another provider"},
		"nobody bears it":               {tell("//saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"), "bear"},
		"no subject":                    {drop("//saml:Subject"), "bear"},
		"no name":                       {drop("//saml:NameID"), "names nobody"},
		"two names":                     {add("//saml:Subject", `<saml:NameID>admin</saml:NameID>`), "names nobody"},
		"an empty name":                 {func(r *etree.Element) { r.FindElement("//saml:NameID").SetText(" ") }, "names nobody"},
		"an element in the name":        {add("//saml:NameID", `<saml:x/>`), "names nobody"},
		"no sign-in":                    {drop("//saml:AuthnStatement"), "signed in"},
		"a session that is over":        {tell("//saml:AuthnStatement", "SessionNotOnOrAfter", at(-time.Hour)), "over"},
		"no success":                    {tell("//samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"), "went wrong"},
		"no status":                     {drop("//samlp:Status"), "status"},
		"SAML 1":                        {tell(".", "Version", "1.1"), "2.0"},
		"an assertion of SAML 1":        {tell("//saml:Assertion", "Version", "1.1"), "2.0"},
		"extensions":                    {add(".", `<samlp:Extensions><saml:Assertion ID="_e"/></samlp:Extensions>`), "Extensions"},
		"advice":                        {add("//saml:Assertion", `<saml:Advice><saml:Assertion ID="_e"/></saml:Advice>`), "one assertion"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Lie(func(p *providertest.SAML) { p.Before = x.lie })
			c, err := travel(t, w, p)
			nobody(t, c, err, x.word)
		})
	}
}

// evil is an assertion that nobody signed: that of somebody else.
func evil(r *etree.Element) *etree.Element {
	a := r.FindElement("//saml:Assertion").Copy()
	for _, s := range a.SelectElements("Signature") {
		a.RemoveChild(s)
	}
	a.CreateAttr("ID", "_evil")
	a.FindElement("//saml:NameID").SetText("admin")
	return a
}

func parts(r *etree.Element) (a, sig *etree.Element) {
	a = r.FindElement("./saml:Assertion")
	return a, a.FindElement("./ds:Signature")
}

// wrappings are the forms of signature wrapping (Somorovsky and others, 2012) of a
// signed assertion, and unsigned assertions beside it.
func wrappings() map[string]func(*etree.Element) {
	return map[string]func(*etree.Element){
		"XSW1: the answer in its own signature": func(r *etree.Element) { // of a signed Response
			old := r.Copy()
			a, sig := parts(r)
			a.FindElement("//saml:NameID").SetText("admin")
			r.CreateAttr("ID", "_evil")
			sig.CreateElement("ds:Object").AddChild(old)
		},
		"XSW2: the answer beside its signature": func(r *etree.Element) {
			old := r.Copy()
			a, _ := parts(r)
			a.FindElement("//saml:NameID").SetText("admin")
			r.CreateAttr("ID", "_evil")
			r.AddChild(old)
		},
		"XSW3: before the signed one": func(r *etree.Element) { a, _ := parts(r); r.InsertChildAt(a.Index(), evil(r)) },
		"XSW4: around the signed one": func(r *etree.Element) {
			a, _ := parts(r)
			e := evil(r)
			r.RemoveChild(a)
			e.AddChild(a)
			r.AddChild(e)
		},
		"XSW5: the signature moved, the signed one at the end": func(r *etree.Element) {
			a, sig := parts(r)
			e := evil(r)
			a.RemoveChild(sig)
			e.InsertChildAt(1, sig)
			r.InsertChildAt(a.Index(), e)
		},
		"XSW6: the signed one in the signature": func(r *etree.Element) {
			a, sig := parts(r)
			e := evil(r)
			r.RemoveChild(a)
			a.RemoveChild(sig)
			sig.AddChild(a)
			e.InsertChildAt(1, sig)
			r.AddChild(e)
		},
		"XSW7: the evil one in Extensions": func(r *etree.Element) {
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(evil(r))
			r.InsertChildAt(1, x)
		},
		"XSW8: the signed one in an Object": func(r *etree.Element) {
			a, sig := parts(r)
			e := evil(r)
			r.RemoveChild(a)
			a.RemoveChild(sig)
			sig.CreateElement("ds:Object").AddChild(a)
			e.InsertChildAt(1, sig)
			r.AddChild(e)
		},
		"the signature at the answer, for an assertion within": func(r *etree.Element) {
			a, sig := parts(r)
			a.RemoveChild(sig)
			r.InsertChildAt(1, sig)
		},
		"an unsigned one after it": func(r *etree.Element) { r.AddChild(evil(r)) },
		"an unsigned one of its ID": func(r *etree.Element) {
			a, _ := parts(r)
			e := evil(r)
			e.CreateAttr("ID", a.SelectAttrValue("ID", ""))
			r.AddChild(e)
		},
		"an unsigned one of its ID, before it": func(r *etree.Element) {
			a, _ := parts(r)
			e := evil(r)
			e.CreateAttr("ID", a.SelectAttrValue("ID", ""))
			r.InsertChildAt(a.Index(), e)
		},
		"an unsigned one in its status": func(r *etree.Element) {
			r.FindElement("//samlp:Status").CreateElement("samlp:StatusDetail").AddChild(evil(r))
		},
		"an unsigned one of another namespace": func(r *etree.Element) {
			e := evil(r)
			e.Space = "x"
			e.CreateAttr("xmlns:x", "urn:x")
			r.AddChild(e)
		},
		"an unsigned one of SAML 1": func(r *etree.Element) {
			e := evil(r)
			e.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:1.0:assertion")
			r.AddChild(e)
		},
		"twice":                  func(r *etree.Element) { a, _ := parts(r); r.AddChild(a.Copy()) },
		"two signatures":         func(r *etree.Element) { a, sig := parts(r); a.InsertChildAt(1, sig.Copy()) },
		"a signature at the end": func(r *etree.Element) { a, sig := parts(r); a.AddChild(sig) },
		"a second reference": func(r *etree.Element) {
			x := r.FindElement("//ds:SignedInfo")
			x.AddChild(x.FindElement("./ds:Reference").Copy())
		},
		"a reference to all":    tell("//ds:Reference", "URI", ""),
		"a reference elsewhere": tell("//ds:Reference", "URI", "#_evil"),
		"a reference to a file": tell("//ds:Reference", "URI", "file:///etc/passwd"),
		"a reference by XPointer": func(r *etree.Element) {
			a, _ := parts(r)
			r.FindElement("//ds:Reference").CreateAttr("URI", "#xpointer(id('"+a.SelectAttrValue("ID", "")+"'))")
		},
		"a second SignedInfo": func(r *etree.Element) { _, sig := parts(r); sig.AddChild(sig.FindElement("./ds:SignedInfo").Copy()) },
		"an XSLT":             tell("//ds:Transform", "Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
		"an XPath":            tell("//ds:Transform", "Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
		"one transform":       drop("//ds:Transform[1]"),
		"a third transform": func(r *etree.Element) {
			x := r.FindElement("//ds:Transforms")
			x.AddChild(x.FindElement("./ds:Transform").Copy())
		},
		"no transforms":            drop("//ds:Transforms"),
		"with comments":            tell("//ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
		"a shared secret":          tell("//ds:SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
		"no value":                 drop("//ds:SignatureValue"),
		"an empty value":           func(r *etree.Element) { r.FindElement("//ds:SignatureValue").SetText("") },
		"no digest":                func(r *etree.Element) { r.FindElement("//ds:DigestValue").SetText("") },
		"a digest with a comment":  func(r *etree.Element) { r.FindElement("//ds:DigestValue").AddChild(etree.NewComment("x")) },
		"another digest":           tell("//ds:DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1"),
		"another name":             func(r *etree.Element) { r.FindElement("//saml:NameID").SetText("admin") },
		"another format":           tell("//saml:NameID", "Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
		"a comment in the name":    func(r *etree.Element) { r.FindElement("//saml:NameID").AddChild(etree.NewComment("x")) },
		"a comment in the address": func(r *etree.Element) { r.FindElement("//saml:AttributeValue").AddChild(etree.NewComment("x")) },
		"an instruction in it":     func(r *etree.Element) { r.FindElement("//saml:NameID").AddChild(etree.NewProcInst("x", "y")) },
		"another group": func(r *etree.Element) {
			r.FindElement("//saml:AttributeStatement").CreateElement("saml:Attribute").CreateAttr("Name", "groups")
		},
		"no ID":               lose("./saml:Assertion", "ID"),
		"an id beside the ID": func(r *etree.Element) { a, _ := parts(r); a.CreateAttr("id", a.SelectAttrValue("ID", "")) },
		"no root": func(r *etree.Element) {
			a, _ := parts(r)
			d := r.Parent()
			d.RemoveChild(r)
			d.AddChild(a)
		},
	}
}

// TestForgeries: nothing that was changed after the provider had signed is
// believed, whatever it has signed: the assertion, the answer or both.
func TestForgeries(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	w := open(t, p, nil)
	for name, forge := range wrappings() {
		t.Run(name, func(t *testing.T) {
			for what, sign := range map[string]func(*etree.Element){"assertion": nil, "answer and assertion": func(r *etree.Element) { p.SignIn(r.FindElement("./saml:Assertion")); p.SignIn(r) }} {
				p.Lie(func(p *providertest.SAML) { p.Sign, p.After = sign, forge })
				c, err := travel(t, w, p)
				if t.Run(what, func(t *testing.T) { nobody(t, c, err, "") }); t.Failed() {
					return
				}
			}
		})
	}
	whole := func(r *etree.Element) { p.SignIn(r) }
	for name, forge := range map[string]func(*etree.Element){
		"another name":      func(r *etree.Element) { r.FindElement("//saml:NameID").SetText("admin") },
		"another assertion": func(r *etree.Element) { r.AddChild(evil(r)) },
		"in the signature": func(r *etree.Element) {
			old := r.Copy()
			r.CreateAttr("ID", "_evil")
			r.FindElement("./ds:Signature").CreateElement("ds:Object").AddChild(old)
		},
		"around":          func(r *etree.Element) { old := r.Copy(); r.CreateAttr("ID", "_evil"); r.AddChild(old) },
		"its destination": tell(".", "Destination", callback+"?"),
		"its request":     tell(".", "InResponseTo", "_other"),
	} {
		t.Run("the answer is signed: "+name, func(t *testing.T) {
			p.Lie(func(p *providertest.SAML) { p.Sign, p.After = whole, forge })
			c, err := travel(t, w, p)
			nobody(t, c, err, "")
		})
	}
}

// TestOtherKeys: a key that a message brings along is not looked at, and signatures
// with broken hashes are not taken.
func TestOtherKeys(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	key, cert := providertest.Certificate(t, time.Now())
	w := open(t, p, nil)
	for name, x := range map[string]struct {
		sign func(*etree.Element)
		word string
	}{
		"its own key":                       {func(r *etree.Element) { providertest.SignWith(r.FindElement("./saml:Assertion"), key, cert, "") }, "signature"},
		"its own key, with our certificate": {func(r *etree.Element) { providertest.SignWith(r.FindElement("./saml:Assertion"), key, p.Cert, "") }, "signature"},
		"SHA-1": {func(r *etree.Element) {
			providertest.SignWith(r.FindElement("./saml:Assertion"), p.Key, p.Cert, "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
		}, "SHA-1"},
		"another key for the assertion alone": {func(r *etree.Element) {
			providertest.SignWith(r.FindElement("./saml:Assertion"), key, cert, "")
			p.SignIn(r)
		}, "signature"},
		"another key for the answer alone": {func(r *etree.Element) {
			p.SignIn(r.FindElement("./saml:Assertion"))
			providertest.SignWith(r, key, cert, "")
		}, "signature"},
	} {
		p.Lie(func(p *providertest.SAML) { p.Sign = x.sign })
		c, err := travel(t, w, p)
		if t.Run(name, func(t *testing.T) { nobody(t, c, err, x.word) }); t.Failed() {
			return
		}
	}
}

// TestMixUp: an answer of one provider, to one way or to one tenant is nothing to
// another.
func TestMixUp(t *testing.T) {
	p, q := providertest.NewSAML(t, time.Now), providertest.NewSAML(t, time.Now)
	w := open(t, p, nil)
	to, trip := start(t, w)
	c, err := w.Return(t.Context(), trip, q.Answer(t, to))
	nobody(t, c, err, "another provider")
	q.Entity = p.Entity
	c, err = w.Return(t.Context(), trip, q.Answer(t, to))
	nobody(t, c, err, "signature")
	other, err := saml.Kind().Open(func() method.Setup {
		s := setup(map[string]string{"metadata_url": p.URL}, time.Now)
		s.Tenant, s.Home = "other", strings.Replace(home, "demo/7", "other/7", 1)
		return s
	}())
	if err != nil {
		t.Fatal(err)
	}
	away, state, err := other.(*saml.Way).Start(t.Context(), strings.Replace(callback, "demo", "other", 1))
	if err != nil {
		t.Fatal(err)
	}
	said := p.Answer(t, away.To) // for the other tenant
	c, err = w.Return(t.Context(), method.Trip{Callback: callback, State: state}, said)
	nobody(t, c, err, "another address")
	c, err = w.Return(t.Context(), method.Trip{Callback: strings.Replace(callback, "demo", "other", 1), State: state}, said)
	nobody(t, c, err, "audience")
	moved := open(t, q, nil) // the settings now name another provider of the same keys
	c, err = moved.Return(t.Context(), trip, p.Answer(t, to))
	nobody(t, c, err, "")
}

// TestHostileXML: what could make two parsers disagree does not reach one.
func TestHostileXML(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	w := open(t, p, nil)
	replace := func(old, by string) func([]byte) []byte {
		return func(b []byte) []byte {
			if !strings.Contains(string(b), old) {
				panic("the answer lacks " + old)
			}
			return []byte(strings.Replace(string(b), old, by, 1))
		}
	}
	before := func(s string) func([]byte) []byte { return func(b []byte) []byte { return append([]byte(s), b...) } }
	for name, x := range map[string]struct {
		raw  func([]byte) []byte
		word string
	}{
		"a DOCTYPE":                  {before(`<!DOCTYPE x>`), "DOCTYPE"},
		"an external entity":         {before(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`), "DOCTYPE"},
		"a parameter entity":         {before(`<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1/x"> %e;]>`), "DOCTYPE"},
		"a bomb":                     {before(`<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>`), "DOCTYPE"},
		"an unknown entity":          {replace("u-1</", "&e;</"), ""},
		"a comment in the name":      {replace(">u-1</", ">u-1<!-- x -->.evil</"), "comment"},
		"a comment beside":           {before(`<!-- x -->`), "comment"},
		"an instruction":             {before(`<?xml-stylesheet href="x"?>`), "instruction"},
		"a second declaration":       {replace("<saml:Status", "<saml:Status"), ""},
		"another encoding":           {before(`<?xml version="1.0" encoding="UTF-7"?>`), ""},
		"UTF-16":                     {func(b []byte) []byte { return append([]byte{0xfe, 0xff}, b...) }, "UTF-8"},
		"two roots":                  {func(b []byte) []byte { return append(b, b...) }, ""},
		"text after it":              {func(b []byte) []byte { return append(b, 'x') }, "text"},
		"half of it":                 {func(b []byte) []byte { return b[:len(b)/2] }, ""},
		"an attribute twice":         {replace(`Version="2.0"`, `Version="2.0" Version="2.0"`), "attribute"},
		"an element of two colons":   {replace("<samlp:Status>", "<samlp:x:Status>"), ""},
		"an attribute of two colons": {replace("<samlp:Status>", `<samlp:Status a:b:c="x">`), ""},
		"an ID twice":                {replace("<samlp:Status>", `<samlp:Status ID="_1"><x id="_1"/>`), "ID"},
		"a strange ID":               {replace("<samlp:Status>", `<samlp:Status ID="a b">`), "ID"},
		"deep":                       {replace("<samlp:Status>", "<samlp:Status>"+strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)), "deep"},
		"wide":                       {replace("<samlp:Status>", "<samlp:Status>"+strings.Repeat("<a/>", 5000)), "many"},
		"long":                       {replace("<samlp:Status>", "<samlp:Status>"+strings.Repeat(" ", 300<<10)), "bytes"},
		"not whole":                  {func([]byte) []byte { return []byte("<a><b></a></b>") }, ""},
		"a NUL":                      {replace("u-1</", "u-1\x00</"), ""},
		"nothing":                    {func([]byte) []byte { return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a second declaration" {
				x.raw = replace("<samlp:Status>", `<?xml version="1.0"?><samlp:Status>`)
			}
			p.Lie(func(p *providertest.SAML) { p.Raw = x.raw })
			c, err := travel(t, w, p)
			nobody(t, c, err, x.word)
		})
	}
	_, trip := start(t, w)
	for name, q := range map[string]url.Values{"no base64": {"SAMLResponse": {"%%%"}}, "twice": {"SAMLResponse": {"PHgvPg==", "PHgvPg=="}}, "a request": {"SAMLRequest": {"PHgvPg=="}}, "another root": {"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte("<x/>"))}}} {
		c, err := w.Return(t.Context(), trip, q)
		if t.Run(name, func(t *testing.T) { nobody(t, c, err, "") }); t.Failed() {
			return
		}
	}
}

// FuzzAnswer: whatever is posted, nobody is somebody by it, and nothing breaks.
func FuzzAnswer(f *testing.F) {
	p := providertest.NewSAML(f, time.Now)
	k := makePairs(f, 1)
	w := k.open(f, p, map[string]string{"cbc": "1"})
	to, trip := start(f, w)
	signed, err := base64.StdEncoding.DecodeString(p.Answer(f, to).Get("SAMLResponse"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(`<a xmlns:b="c" b:ID="x">&#65;</a>`))
	f.Add([]byte(p.Metadata()))
	f.Add([]byte(p.Query("SAMLRequest", p.Logout(home+"/logout/other", "u-1"), "x")))
	p.Lie(func(p *providertest.SAML) {
		p.After = func(r *etree.Element) { providertest.Sealing{To: p.Cert}.Seal(r.FindElement("./saml:Assertion")) }
	})
	hidden, err := base64.StdEncoding.DecodeString(p.Answer(f, to).Get("SAMLResponse"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hidden)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := w.Return(t.Context(), trip, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(raw)}})
		if err == nil && !strings.HasSuffix(c.Subject, ":persistent u-1") {
			t.Errorf("%+v by %s", c, raw)
		}
		for _, m := range []method.Message{{Query: string(raw)}, {Form: url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(raw)}}}} {
			if told, err := w.Told(t.Context(), m); err == nil {
				t.Errorf("%+v by %s", told, raw)
			}
		}
		_, _ = saml.Kind().Open(setup(map[string]string{"metadata": string(raw)}, time.Now))
	})
}
