package saml

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// skew is how far the provider's clock may be from ours, and fresh how old an
// answer may be that was just asked for.
const (
	skew  = 2 * time.Minute
	fresh = 10 * time.Minute
)

// mostValues is how many values of an attribute are read: groups, mostly.
const mostValues = 2000

const (
	success    = "urn:oasis:names:tc:SAML:2.0:status:Success"
	failed     = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
	bearer     = "urn:oasis:names:tc:SAML:2.0:cm:bearer" // #nosec G101 -- the name of a method, no secret
	transient  = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	asEmail    = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	unspecific = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// believe reads an answer and gives who it says somebody is. asked.Request is the
// request that it must answer; empty for none.
func (w *Way) believe(ctx context.Context, q url.Values, callback string, asked state) (method.Claim, error) {
	p, err := w.known(ctx)
	if err != nil {
		return method.Claim{}, err
	}
	if err := ctx.Err(); err != nil {
		return method.Claim{}, err
	}
	if asked.Request != "" && asked.Provider != p.entity {
		return method.Claim{}, refused(nil, "the settings have changed since the sign-in began.")
	}
	if len(q["SAMLResponse"]) != 1 || len(q.Get("SAMLResponse")) > 2*mostBytes {
		return method.Claim{}, refused(nil, "it holds no answer.")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(q.Get("SAMLResponse")), ""))
	if err != nil {
		return method.Claim{}, refused(err, "it cannot be read.")
	}
	resp, err := parse(raw)
	if err != nil {
		return method.Claim{}, refused(err, err.Error()+".")
	}
	a, err := w.assertion(ctx, p, resp, callback, asked.Request)
	if err != nil {
		return method.Claim{}, err
	}
	return w.claim(ctx, p, a, callback, asked.Request)
}

// assertion checks a Response, core 3.3.3, and gives its assertion as it was
// signed.
func (w *Way) assertion(ctx context.Context, p *provider, resp *etree.Element, callback, request string) (*etree.Element, error) {
	if err := shape(resp); err != nil {
		return nil, refused(err, err.Error()+".")
	}
	now := w.setup.Now()
	whole, err := verify(resp, p.keys, now)
	if err != nil {
		return nil, refused(err, "its signature does not hold.")
	}
	if whole != nil {
		resp = whole
	}
	if err := w.envelope(p, resp, callback, request); err != nil {
		return nil, err
	}
	a := one(resp, nsAssertion, "Assertion")
	if hidden := one(resp, nsAssertion, "EncryptedAssertion"); hidden != nil && a == nil {
		if a, err = w.uncover(ctx, hidden, "Assertion", whole != nil); err != nil {
			return nil, err
		}
		if err := alone(a); err != nil {
			return nil, refused(err, err.Error()+".")
		}
	}
	if a == nil {
		return nil, refused(nil, "it holds no assertion.")
	}
	signed, err := verify(a, p.keys, now)
	switch {
	case err != nil:
		return nil, refused(err, "the signature of its assertion does not hold.")
	case signed != nil:
		return signed, nil
	case whole == nil:
		return nil, refused(nil, "it is not signed.")
	}
	return a, nil
}

// shape sees that a Response holds one assertion, directly, and nothing that is not
// of SAML.
func shape(resp *etree.Element) error {
	if !is(resp, nsProtocol, "Response") {
		return errors.New("it is no Response")
	}
	for _, c := range resp.ChildElements() {
		known := is(c, nsAssertion, "Issuer") || is(c, nsSignature, "Signature") || is(c, nsProtocol, "Status") ||
			is(c, nsAssertion, "Assertion") || is(c, nsAssertion, "EncryptedAssertion")
		if !known {
			return errors.New("it holds " + c.Tag + ", which no answer has")
		}
	}
	direct := len(some(resp, nsAssertion, "Assertion")) + len(some(resp, nsAssertion, "EncryptedAssertion"))
	if all := within(resp, "Assertion") + within(resp, "EncryptedAssertion"); all > 1 || all != direct || within(resp, "Response") != 1 {
		return errors.New("it does not hold one assertion")
	}
	signatures := len(some(resp, nsSignature, "Signature"))
	for _, a := range some(resp, nsAssertion, "Assertion") {
		signatures += len(some(a, nsSignature, "Signature"))
	}
	if signatures != within(resp, "Signature") || within(resp, "Object") > 0 {
		return errors.New("a signature stands where none may")
	}
	for _, e := range append(some(resp, nsAssertion, "Assertion"), resp) {
		if _, err := signatureOf(e); err != nil {
			return err
		}
	}
	return nil
}

