// Package saml signs people in with SAML 2.0: the web browser profile with requests
// by redirect or POST and answers by POST, and signs them out with it.
//
// Always true: an answer holds nothing by which parsers are made to disagree, and
// exactly one assertion, where the schema puts it; what is read of it is read from the
// very bytes that one of the provider's published keys has signed; it answers the
// request that this browser left with, was sent to this address of this way by this
// provider, is for this way alone, of this moment, and is taken once. Keys that a
// message brings along are never used; algorithms that are broken are not taken. What
// is encrypted is opened only after the signature around it, where there is one, has
// held; what was in it passes the same gate, and nothing tells why it could not be
// opened. What this side sends is signed by a key that this way alone has.
package saml

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Name is how the method is called in claims and in the audit log.
const Name = "saml"

// Kind declares the method.
func Kind() method.Kind {
	usual := "The name of the attribute. Empty: the names that are usual."
	return method.Kind{
		Name: Name, Label: "SAML 2.0", Text: "AD FS, Shibboleth, SimpleSAMLphp and what speaks SAML.", Away: true, Open: open, Pair: makePair,
		Steps: []string{
			"Enter the address of the provider’s metadata, or paste the metadata itself, and add the way. It gets a key pair of its own, and the page shows the addresses that the provider has to know.",
			"Give the provider the address of the metadata that the page shows, or its contents. It must sign the assertion or the answer with RSA and SHA-256, and send a NameID that lasts (persistent, or an e-mail address) or an attribute that does, whose name you enter here.",
			"AD FS: make a relying party trust from that address, set SHA-256 as the secure hash algorithm, and add claim rules that send E-Mail-Addresses, Given-Name, Surname and, as Name ID, something that stays. If it encrypts, tick “Take what is encrypted with AES-CBC” and run Set-AdfsRelyingPartyTrust -TargetName NAME -SamlResponseSignature MessageAndAssertion there.",
			"Press Test: it says in sentences what is wrong.",
			"Try it in a private window of your browser before you close this one. Who comes and is not known stands on this page then, and you can connect her with a user.",
		},
		Addresses: []method.Address{{Label: "Metadata, and entity id", Path: metadataPath}, {Label: "Return address (ACS)", Path: "/return"},
			{Label: "Logout address", Path: logoutPath}},
		Fields: []method.Field{
			{Name: "metadata_url", Label: "Address of the provider's metadata", Type: "url", Hint: "It is read again every ten minutes, so that new keys of the provider are known by themselves. AD FS: https://HOST/FederationMetadata/2007-06/FederationMetadata.xml."},
			{Name: "metadata", Label: "Or the metadata itself", Type: "textarea", Hint: "XML. Enter it anew when the provider changes its keys; it may hold the old and the new ones."},
			{Name: "subject", Label: "Attribute that names a person for ever", Type: "text", Hint: "Empty: the NameID, which must not be a transient one."},
			{Name: "email", Label: "Attribute with the e-mail address", Type: "text", Hint: usual},
			{Name: "groups", Label: "Attribute with the groups", Type: "text", Hint: usual},
			{Name: "logout", Label: "Signing out here signs out there too", Type: "checkbox", Hint: "Where the provider can. When it ends its session, those here that began by it end in any case."},
			{Name: "cbc", Label: "Take what is encrypted with AES-CBC", Type: "checkbox", Hint: "AD FS, SimpleSAMLphp 1 and LemonLDAP::NG 2 need it when they encrypt, and must then sign the answer too, see the documentation. AES-GCM is taken without it."},
			{Name: "unasked", Label: "A sign-in may begin at the provider", Type: "checkbox", Hint: "Such as by a tile on a page there. Somebody could then be led into an account that is not hers; leave it off unless people need it."},
		},
	}
}

const metadataPath = "/metadata"

// Way is one provider. It has method.Redirect, method.Unasked, method.Farewell and
// method.Published.
type Way struct {
	setup method.Setup
	own   []own // this side's keys, the one that signs first

	keysMu sync.Mutex
	keys   map[string]*rsa.PrivateKey

	mu       sync.Mutex
	provider *provider
}

func open(s method.Setup) (method.Way, error) {
	pairs, err := owns(s.Pairs)
	if err != nil {
		return nil, broken(err)
	}
	w := &Way{setup: s, own: pairs}
	at, pasted := s.Text("metadata_url"), s.Text("metadata")
	if (at == "") == (pasted == "") {
		return nil, fault.Field("metadata_url", "Enter the address of the metadata or the metadata itself, one of them.")
	}
	if at != "" && !web(at) {
		return nil, fault.Field("metadata_url", "This is an https address.")
	}
	if pasted != "" {
		p, err := readMetadata([]byte(pasted), s.Now())
		if err != nil {
			return nil, fault.Field("metadata", "This is no metadata of a provider: %v.", err)
		}
		w.provider = p
	}
	return w, nil
}

// web tells whether a browser may be sent to an address: https, or http on this
// machine.
func web(at string) bool {
	u, err := url.Parse(at)
	return err == nil && u.Host != "" && u.User == nil && u.Fragment == "" && (u.Scheme == "https" || local(u))
}

