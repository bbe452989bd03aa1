// Package openid signs people in with OpenID Authentication 2.0, which its makers gave
// up for OpenID Connect, and which some companies still have.
//
// Always true: people come from the one provider of the settings; its answer belongs
// to this journey, was not changed on the way, as the provider itself says when asked,
// and is taken once; and the name that it gives somebody is one that, when looked up,
// names that very provider. What it has not signed is not read. No key is agreed on
// with it, so that there is none to be stolen or fooled with.
package openid

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Name is how the method is called in claims and in the audit log.
const Name = "openid"

// The names of the protocol.
const (
	ns       = "http://specs.openid.net/auth/2.0"
	anybody  = ns + "/identifier_select"
	nsSReg   = "http://openid.net/extensions/sreg/1.1"
	nsAX     = "http://openid.net/srv/ax/1.0"
	noHandle = "none"
)

// fresh is how old an answer may be, skew how far its time may be ahead.
const (
	fresh = 10 * time.Minute
	skew  = 2 * time.Minute
)

// The longest answer that is looked at, and the longest one that is fetched.
const (
	mostQuery = 32 << 10
	mostBody  = 256 << 10
)

// Kind declares the method.
func Kind() method.Kind {
	return method.Kind{
		Name: Name, Label: "OpenID 2.0", Text: "An old protocol. Use OpenID Connect where the provider knows it.", Away: true, Legacy: true, Open: open,
		Steps: []string{
			"Use this only for a provider that knows neither OpenID Connect nor SAML. Enter its own OpenID identifier; people enter none.",
			"Fill in how people’s names begin there, where you know it: then nobody else’s name is taken.",
			"Add the way and press Test. At the provider, allow the realm that the page shows if it asks for one. Then tick “People may sign in by it”.",
			"There are no groups in OpenID 2.0: the mappings of groups and roles below have no effect. Try it in a private window of your browser before you close this one. Who comes and is not known stands on this page then, and you can connect her with a user.",
		},
		Addresses: []method.Address{{Label: "Realm", Path: ""}, {Label: "Return address", Path: "/return"}},
		Fields: []method.Field{
			{Name: "provider", Label: "Address of the provider", Type: "url", Required: true, Hint: "Its OpenID identifier, such as https://login.example.com/openid/. Who it names must be found there, too."},
			{Name: "names", Label: "Names begin with", Type: "url", Hint: "Empty: any name that leads back to the provider. LemonLDAP::NG: https://PORTAL/openidserver/."},
		},
	}
}

// Way is one provider. It has method.Redirect.
type Way struct {
	setup    method.Setup
	provider string
	names    string
}

func open(s method.Setup) (method.Way, error) {
	w := &Way{setup: s, provider: s.Text("provider"), names: s.Text("names")}
	if !web(w.provider) {
		return nil, fault.Field("provider", "This is an https address.")
	}
	if w.names != "" && (!web(w.names) || !strings.HasSuffix(w.names, "/")) {
		return nil, fault.Field("names", "This is an https address that ends with a slash.")
	}
	return w, nil
}

// web tells whether an address is one to go to: https, or http on this machine.
func web(at string) bool {
	u, err := url.Parse(at)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || local(u))
}

func local(u *url.URL) bool {
	return u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost")
}

// state is what the browser keeps while its person is at the provider.
type state struct {
	Word     string `json:"word"` // of this journey
	Endpoint string `json:"endpoint"`
}

// Start gives the provider's address to go to, section 9.
func (w *Way) Start(ctx context.Context, callback string) (method.Away, []byte, error) {
	found, err := w.discover(ctx, w.provider)
	if err != nil {
		return method.Away{}, nil, err
	}
	s := state{Word: rand.Text(), Endpoint: found.endpoint}
	kept, err := json.Marshal(s)
	if err != nil {
		return method.Away{}, nil, err
	}
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		return method.Away{}, nil, err
	}
	q := to.Query()
	for name, v := range map[string]string{
		"ns": ns, "mode": "checkid_setup", "claimed_id": anybody, "identity": anybody, "return_to": back(callback, s.Word), "realm": w.setup.Home,
		// A handle that the provider does not know has it sign for itself; some want one.
		"assoc_handle": noHandle,
		"ns.sreg":      nsSReg, "sreg.optional": "email,fullname,nickname",
		"ns.ax": nsAX, "ax.mode": "fetch_request", "ax.required": "email,first,last", "ax.type.email": "http://axschema.org/contact/email",
		"ax.type.first": "http://axschema.org/namePerson/first", "ax.type.last": "http://axschema.org/namePerson/last",
	} {
		q.Set("openid."+name, v)
	}
	to.RawQuery = q.Encode()
	return method.Away{To: to.String()}, kept, nil
}