// alone sees of an assertion that was encrypted what shape sees of others.
func alone(a *etree.Element) error {
	if within(a, "Assertion") != 1 || within(a, "EncryptedAssertion") > 0 || within(a, "Response") > 0 {
		return errors.New("it does not hold one assertion")
	}
	if len(some(a, nsSignature, "Signature")) != within(a, "Signature") || within(a, "Object") > 0 {
		return errors.New("a signature stands where none may")
	}
	_, err := signatureOf(a)
	return err
}

// envelope checks what a Response says of itself.
func (w *Way) envelope(p *provider, resp *etree.Element, callback, request string) error {
	if err := w.outer(p, resp, callback); err != nil {
		return err
	}
	if got := attr(resp, "InResponseTo"); got != request {
		return refused(nil, "it is no answer to what was asked.")
	}
	code := one(one(resp, nsProtocol, "Status"), nsProtocol, "StatusCode")
	switch {
	case code == nil:
		return refused(nil, "it has no status.")
	case attr(code, "Value") == success:
		return nil
	}
	var inner string
	if sub := one(code, nsProtocol, "StatusCode"); sub != nil {
		inner = attr(sub, "Value")
	}
	if inner == failed {
		return fault.New(fault.Unauthorized, "The provider did not let you in, or you stopped there.").WithHint("Begin again at the sign-in page.")
	}
	return refused(errors.New(attr(code, "Value")+" "+inner), "it says that something went wrong there.")
}

// outer checks what every message of a provider says of itself, core 3.2: version,
// where it was sent, by whom and when.
func (w *Way) outer(p *provider, e *etree.Element, to string) error {
	now := w.setup.Now()
	issued, err := time.Parse(time.RFC3339Nano, attr(e, "IssueInstant"))
	switch {
	case attr(e, "Version") != "2.0":
		return refused(nil, "it is not of SAML 2.0.")
	case attr(e, "Destination") != to:
		return refused(nil, "it was sent to another address.")
	case len(some(e, nsAssertion, "Issuer")) > 0 && text(one(e, nsAssertion, "Issuer")) != p.entity:
		return refused(nil, "it is of another provider.")
	case err != nil || issued.After(now.Add(skew)) || issued.Before(now.Add(-fresh)):
		return refused(err, "it is not of this moment; the clocks may differ.")
	}
	return nil
}

// instant is a time that an element says; present is false when it says none.
func instant(e *etree.Element, name string) (t time.Time, present bool, err error) {
	s := attr(e, name)
	if s == "" {
		return t, false, nil
	}
	t, err = time.Parse(time.RFC3339Nano, s)
	return t, true, err
}

// window checks NotBefore and NotOnOrAfter of an element.
func window(e *etree.Element, now time.Time) bool {
	from, hasFrom, err := instant(e, "NotBefore")
	if err != nil || hasFrom && from.After(now.Add(skew)) {
		return false
	}
	until, hasUntil, err := instant(e, "NotOnOrAfter")
	return err == nil && (!hasUntil || now.Add(-skew).Before(until))
}