func local(u *url.URL) bool {
	return u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost")
}

// known gives what the provider says of itself; its metadata is fetched once for as
// long as the way is remembered.
func (w *Way) known(ctx context.Context) (*provider, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.provider != nil {
		return w.provider, nil
	}
	p, err := w.fetch(ctx)
	if err == nil {
		w.provider = p
	}
	return p, err
}

func (w *Way) fetch(ctx context.Context) (*provider, error) {
	at := w.setup.Text("metadata_url")
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	client := w.setup.Dialer.Client(dialer.Limits{Time: 15 * time.Second, Redirects: -1, Plain: local(u)})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, unreachable(err, at)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := limited(resp.Body)
	if err != nil {
		return nil, unreachable(err, at)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "The provider answers %s where its metadata should be.", resp.Status).WithHint("Check the address %s.", at)
	}
	p, err := readMetadata(raw, w.setup.Now())
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "What is at the address of the metadata is no metadata of a provider: %v.", err).WithHint("Open %s in a browser.", at)
	}
	return p, nil
}

func unreachable(err error, at string) error {
	if dialer.Refused(err) {
		said := fault.Say(err)
		return fault.Wrap(err, fault.Unavailable, "The provider may not be asked: %s", said.Text).WithHint("%s", said.Hint)
	}
	why := "The provider's metadata could not be read."
	if said := dialer.Why(err); said != "" {
		why = "The provider's metadata could not be read: " + said + "."
	}
	return fault.Wrap(err, fault.Unavailable, "%s", why).WithHint("%s must answer, over https with a certificate that this server trusts.", at)
}

// entity is how this way is called: each is another one, so that nothing that was
// said to one can be said to another.
func (w *Way) entity() string { return w.setup.Home + metadataPath }

// state is what the browser keeps while its person is at the provider.
type state struct {
	Request  string `json:"request"`
	Provider string `json:"provider"`
}

func newID() string {
	b := make([]byte, 20)
	rand.Read(b)
	return "_" + hex.EncodeToString(b)
}

// Start gives where the browser goes with the request.
func (w *Way) Start(ctx context.Context, callback string) (method.Away, []byte, error) {
	p, err := w.known(ctx)
	if err != nil {
		return method.Away{}, nil, err
	}
	if err := p.takes(len(w.own) > 0); err != nil {
		return method.Away{}, nil, err
	}
	s := state{Request: newID(), Provider: p.entity}
	kept, err := json.Marshal(s)
	if err != nil {
		return method.Away{}, nil, err
	}
	to, err := w.send(ctx, p.signIn, "SAMLRequest", "", func(to string) *etree.Element { return w.request(s.Request, to, callback) })
	return to, kept, err
}

// request is an AuthnRequest, core 3.4.1.
func (w *Way) request(id, to, callback string) *etree.Element {
	e := message("AuthnRequest", id, to, w.entity(), w.setup.Now())
	e.CreateAttr("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
	e.CreateAttr("AssertionConsumerServiceURL", callback)
	e.CreateElement("samlp:NameIDPolicy").CreateAttr("AllowCreate", "true")
	return e
}

// message begins a message of the protocol, core 3.2.
func message(tag, id, to, issuer string, now time.Time) *etree.Element {
	e := etree.NewElement("samlp:" + tag)
	e.CreateAttr("xmlns:samlp", nsProtocol)
	e.CreateAttr("xmlns:saml", nsAssertion)
	e.CreateAttr("ID", id)
	e.CreateAttr("Version", "2.0")
	e.CreateAttr("IssueInstant", now.UTC().Format(time.RFC3339))
	e.CreateAttr("Destination", to)
	e.CreateElement("saml:Issuer").SetText(issuer)
	return e
}

// Return takes what the provider had the browser post.
func (w *Way) Return(ctx context.Context, t method.Trip, q url.Values) (method.Claim, error) {
	var s state
	if err := json.Unmarshal(t.State, &s); err != nil || s.Request == "" {
		return method.Claim{}, refused(err, "the sign-in did not begin here.")
	}
	return w.believe(ctx, q, t.Callback, s)
}

// Unasked takes somebody from the provider who did not begin here, where the
// settings allow that.
func (w *Way) Unasked(ctx context.Context, callback string, q url.Values) (method.Claim, error) {
	if !w.setup.Bool("unasked") {
		return method.Claim{}, fault.New(fault.Invalid, "This sign-in did not begin in this browser, or too long ago.").WithHint("Begin again at the sign-in page.")
	}
	return w.believe(ctx, q, callback, state{})
}

func refused(cause error, why string) error {
	return fault.Wrap(cause, fault.Unauthorized, "The provider's answer was refused: %s", why).WithHint("Begin again at the sign-in page; if it happens again, an administrator can test this way in.")
}

// lines gives the values of attributes by the first of the names that is there.
func lines(all map[string][]string, set string, usual ...string) []string {
	if set != "" {
		return all[strings.ToLower(set)]
	}
	for _, name := range usual {
		if v := all[strings.ToLower(name)]; len(v) > 0 {
			return v
		}
	}
	return nil
}
