package bearer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// Provider is a server that gives permissions, and who we are there.
type Provider struct {
	HTTP      *http.Client
	Authorize string // its page, for browsers
	Token     string // its address, for servers
	Client    string
	Secret    string // empty for a client that has none
	Scope     string
	Return    string            // where browsers come back to
	More      map[string]string // of the request, which some providers want
}

// Grant is what a provider gave.
type Grant struct {
	Access  string
	Refresh string        // empty when it gave none
	Life    time.Duration // of Access
}

const (
	mostAnswer = 64 << 10
	mostToken  = 16 << 10
	usualLife  = 5 * time.Minute // of a token of which the provider does not say
	longest    = 24 * time.Hour
)

// Begin gives the address to which a browser is sent, and what has to be remembered of the
// journey: the state that comes back with it, and the verifier of its code.
func (p *Provider) Begin() (to, state, verifier string, err error) {
	u, err := url.Parse(p.Authorize)
	if err != nil {
		return "", "", "", err
	}
	state, verifier = rand.Text(), rand.Text()+rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	q := u.Query()
	for name, v := range p.More {
		q.Set(name, v)
	}
	for name, v := range map[string]string{"response_type": "code", "client_id": p.Client, "redirect_uri": p.Return, "scope": p.Scope, "state": state,
		"code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256"} {
		q.Set(name, v)
	}
	u.RawQuery = q.Encode()
	return u.String(), state, verifier, nil
}

// Sent tells whether an answer that a browser brought back may be this provider's: one that
// names who sent it (RFC 9207) names it once, and names who is asked for consent. The name
// itself is known only where a provider describes itself, so its origin is compared: what
// another provider sends, which was led here with our state, says so.
func (p *Provider) Sent(issuers []string) bool {
	if len(issuers) == 0 {
		return true
	}
	asked, err := url.Parse(p.Authorize)
	by, wrong := url.Parse(issuers[0])
	return err == nil && wrong == nil && len(issuers) == 1 && by.Scheme == asked.Scheme && strings.EqualFold(by.Host, asked.Host) && by.User == nil && by.RawQuery == "" && by.Fragment == ""
}

// Exchange gets a grant for the code that a browser brought back. Invalid when the provider
// refuses it, Unavailable when it cannot be asked.
func (p *Provider) Exchange(ctx context.Context, code, verifier string) (*Grant, error) {
	return p.ask(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.Return}, "code_verifier": {verifier}})
}

// Renew gets another access token by a refresh token. Gone, which is fault.Denied, when
// the permission ended; Invalid when the provider refuses who we are; Unavailable when it
// cannot be asked.
func (p *Provider) Renew(ctx context.Context, refresh string) (*Grant, error) {
	return p.ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

func (p *Provider) ask(ctx context.Context, form url.Values) (*Grant, error) {
	form.Set("client_id", p.Client)
	if p.Secret != "" {
		form.Set("client_secret", p.Secret)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The address of the provider's tokens is wrong.")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	resp, err := p.HTTP.Do(r)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The provider at %s does not answer.", r.URL.Host).
			WithHint("Look at the address, and whether a firewall lets this server out to it.")
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The provider at %s does not answer to the end.", r.URL.Host)
	}
	var a struct {
		Access  string          `json:"access_token"`
		Refresh string          `json:"refresh_token"`
		Type    string          `json:"token_type"`
		Life    json.RawMessage `json:"expires_in"`
		Error   string          `json:"error"`
	}
	wrong := json.Unmarshal(body, &a)
	if a.Error != "" && resp.StatusCode >= 400 && resp.StatusCode < 500 {
		return nil, refusal(a.Error, r.URL.Host)
	}
	if wrong != nil || resp.StatusCode != http.StatusOK || a.Access == "" || !strings.EqualFold(a.Type, "bearer") || len(a.Access) > mostToken || len(a.Refresh) > mostToken {
		return nil, fault.New(fault.Unavailable, "The provider at %s answers something else than a token (%d).", r.URL.Host, resp.StatusCode).
			WithHint("Look at the address for tokens in the settings.")
	}
	return &Grant{Access: a.Access, Refresh: a.Refresh, Life: life(a.Life)}, nil
}

// life reads for how many seconds a token is good; some write it as a text.
func life(raw json.RawMessage) time.Duration {
	d, err := time.ParseDuration(strings.Trim(string(raw), `"`) + "s")
	if err != nil || d <= 0 {
		return usualLife
	}
	return min(d, longest)
}

// refusal says what an error of RFC 6749, section 5.2, means.
func refusal(code, host string) error {
	switch code {
	case "invalid_grant", "interaction_required", "consent_required", "login_required":
		return fault.New(fault.Denied, "The provider at %s does not give Strongroom access to the mailbox any more.", host).
			WithHint("The permission was taken back or is over, or the password of the account was changed. Connect the mailbox again.")
	case "invalid_client", "unauthorized_client":
		return fault.New(fault.Invalid, "The provider at %s does not accept the client id and its secret.", host).
			WithHint("Compare them with what is registered there. Client secrets of Microsoft end after some months.")
	case "invalid_scope":
		return fault.New(fault.Invalid, "The provider at %s does not know the scope that is asked for.", host).WithHint("Look at the scope in the settings.")
	}
	code = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, code[:min(len(code), 60)])
	return fault.New(fault.Invalid, "The provider at %s refuses, with %q.", host, code).WithHint("Begin again; if it stays so, compare the settings with what is registered there.")
}