// claim checks an assertion, core 2.3.3 and profiles 4.1.4.3, and says what it says.
func (w *Way) claim(ctx context.Context, p *provider, a *etree.Element, callback, request string) (method.Claim, error) {
	now := w.setup.Now()
	issued, ok, err := instant(a, "IssueInstant")
	switch {
	case attr(a, "Version") != "2.0" || attr(a, "ID") == "":
		return method.Claim{}, refused(nil, "its assertion is not of SAML 2.0.")
	case text(one(a, nsAssertion, "Issuer")) != p.entity:
		return method.Claim{}, refused(nil, "its assertion is of another provider.")
	case err != nil || !ok || issued.After(now.Add(skew)) || issued.Before(now.Add(-fresh)):
		return method.Claim{}, refused(err, "its assertion is not of this moment; the clocks may differ.")
	}
	if err := w.conditions(a, now); err != nil {
		return method.Claim{}, err
	}
	until, err := confirmed(a, now, callback, request)
	if err != nil {
		return method.Claim{}, err
	}
	c := method.Claim{Method: Name, Level: 1, Once: "assertion " + attr(a, "ID"), Until: until.Add(2 * skew).UnixMilli()}
	all := attributes(a)
	e, err := w.nameElement(ctx, a)
	if err != nil {
		return method.Claim{}, err
	}
	name, err := nameOf(p, w.entity(), e, w.setup.Text("subject") != "")
	if err != nil {
		return method.Claim{}, err
	}
	c.Subject = name.key
	if set := w.setup.Text("subject"); set != "" {
		v := named(a, "Name")[strings.ToLower(set)]
		if len(v) != 1 || v[0] == "" || len(v[0]) > 1024 {
			return method.Claim{}, refused(nil, "it does not say "+set+" once, which names a person.")
		}
		c.Subject = set + " " + v[0]
	}
	index, err := w.session(a, now, &c)
	if err != nil {
		return method.Claim{}, err
	}
	if index != "" {
		c.Session = sessionOf(name, index)
	}
	c.Leave = w.keep(p, e, index)
	w.person(&c, name, all)
	return c, nil
}

// conditions checks core 2.5: times, and that it is for this way.
func (w *Way) conditions(a *etree.Element, now time.Time) error {
	c := one(a, nsAssertion, "Conditions")
	if c == nil || !window(c, now) {
		return refused(nil, "its assertion is not valid at this time; the clocks may differ.")
	}
	audiences := 0
	for _, x := range c.ChildElements() {
		switch {
		case is(x, nsAssertion, "AudienceRestriction"):
			audiences++
			if !slices.ContainsFunc(some(x, nsAssertion, "Audience"), func(e *etree.Element) bool { return text(e) == w.entity() }) {
				return refused(nil, "it is for another audience.")
			}
		case is(x, nsAssertion, "OneTimeUse"), is(x, nsAssertion, "ProxyRestriction"):
		default:
			return refused(nil, "it has a condition that is not known here.")
		}
	}
	if audiences == 0 {
		return refused(nil, "it does not say for whom it is.")
	}
	return nil
}

// confirmed finds the confirmation for who bears the assertion, profiles 4.1.4.2,
// and gives until when it may be used.
func confirmed(a *etree.Element, now time.Time, callback, request string) (time.Time, error) {
	why := "nobody may bear it."
	for _, c := range some(one(a, nsAssertion, "Subject"), nsAssertion, "SubjectConfirmation") {
		data := one(c, nsAssertion, "SubjectConfirmationData")
		if attr(c, "Method") != bearer || data == nil {
			continue
		}
		until, ok, err := instant(data, "NotOnOrAfter")
		switch {
		case attr(data, "Recipient") != callback:
			why = "it is for another recipient."
		case attr(data, "InResponseTo") != request:
			why = "its assertion is no answer to what was asked."
		case err != nil || !ok || attr(data, "NotBefore") != "" || !window(data, now):
			why = "its assertion is over; the clocks may differ."
		case until.After(now.Add(24 * time.Hour)):
			why = "its assertion may be used for longer than a day."
		default:
			return until, nil
		}
	}
	return time.Time{}, refused(nil, why)
}

// nameID is what the provider calls somebody.
type nameID struct {
	key    string // the whole of it, which nobody else has at this provider
	format string
	value  string
}

// nameElement finds the NameID of the subject, which may be encrypted; nil when there
// is none. The assertion around it is signed.
func (w *Way) nameElement(ctx context.Context, a *etree.Element) (*etree.Element, error) {
	s := one(a, nsAssertion, "Subject")
	plain, hidden := some(s, nsAssertion, "NameID"), some(s, nsAssertion, "EncryptedID")
	switch {
	case len(plain)+len(hidden) > 1:
		return nil, refused(nil, "it names nobody, or several.")
	case len(hidden) == 1:
		return w.uncover(ctx, hidden[0], "NameID", true)
	case len(plain) == 1:
		return plain[0], nil
	}
	return nil, nil
}

// nameOf reads the NameID of the subject. loose allows one that does not last or is
// not there.
func nameOf(p *provider, entity string, e *etree.Element, loose bool) (nameID, error) {
	if e == nil && loose {
		return nameID{}, nil
	}
	n, err := readNameID(p, entity, e)
	if err != nil {
		return n, err
	}
	if n.format == transient && !loose {
		return n, refused(nil, "its name of you is a transient one, which lasts for one visit; an administrator can choose an attribute that lasts.")
	}
	return n, nil
}

