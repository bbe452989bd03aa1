// Package jwt signs people in with a signed token of a site of the company's own: the
// browser is sent there, and comes back with the token in its query.
//
// Always true: the answer has come to the browser that began; the token is signed with
// the one algorithm of the settings, by a secret of 32 bytes or more or by the private
// key to a public one that was entered; it says for whom it is, when it was made, when
// it ends within minutes, its own id and whom it is about; and it is taken once. Keys
// that a token itself names or brings along are never used.
package jwt

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Name is how the method is called in claims and in the audit log.
const Name = "jwt"

// The settings of how tokens are signed.
const (
	shared = "HS256"
	rsaKey = "RS256"
	ecKey  = "ES256"
)

// Kind declares the method.
func Kind() method.Kind {
	return method.Kind{
		Name: Name, Label: "JWT single sign-on", Text: "A page of your own that gives signed tokens, as IT Glue takes them.", Away: true, Open: open,
		Steps: []string{
			"Make a page of your own that knows who somebody is. It gets the query return_to, adds jwt=TOKEN to that address, which already has a query, and sends the browser there.",
			"The token is a JWT, signed as chosen below and no other way. It holds aud (the audience below), iat and exp (at most ten minutes apart), jti (new each time), sub (the name that never changes), and may hold iss, email, given_name, family_name and groups.",
			"A shared secret has at least 32 random characters; enter the same at both sides. With a key pair enter the public key here, in PEM.",
			"Add the way and press Test. Try it in a private window of your browser before you close this one. Who comes and is not known stands on this page then, and you can connect her with a user.",
		},
		Addresses: []method.Address{{Label: "Return address", Path: "/return"}},
		Fields: []method.Field{
			{Name: "login", Label: "Login page", Type: "url", Required: true, Hint: "Where the browser is sent, with the query return_to: the page adds jwt=TOKEN to that address and sends the browser there."},
			{Name: "audience", Label: "Audience", Type: "text", Required: true, Default: "strongroom", Hint: "What the token's aud must be."},
			{Name: "issuer", Label: "Issuer", Type: "text", Hint: "What the token's iss must be. Empty: not looked at."},
			{Name: "algorithm", Label: "Signed with", Type: "select", Required: true, Default: shared, Options: []method.Option{
				{Value: shared, Label: "A shared secret (HS256)"}, {Value: rsaKey, Label: "An RSA key (RS256)"}, {Value: ecKey, Label: "A P-256 key (ES256)"}}},
			{Name: "secret", Label: "Shared secret", Type: method.Secret, Hint: "At least 32 characters, for HS256."},
			{Name: "key", Label: "Public key", Type: "textarea", Hint: "In PEM, for RS256 and ES256."},
		},
	}
}

// Way is one login page. It has method.Redirect.
type Way struct {
	setup method.Setup
	login *url.URL
	key   any // the public one; nil where a secret is shared
}

func open(s method.Setup) (method.Way, error) {
	u, err := url.Parse(s.Text("login"))
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !local(u) {
		return nil, fault.Field("login", "This is the https address of a page.")
	}
	w := &Way{setup: s, login: u}
	switch s.Text("algorithm") {
	case shared:
		return w, nil
	case rsaKey, ecKey:
		w.key, err = publicKey(s.Text("algorithm"), s.Text("key"))
		return w, err
	}
	return nil, fault.Field("algorithm", "Choose how tokens are signed.")
}

// local tells whether a page is on this machine, to which nobody else listens on the way.
func local(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func publicKey(alg, text string) (any, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, fault.Field("key", "This is no public key in PEM: it begins with -----BEGIN PUBLIC KEY-----.")
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fault.Field("key", "This public key cannot be read.")
	}
	switch k := k.(type) {
	case *rsa.PublicKey:
		if alg == rsaKey && k.N.BitLen() >= 2048 {
			return k, nil
		}
	case *ecdsa.PublicKey:
		if alg == ecKey && k.Curve == elliptic.P256() {
			return k, nil
		}
	}
	return nil, fault.Field("key", "This key is of another sort than tokens are signed with, or an RSA key of fewer than 2,048 bits.")
}

// leastSecret is how long a shared secret is at least, in bytes: RFC 7518, 3.2.
const leastSecret = 32

func (w *Way) verifier(ctx context.Context) (any, error) {
	if w.key != nil {
		return w.key, nil
	}
	text, err := w.setup.Secret(ctx, "secret")
	if err == nil && len(text) < leastSecret {
		err = fault.New(fault.Unavailable, "The shared secret is missing or shorter than 32 characters.").WithHint("An administrator can enter one in the settings of sign-in.")
	}
	return []byte(text), err
}

