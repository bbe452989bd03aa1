// Package oidc signs people in with OpenID Connect: the authorization code flow
// with PKCE, discovery, and back-channel logout.
//
// Always true: before a claim is believed, the answer has come to the browser that
// began, with the state that was sent; it is of the issuer that was asked (RFC
// 9207); the code was exchanged with the verifier that only this browser held; the
// ID token is signed by a published key of the issuer with an asymmetric algorithm,
// is for this client alone, names no other authorized party, is of this moment, and
// holds the nonce that was sent and the hash of the access token that came with it.
// Keys that a token itself brings along are never used.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	upstream "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Name is how the method is called in claims and in the audit log.
const Name = "oidc"

// Kind declares the method.
func Kind() method.Kind {
	return method.Kind{
		Name: Name, Label: "OpenID Connect", Text: "Microsoft Entra ID, Google, Okta, Keycloak and most systems of today.", Away: true, Open: open,
		Steps: []string{
			"Enter the issuer. If the provider has given you no client id yet, enter “later” as the client id, untick “People may sign in by it”, and add the way: the page then shows the addresses that the provider has to know.",
			"At the provider, register a client: a web application with a secret that uses the authorization code. Enter the return address that the page shows, letter by letter, and the address for back-channel logout if it asks for one.",
			"Enter the client id and secret here, save, and press Test: it says in sentences what is wrong.",
			"Entra ID: the issuer is https://login.microsoftonline.com/TENANT-ID/v2.0; groups come as ids unless you add a groups claim with names. Google: https://accounts.google.com. Okta: https://COMPANY.okta.com. Keycloak: https://HOST/realms/REALM.",
			"Try it in a private window of your browser before you close this one. Who comes and is not known stands on this page then, and you can connect her with a user.",
		},
		Addresses: []method.Address{{Label: "Return address", Path: "/return"}, {Label: "Back-channel logout", Path: "/ended"}},
		Fields: []method.Field{
			{Name: "issuer", Label: "Issuer", Type: "url", Required: true, Hint: "The provider's address, exactly as it calls itself, such as https://login.example.com/realms/company."},
			{Name: "client_id", Label: "Client id", Type: "text", Required: true, Hint: "The provider gives it when you register Strongroom there."},
			{Name: "client_secret", Label: "Client secret", Type: method.Secret, Hint: "Given with the client id. A client without a secret is protected by PKCE alone."},
			{Name: "scopes", Label: "Scopes", Type: "text", Default: "openid profile email", Hint: "What is asked for, with spaces between. Some providers need groups here."},
			{Name: "groups", Label: "Claim with the groups", Type: "text", Default: "groups", Hint: "The name of the claim that lists a person's groups."},
			{Name: "email", Label: "Claim with the e-mail address", Type: "text", Default: "email", Hint: "Entra ID may put it into preferred_username."},
		},
	}
}

// algorithms are those that an ID token may be signed with: what has no private key,
// such as none and HS256, is not among them.
func algorithms() []string {
	return []string{upstream.RS256, upstream.RS384, upstream.RS512, upstream.PS256, upstream.PS384, upstream.PS512, upstream.ES256, upstream.ES384, upstream.ES512, upstream.EdDSA}
}

// Way is one provider. It has method.Redirect and method.BackChannel.
type Way struct {
	setup  method.Setup
	issuer string
	client *http.Client

	strangers *rate.Limiter // of messages that anybody can send

	mu       sync.Mutex
	provider *provider
}

// provider is what discovery found.
type provider struct {
	*upstream.Provider
	meta metadata
}

// metadata are the members of the discovery document that go-oidc does not tell.
type metadata struct {
	Iss      bool     `json:"authorization_response_iss_parameter_supported"`
	PKCE     []string `json:"code_challenge_methods_supported"`
	Auth     []string `json:"token_endpoint_auth_methods_supported"`
	Logout   bool     `json:"backchannel_logout_supported"`
	KeysURL  string   `json:"jwks_uri"`
	AuthURL  string   `json:"authorization_endpoint"`
	TokenURL string   `json:"token_endpoint"`
}

func open(s method.Setup) (method.Way, error) {
	issuer := s.Text("issuer")
	u, err := url.Parse(issuer)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost")
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !local {
		return nil, fault.Field("issuer", "This is the https address of the provider, without a query.")
	}
	if !slices.Contains(strings.Fields(s.Text("scopes")), upstream.ScopeOpenID) {
		return nil, fault.Field("scopes", "The scope openid must be among them.")
	}
	return &Way{setup: s, issuer: issuer, client: s.Dialer.Client(dialer.Limits{Time: 15 * time.Second, Redirects: -1, Plain: local}),
		strangers: rate.NewLimiter(1, 30)}, nil
}