func readNameID(p *provider, entity string, e *etree.Element) (n nameID, err error) {
	if n.value = text(e); n.value == "" || len(n.value) > 1024 {
		return n, refused(nil, "it names nobody.")
	}
	if n.format = attr(e, "Format"); n.format == "" {
		n.format = unspecific
	}
	n.key = n.format + " " + n.value
	for _, q := range []struct{ name, usual string }{{"NameQualifier", p.entity}, {"SPNameQualifier", entity}} {
		if v := attr(e, q.name); v != "" && v != q.usual {
			n.key += "\n" + q.name + " " + v
		}
	}
	return n, nil
}

// session reads the AuthnStatements, core 2.7.2, and gives the first index.
func (w *Way) session(a *etree.Element, now time.Time, c *method.Claim) (first string, err error) {
	list := some(a, nsAssertion, "AuthnStatement")
	if len(list) == 0 {
		return "", refused(nil, "it does not say that somebody signed in.")
	}
	for _, s := range list {
		if until, ok, err := instant(s, "SessionNotOnOrAfter"); err != nil || ok && !now.Add(-skew).Before(until) {
			return "", refused(err, "the session there is over.")
		}
		if first == "" && len(attr(s, "SessionIndex")) <= 1024 {
			first = attr(s, "SessionIndex")
		}
		if twice(text(one(one(s, nsAssertion, "AuthnContext"), nsAssertion, "AuthnContextClassRef"))) {
			c.Level = 2
		}
	}
	return first, nil
}

// sessionOf names a session of the other side: an index alone may be anybody's.
func sessionOf(name nameID, index string) string { return name.key + "\nsession " + index }

// twice tells whether a class of authentication is of two factors.
func twice(class string) bool {
	switch class {
	case "https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn", "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract":
		return true
	}
	return false
}

// attributes gives all attributes by name and, where no name is like it, by friendly
// name, in small letters.
func attributes(a *etree.Element) map[string][]string {
	out := named(a, "FriendlyName")
	maps.Copy(out, named(a, "Name"))
	return out
}

// named gives all attributes by one of their names, in small letters.
func named(a *etree.Element, by string) map[string][]string {
	out := map[string][]string{}
	for _, s := range some(a, nsAssertion, "AttributeStatement") {
		for _, x := range some(s, nsAssertion, "Attribute") {
			name := strings.ToLower(attr(x, by))
			if name == "" {
				continue
			}
			for _, v := range some(x, nsAssertion, "AttributeValue") {
				if t := text(v); t != "" && len(out[name]) < mostValues {
					out[name] = append(out[name], t)
				}
			}
		}
	}
	return out
}

// claims is where AD FS and Entra ID put their attributes.
const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

// person gathers what is known of a person.
func (w *Way) person(c *method.Claim, n nameID, all map[string][]string) {
	first := func(v []string) string {
		if len(v) == 0 {
			return ""
		}
		return v[0]
	}
	c.Email = first(lines(all, w.setup.Text("email"), "mail", "email", "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", claims+"emailaddress"))
	if c.Email == "" && w.setup.Text("email") == "" && n.format == asEmail {
		c.Email = n.value
	}
	c.FirstName = first(lines(all, "", "givenname", "firstname", "first_name", "urn:oid:2.5.4.42", claims+"givenname"))
	c.LastName = first(lines(all, "", "sn", "surname", "lastname", "last_name", "urn:oid:2.5.4.4", claims+"surname"))
	if c.FirstName == "" && c.LastName == "" {
		whole := first(lines(all, "", "displayname", "cn", "name", "urn:oid:2.16.840.1.113730.3.1.241", "http://schemas.microsoft.com/identity/claims/displayname", claims+"name"))
		if words := strings.Fields(whole); len(words) > 0 {
			c.FirstName, c.LastName = strings.Join(words[:max(1, len(words)-1)], " "), strings.Join(words[max(1, len(words)-1):], " ")
		}
	}
	c.Groups = lines(all, w.setup.Text("groups"), "groups", "group", "memberof", "ismemberof", "http://schemas.xmlsoap.org/claims/group", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups")
}