// back is the address to come back to, which holds the word of a journey.
func back(callback, word string) string {
	return callback + "?" + url.Values{"state": {word}}.Encode()
}

func refused(cause error, why string) error {
	return fault.Wrap(cause, fault.Unauthorized, "The provider's answer was refused: %s", why).WithHint("Begin again at the sign-in page; if it happens again, an administrator can test this way in.")
}

// Return takes what the provider sent the browser back with, section 11.
func (w *Way) Return(ctx context.Context, t method.Trip, q url.Values) (method.Claim, error) {
	var s state
	if err := json.Unmarshal(t.State, &s); err != nil || s.Word == "" || s.Endpoint == "" {
		return method.Claim{}, refused(err, "the sign-in did not begin here.")
	}
	if len(q["state"]) != 1 || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(s.Word)) != 1 {
		return method.Claim{}, refused(nil, "it is no answer to this sign-in.")
	}
	said, err := read(q)
	if err != nil {
		return method.Claim{}, err
	}
	if said["mode"] == "cancel" {
		return method.Claim{}, fault.New(fault.Unauthorized, "The provider did not let you in, or you stopped there.").WithHint("Begin again at the sign-in page.")
	}
	nonce, err := w.form(said, s, back(t.Callback, s.Word))
	if err != nil {
		return method.Claim{}, err
	}
	name, err := w.named(ctx, said, s.Endpoint)
	if err != nil {
		return method.Claim{}, err
	}
	if err := w.ask(ctx, s.Endpoint, said); err != nil {
		return method.Claim{}, err
	}
	c := method.Claim{Method: Name, Subject: name, Level: 1, Once: "nonce " + s.Endpoint + " " + nonce, Until: w.setup.Now().Add(2 * fresh).UnixMilli()}
	said.person(&c)
	return c, nil
}

// answer is what a provider says, by names without their prefix.
type answer map[string]string

// read takes the fields of the protocol out of a query.
func read(q url.Values) (answer, error) {
	said, size := answer{}, 0
	for name, values := range q {
		short, ours := strings.CutPrefix(name, "openid.")
		if !ours {
			continue
		}
		size += len(name) + len(values[0])
		if len(values) != 1 || size > mostQuery || strings.ContainsAny(name+values[0], "\n\r\x00") {
			return nil, refused(nil, "it says something twice, or too much.")
		}
		said[short] = values[0]
	}
	return said, nil
}

// signed tells whether a field is one that the provider has signed.
func (a answer) signed(name string) bool {
	return a[name] != "" && slices.Contains(strings.Split(a["signed"], ","), name)
}

// form checks all that can be seen of an answer alone, and gives its nonce.
func (w *Way) form(said answer, s state, to string) (nonce string, err error) {
	switch {
	case said["ns"] != ns:
		return "", refused(nil, "it is not of OpenID 2.0.")
	case said["mode"] != "id_res":
		return "", refused(nil, "it does not say that somebody signed in.")
	case said["op_endpoint"] != s.Endpoint:
		return "", refused(nil, "it is of another provider.")
	case said["return_to"] != to:
		return "", refused(nil, "it was sent to another address.")
	case said["claimed_id"] == "" || said["identity"] == "":
		return "", refused(nil, "it names nobody.")
	}
	for _, name := range []string{"op_endpoint", "return_to", "response_nonce", "assoc_handle", "claimed_id", "identity"} {
		if !said.signed(name) {
			return "", refused(nil, "it does not sign "+name+".")
		}
	}
	nonce = said["response_nonce"]
	i := strings.IndexByte(nonce, 'Z')
	if i < 0 || len(nonce) > 255 {
		return "", refused(nil, "it does not say when it was made.")
	}
	at, err := time.Parse(time.RFC3339, nonce[:i+1])
	now := w.setup.Now()
	if err != nil || at.After(now.Add(skew)) || at.Before(now.Add(-fresh)) {
		return "", refused(err, "it is not of this moment; the clocks may differ.")
	}
	return nonce, nil
}