// discover asks the provider what it is, once.
func (w *Way) discover(ctx context.Context) (*provider, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.provider != nil {
		return w.provider, nil
	}
	p, err := upstream.NewProvider(w.context(ctx), w.issuer)
	if err != nil {
		return nil, w.unreachable(err)
	}
	out := &provider{Provider: p}
	if err := p.Claims(&out.meta); err != nil {
		return nil, w.unreachable(err)
	}
	w.provider = out
	return out, nil
}

func (w *Way) context(ctx context.Context) context.Context {
	return upstream.ClientContext(ctx, w.client)
}

func (w *Way) unreachable(err error) error {
	if dialer.Refused(err) {
		said := fault.Say(err)
		return fault.Wrap(err, fault.Unavailable, "The provider may not be asked: %s", said.Text).WithHint("%s", said.Hint)
	}
	text := "The provider does not answer as OpenID Connect demands."
	if said := dialer.Why(err); said != "" {
		text = "The provider does not answer: " + said + "."
	}
	if strings.Contains(err.Error(), "did not match") { // go-oidc has no other name for it
		text = "The provider calls itself by another issuer than the one in the settings."
	}
	return fault.Wrap(err, fault.Unavailable, "%s", text).WithHint("%s must answer below /.well-known/openid-configuration, over https with a certificate that this server trusts, and name itself exactly so.", w.issuer)
}

// state is what the browser keeps while its person is at the provider.
type state struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Issuer   string `json:"issuer"`
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (w *Way) config(ctx context.Context, p *provider, callback string) (*oauth2.Config, error) {
	secret, err := w.setup.Secret(ctx, "client_secret")
	if err != nil {
		return nil, err
	}
	c := &oauth2.Config{ClientID: w.setup.Text("client_id"), ClientSecret: secret, Endpoint: p.Endpoint(), RedirectURL: callback, Scopes: strings.Fields(w.setup.Text("scopes"))}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if secret == "" || len(p.meta.Auth) > 0 && !slices.Contains(p.meta.Auth, "client_secret_basic") {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c, nil
}

// Start gives the provider's address to go to.
func (w *Way) Start(ctx context.Context, callback string) (method.Away, []byte, error) {
	p, err := w.discover(ctx)
	if err != nil {
		return method.Away{}, nil, err
	}
	c := oauth2.Config{ClientID: w.setup.Text("client_id"), Endpoint: p.Endpoint(), RedirectURL: callback, Scopes: strings.Fields(w.setup.Text("scopes"))}
	s := state{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Issuer: w.issuer}
	kept, err := json.Marshal(s)
	return method.Away{To: c.AuthCodeURL(s.State, upstream.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier))}, kept, err
}