// Start gives the login page with the address to come back to, which holds a word for
// this journey alone.
func (w *Way) Start(_ context.Context, callback string) (method.Away, []byte, error) {
	state := rand.Text()
	to := *w.login
	q := to.Query()
	q.Set("return_to", callback+"?"+url.Values{"state": {state}}.Encode())
	to.RawQuery = q.Encode()
	return method.Away{To: to.String()}, []byte(state), nil
}

func refused(cause error, why string) error {
	return fault.Wrap(cause, fault.Unauthorized, "The token of the login page was refused: %s", why).WithHint("Begin again at the sign-in page; if it happens again, tell an administrator.")
}

// Return takes what the login page sent the browser back with.
func (w *Way) Return(ctx context.Context, t method.Trip, q url.Values) (method.Claim, error) {
	if err := ctx.Err(); err != nil {
		return method.Claim{}, err
	}
	if len(q["state"]) != 1 || len(q["jwt"]) != 1 || len(t.State) < 26 || subtle.ConstantTimeCompare([]byte(q.Get("state")), t.State) != 1 {
		return method.Claim{}, refused(nil, "it is no answer to this sign-in.")
	}
	key, err := w.verifier(ctx)
	if err != nil {
		return method.Claim{}, err
	}
	return w.read(key, q.Get("jwt"))
}

// claims are those of a token; the names beyond RFC 7519 are OpenID Connect's.
type claims struct {
	ISS    string   `json:"iss"`
	SUB    string   `json:"sub"`
	AUD    audience `json:"aud"`
	IAT    float64  `json:"iat"`
	NBF    float64  `json:"nbf"`
	EXP    float64  `json:"exp"`
	JTI    string   `json:"jti"`
	Email  string   `json:"email"`
	Given  string   `json:"given_name"`
	Family string   `json:"family_name"`
	Groups []string `json:"groups"`
}

// audience is one text or a list of them.
type audience []string

// UnmarshalJSON reads both forms.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// The bounds of a token's times, and the longest one that is looked at, in bytes.
const (
	skew      = time.Minute
	longest   = 10 * time.Minute
	mostToken = 16 << 10
)

// verified gives what a token says if it is signed with the key in the one way that is
// demanded, whatever it says of itself.
func verified(key any, algorithm, raw string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		return nil, refused(err, "it is not signed as the settings say.")
	}
	body, err := signed.Verify(key)
	if err != nil {
		return nil, refused(err, "its signature is wrong.")
	}
	for part := range strings.SplitSeq(raw, ".") { // RFC 7515, section 2: a token has one form
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, refused(err, "it is not written as a token is.")
		}
	}
	return body, nil
}

func (w *Way) read(key any, raw string) (method.Claim, error) {
	if len(raw) > mostToken {
		return method.Claim{}, refused(nil, "it is too long.")
	}
	body, err := verified(key, w.setup.Text("algorithm"), raw)
	if err != nil {
		return method.Claim{}, err
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		return method.Claim{}, refused(err, "it cannot be read.")
	}
	now, made, ends := w.setup.Now(), at(c.IAT), at(c.EXP)
	issuer := w.setup.Text("issuer")
	switch {
	case !slices.Equal(c.AUD, audience{w.setup.Text("audience")}):
		return method.Claim{}, refused(nil, "it is for somebody else.")
	case issuer != "" && c.ISS != issuer:
		return method.Claim{}, refused(nil, "it is of somebody else.")
	case c.IAT <= 0 || c.EXP <= 0 || made.After(now.Add(skew)) || !now.Before(ends.Add(skew)) || ends.Sub(made) > longest || at(c.NBF).After(now.Add(skew)):
		return method.Claim{}, refused(nil, "it is not of this moment, or lasts for more than ten minutes; the clocks may differ.")
	case c.JTI == "" || len(c.JTI) > 255:
		return method.Claim{}, refused(nil, "it has no id of its own (jti).")
	case c.SUB == "" || len(c.SUB) > 255:
		return method.Claim{}, refused(nil, "it names nobody (sub).")
	}
	return method.Claim{Method: Name, Subject: c.SUB, Email: c.Email, Verified: c.Email != "", FirstName: c.Given, LastName: c.Family, Groups: c.Groups, Level: 1,
		Once: "jti " + c.JTI, Until: ends.Add(2 * skew).UnixMilli()}, nil
}

// at is a time of a token; what no clock shows is the end of time, and refused as such.
func at(seconds float64) time.Time {
	return time.Unix(int64(min(max(seconds, 0), 1e11)), 0)
}

// Test looks at the key or secret; the login page is only for browsers to open.
func (w *Way) Test(ctx context.Context) ([]string, error) {
	if _, err := w.verifier(ctx); err != nil {
		return nil, err
	}
	return []string{"The settings can be used. What the login page signs shows itself at the first sign-in: try it in a private window."}, nil
}