// named looks up the name that the provider gives somebody: the provider may speak for
// it only when that says so, section 11.2.
func (w *Way) named(ctx context.Context, said answer, endpoint string) (string, error) {
	claimed := said["claimed_id"]
	u, err := url.Parse(claimed)
	if err != nil || !web(claimed) || len(claimed) > 1024 || claimed == anybody {
		return "", refused(err, "its name of you is no https address.")
	}
	if w.names != "" && !strings.HasPrefix(claimed, w.names) {
		return "", refused(nil, "its name of you does not begin as the settings say.")
	}
	if u.Path == "" || u.String() != claimed || strings.Contains(u.Path, "/../") || strings.Contains(u.Path, "/./") {
		return "", refused(nil, "its name of you is written in a strange way.")
	}
	bare := *u
	bare.Fragment = ""
	found, err := w.discover(ctx, bare.String())
	if err != nil {
		return "", err
	}
	local := found.local
	if local == "" {
		local = bare.String()
	}
	if found.endpoint != endpoint || found.at != bare.String() {
		return "", refused(nil, "its name of you belongs to another provider.")
	}
	if said["identity"] != local && said["identity"] != claimed {
		return "", refused(nil, "it names two people.")
	}
	return claimed, nil
}

// ask asks the provider whether an answer is its own and as it was, section 11.4.2.
func (w *Way) ask(ctx context.Context, endpoint string, said answer) error {
	form := url.Values{}
	for name, v := range said {
		form.Set("openid."+name, v)
	}
	form.Set("openid.mode", "check_authentication")
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.client(u, -1).Do(req)
	if err != nil {
		return unreachable(err, endpoint)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostBody))
	if err != nil {
		return unreachable(err, endpoint)
	}
	valid := 0
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		if name, v, _ := strings.Cut(lines.Text(), ":"); name == "is_valid" {
			if valid++; strings.TrimSpace(v) != "true" {
				valid = 2
			}
		}
	}
	if resp.StatusCode != http.StatusOK || valid != 1 {
		return refused(nil, "the provider says that it is not its own.")
	}
	return nil
}

func (w *Way) client(u *url.URL, redirects int) *http.Client {
	return w.setup.Dialer.Client(dialer.Limits{Time: 15 * time.Second, Body: mostBody, Redirects: redirects, Plain: local(u)})
}

func unreachable(err error, at string) error {
	if dialer.Refused(err) {
		said := fault.Say(err)
		return fault.Wrap(err, fault.Unavailable, "The provider may not be asked: %s", said.Text).WithHint("%s", said.Hint)
	}
	why := "The provider could not be asked."
	if said := dialer.Why(err); said != "" {
		why = "The provider could not be asked: " + said + "."
	}
	return fault.Wrap(err, fault.Unavailable, "%s", why).WithHint("%s must answer, over https with a certificate that this server trusts.", at)
}

// person gathers what the provider has signed of a person.
func (a answer) person(c *method.Claim) {
	prefix := map[string]string{}
	for name, v := range a {
		if alias, is := strings.CutPrefix(name, "ns."); is && a.signed(name) {
			prefix[v] = alias
		}
	}
	get := func(space, name string) string {
		alias, ok := prefix[space]
		if !ok && space == nsSReg { // some do not sign what the extension is called
			alias = "sreg"
		}
		if alias != "" && a.signed(alias+"."+name) && len(a[alias+"."+name]) <= 1024 {
			return a[alias+"."+name]
		}
		return ""
	}
	first := func(list ...string) string {
		for _, s := range list {
			if s = strings.TrimSpace(s); s != "" {
				return s
			}
		}
		return ""
	}
	c.Email = first(get(nsAX, "value.email"), get(nsSReg, "email"))
	c.FirstName, c.LastName = get(nsAX, "value.first"), get(nsAX, "value.last")
	if c.FirstName == "" && c.LastName == "" {
		if words := strings.Fields(first(get(nsSReg, "fullname"), get(nsSReg, "nickname"))); len(words) > 0 {
			n := max(1, len(words)-1)
			c.FirstName, c.LastName = strings.Join(words[:n], " "), strings.Join(words[n:], " ")
		}
	}
}

// Test looks the provider up, and says what it found.
func (w *Way) Test(ctx context.Context) ([]string, error) {
	found, err := w.discover(ctx, w.provider)
	if err != nil {
		return nil, err
	}
	lines := []string{"The provider takes sign-ins at " + found.endpoint + "."}
	if w.names == "" {
		lines = append(lines, "Any name that leads back to it is taken. Fill in how names begin, where that is known.")
	}
	return append(lines, "Whether it knows this server cannot be asked: sign in once in a private window of your browser."), nil
}