func refused(cause error, why string) error {
	return fault.Wrap(cause, fault.Unauthorized, "The provider's answer was refused: %s", why).WithHint("Begin again at the sign-in page; if it happens again, an administrator can test this way in.")
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Return takes what the provider sent the browser back with.
func (w *Way) Return(ctx context.Context, t method.Trip, q url.Values) (method.Claim, error) {
	var s state
	if err := json.Unmarshal(t.State, &s); err != nil || s.State == "" || s.Issuer != w.issuer {
		return method.Claim{}, refused(err, "the sign-in did not begin here.")
	}
	p, err := w.discover(ctx)
	if err != nil {
		return method.Claim{}, err
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(q[name]) > 1 {
			return method.Claim{}, refused(nil, "it says "+name+" twice.")
		}
	}
	switch {
	case !same(q.Get("state"), s.State):
		return method.Claim{}, refused(nil, "it is no answer to what was asked.")
	case q.Has("iss") && q.Get("iss") != w.issuer, p.meta.Iss && !q.Has("iss"):
		return method.Claim{}, refused(nil, "it is of another provider.")
	case q.Get("error") == "access_denied", q.Get("error") == "consent_required":
		return method.Claim{}, fault.New(fault.Unauthorized, "The provider did not let you in, or you stopped there.").WithHint("Begin again at the sign-in page.")
	case q.Get("error") != "":
		return method.Claim{}, refused(errors.New(q.Get("error")), "it says that something went wrong there.")
	case q.Get("code") == "":
		return method.Claim{}, refused(nil, "it holds no code.")
	}
	return w.exchange(ctx, p, t, s, q.Get("code"))
}

// exchange gets the tokens for the code and believes what stands the checks.
func (w *Way) exchange(ctx context.Context, p *provider, t method.Trip, s state, code string) (method.Claim, error) {
	c, err := w.config(ctx, p, t.Callback)
	if err != nil {
		return method.Claim{}, err
	}
	token, err := c.Exchange(w.context(ctx), code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode == "invalid_client" {
			return method.Claim{}, fault.Wrap(err, fault.Unavailable, "The provider does not accept this server's client id and secret.").WithHint("An administrator can enter the secret anew in the settings of sign-in.")
		}
		return method.Claim{}, refused(err, "its code was not exchanged.")
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := w.verify(ctx, p, raw)
	if err != nil {
		return method.Claim{}, err
	}
	if s.Nonce == "" || !same(idToken.Nonce, s.Nonce) {
		return method.Claim{}, refused(nil, "the ID token was made for another sign-in.")
	}
	if idToken.AccessTokenHash != "" {
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
			return method.Claim{}, refused(err, "the ID token and the access token do not belong together.")
		}
	}
	claim, err := w.claim(ctx, p, idToken, token)
	claim.Once, claim.Until = "state "+s.State, w.setup.Now().Add(time.Hour).UnixMilli()
	if err != nil {
		return method.Claim{}, err
	}
	return claim, nil
}

// skew is how far the provider's clock may be from ours, and fresh how old an ID
// token may be that was just asked for.
const (
	skew  = 2 * time.Minute
	fresh = 10 * time.Minute
)

// verify checks everything of an ID token that does not depend on the browser.
func (w *Way) verify(ctx context.Context, p *provider, raw string) (*upstream.IDToken, error) {
	client := w.setup.Text("client_id")
	v := p.Verifier(&upstream.Config{ClientID: client, SupportedSigningAlgs: algorithms(), Now: w.setup.Now})
	t, err := v.Verify(w.context(ctx), raw)
	if err != nil {
		return nil, refused(err, "the ID token is not valid.")
	}
	var more struct {
		AZP string `json:"azp"`
	}
	if err := t.Claims(&more); err != nil {
		return nil, refused(err, "the ID token cannot be read.")
	}
	now := w.setup.Now()
	switch {
	case t.Subject == "" || len(t.Subject) > 255:
		return nil, refused(nil, "the ID token names nobody.")
	case len(t.Audience) != 1 && more.AZP == "", more.AZP != "" && more.AZP != client:
		return nil, refused(nil, "the ID token is for another client.")
	case t.IssuedAt.After(now.Add(skew)) || t.IssuedAt.Before(now.Add(-fresh)):
		return nil, refused(nil, "the ID token is not of this moment; the clocks may differ.")
	}
	return t, nil
}

// claim gathers what is known of a person.
func (w *Way) claim(ctx context.Context, p *provider, t *upstream.IDToken, token *oauth2.Token) (method.Claim, error) {
	all := map[string]any{}
	if err := t.Claims(&all); err != nil {
		return method.Claim{}, refused(err, "the ID token cannot be read.")
	}
	if _, ok := all[w.setup.Text("email")]; !ok && p.UserInfoEndpoint() != "" {
		info, err := p.UserInfo(w.context(ctx), oauth2.StaticTokenSource(token))
		if err != nil {
			return method.Claim{}, refused(err, "it does not say more of the person.")
		}
		if info.Subject != t.Subject {
			return method.Claim{}, refused(nil, "what it says of the person is of another one.")
		}
		more := map[string]any{}
		if err := info.Claims(&more); err != nil {
			return method.Claim{}, refused(err, "what it says of the person cannot be read.")
		}
		for k, v := range more {
			if _, known := all[k]; !known {
				all[k] = v
			}
		}
	}
	text := func(name string) string { s, _ := all[name].(string); return s }
	c := method.Claim{Method: Name, Subject: t.Subject, Session: text("sid"), Email: text(w.setup.Text("email")), FirstName: text("given_name"), LastName: text("family_name"),
		Groups: texts(all[w.setup.Text("groups")]), Level: 1}
	c.Verified, _ = all["email_verified"].(bool)
	if c.FirstName == "" && c.LastName == "" {
		if words := strings.Fields(text("name")); len(words) > 0 {
			c.FirstName, c.LastName = strings.Join(words[:max(1, len(words)-1)], " "), strings.Join(words[max(1, len(words)-1):], " ")
		}
	}
	if twice(texts(all["amr"])) {
		c.Level = 2
	}
	return c, nil
}

func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// twice tells whether the methods of RFC 8176 are two factors.
func twice(amr []string) bool {
	know, have := false, false
	for _, m := range amr {
		switch m {
		case "mfa":
			return true
		case "pwd", "pin", "kba":
			know = true
		case "otp", "hwk", "swk", "sms", "tel", "sc", "pop", "fpt", "face", "iris", "retina", "vbm":
			have = true
		}
	}
	return know && have
}
