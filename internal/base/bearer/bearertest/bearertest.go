// Package bearertest gives tests a provider of OAuth 2.0 that gives permissions to open a
// mailbox, and says of access tokens whose they are.
//
// Always true: a code works once, with the verifier of who asked for it, and for ten
// minutes; a refresh token works once and gives the next; whoever uses one twice ends the
// permission.
package bearertest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// The client that is known, its secret and whose mailbox it is.
const (
	Client = "strongroom"
	Secret = "word of the client"
	User   = "desk@northbeam.example"
)

// Provider is one on loopback.
type Provider struct {
	Authorize, Token, Introspect string // its addresses
	Issuer                       string // what it calls itself in its answers, by RFC 9207

	mu      sync.Mutex
	codes   map[string]url.Values // of requests
	refresh string                // that is good
	access  map[string]bool
	life    int
	renewed int
	refuse  string // the error of whoever asks for a permission
}

// New opens one that ends with the test.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{codes: map[string]url.Values{}, access: map[string]bool{}, life: 3600}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /introspect", p.introspect)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.Issuer, p.Authorize, p.Token, p.Introspect = s.URL, s.URL+"/authorize", s.URL+"/token", s.URL+"/introspect"
	return p
}

// Revoke ends the permission: tokens of both sorts are worth nothing.
func (p *Provider) Revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh, p.access = "", map[string]bool{}
}

// Refuse has people refuse, or agree again with an empty error.
func (p *Provider) Refuse(code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = code
}

// Live says for how many seconds access tokens are good that are given from now on.
func (p *Provider) Live(seconds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.life = seconds
}

// Renewed counts how often a token was renewed.
func (p *Provider) Renewed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.renewed
}

// Give gives an access token past all journeys.
func (p *Provider) Give() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.give()
}

func (p *Provider) give() string {
	s := rand.Text()
	p.access[s] = true
	return s
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("state") == "" || q.Get("scope") == "" {
		http.Error(w, "This is no request of a careful client.", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer}}
	if p.refuse != "" {
		back.Set("error", p.refuse)
	} else {
		code := rand.Text()
		p.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	bad := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
	}
	if r.PostFormValue("client_id") != Client || r.PostFormValue("client_secret") != Secret {
		bad("invalid_client")
		return
	}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		q, ok := p.codes[r.PostFormValue("code")]
		delete(p.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || q.Get("redirect_uri") != r.PostFormValue("redirect_uri") || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			bad("invalid_grant")
			return
		}
	case "refresh_token":
		if got := r.PostFormValue("refresh_token"); p.refresh == "" || got != p.refresh {
			p.refresh, p.access = "", map[string]bool{}
			bad("invalid_grant")
			return
		}
		p.renewed++
	default:
		bad("unsupported_grant_type")
		return
	}
	p.refresh = rand.Text()
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": p.give(), "token_type": "Bearer", "expires_in": p.life, "refresh_token": p.refresh})
}

func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.Header().Set("Content-Type", "application/json")
	if !p.access[token] {
		_ = json.NewEncoder(w).Encode(map[string]any{"active": "false"})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"active": "true", "username": User})
}
