// Package providertest gives tests the other sides of ways in: an OpenID Connect
// provider and a directory that can be told to lie in every way that attacks on their
// clients are known for, and a real directory, OpenLDAP.
//
// Always true: as it is opened it tells the truth; everything it tells can be
// changed by one function, which sees what it is about to say.
package providertest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The client that a provider knows.
const (
	Client = "strongroom"
	Secret = "s3cret-of-the-client-0123456789"
)

// Person is somebody at the provider.
type Person struct {
	Subject, Email, Given, Family string
	Groups, Methods               []string
}

// Provider is an OpenID Connect provider on loopback.
type Provider struct {
	Issuer string
	Key    *rsa.PrivateKey
	KeyID  string
	Now    func() time.Time

	Person Person                         // who signs in next
	Answer func(q url.Values)             // changes the answer of the authorization endpoint
	Claims func(c map[string]any)         // changes the claims of the ID token
	Sign   func(claims []byte) string     // signs the ID token instead
	Token  func(answer map[string]any)    // changes the answer of the token endpoint
	Meta   func(document map[string]any)  // changes the discovery document
	Info   func(userinfo map[string]any)  // changes the answer of the userinfo endpoint
	Keys   func() []jose.JSONWebKey       // the published keys instead of Key
	Refuse func(*http.Request) (code int) // refuses requests

	mu    sync.Mutex
	codes map[string]grant
	fetch int
}

type grant struct {
	person                     Person
	nonce, challenge, redirect string
}

// New opens a provider that ends with the test.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Key: key, KeyID: "k1", Now: now, codes: map[string]grant{}, Person: Person{Subject: "u-1", Email: "alice@example.com", Given: "Alice", Family: "Ångström"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.Refuse != nil {
			if code := p.Refuse(r); code != 0 {
				w.WriteHeader(code)
				return
			}
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.Issuer = s.URL
	return p
}

// Lie changes what the provider does, between requests.
func (p *Provider) Lie(how func(*Provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Answer, p.Claims, p.Sign, p.Token, p.Meta, p.Info, p.Refuse = nil, nil, nil, nil, nil, nil, nil
	if how != nil {
		how(p)
	}
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "userinfo_endpoint": p.Issuer + "/userinfo", "jwks_uri": p.Issuer + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": true, "backchannel_logout_supported": true}
	if p.Meta != nil {
		p.Meta(doc)
	}
	write(w, doc)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.fetch++
	list := []jose.JSONWebKey{{Key: p.Key.Public(), KeyID: p.KeyID, Use: "sig"}}
	if p.Keys != nil {
		list = p.Keys()
	}
	write(w, jose.JSONWebKeySet{Keys: list})
}

// Fetches counts how often the keys were asked for.
func (p *Provider) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetch
}

// authorize signs Person in at once and sends the browser back.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" {
		http.Error(w, "This is no request that a strict provider takes.", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = grant{p.Person, q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.Issuer}}
	if p.Answer != nil {
		p.Answer(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	bad := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
	}
	id, secret, _ := r.BasicAuth()
	if id != Client || subtle.ConstantTimeCompare([]byte(secret), []byte(Secret)) != 1 {
		bad("invalid_client")
		return
	}
	code := r.PostFormValue("code")
	g, ok := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || g.redirect != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		bad("invalid_grant")
		return
	}
	access := rand.Text()
	hash := sha256.Sum256([]byte(access))
	now := p.Now()
	claims := map[string]any{"iss": p.Issuer, "sub": g.person.Subject, "aud": Client, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": g.nonce,
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]), "sid": "s-" + g.person.Subject, "email": g.person.Email, "email_verified": true,
		"given_name": g.person.Given, "family_name": g.person.Family, "groups": g.person.Groups, "amr": g.person.Methods}
	if p.Claims != nil {
		p.Claims(claims)
	}
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.JWT("JWT", claims)}
	if p.Sign != nil {
		b, _ := json.Marshal(claims)
		answer["id_token"] = p.Sign(b)
	}
	if p.Token != nil {
		p.Token(answer)
	}
	write(w, answer)
}

func (p *Provider) userinfo(w http.ResponseWriter, _ *http.Request) {
	info := map[string]any{"sub": p.Person.Subject, "email": p.Person.Email}
	if p.Info != nil {
		p.Info(info)
	}
	write(w, info)
}

// JWT signs claims with the provider's key.
func (p *Provider) JWT(typ string, claims map[string]any) string {
	b, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return Signed(jose.RS256, jose.JSONWebKey{Key: p.Key, KeyID: p.KeyID}, typ, b)
}

// LogoutToken is a token of OpenID Connect Back-Channel Logout; change may alter it.
func (p *Provider) LogoutToken(subject string, change func(map[string]any)) string {
	now := p.Now()
	c := map[string]any{"iss": p.Issuer, "aud": Client, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(), "sub": subject, "sid": "s-" + subject,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	if change != nil {
		change(c)
	}
	return p.JWT("logout+jwt", c)
}

// Signed signs with any key and algorithm.
func Signed(alg jose.SignatureAlgorithm, key any, typ string, claims []byte) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		panic(err)
	}
	o, err := s.Sign(claims)
	if err != nil {
		panic(err)
	}
	out, err := o.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return out
}
