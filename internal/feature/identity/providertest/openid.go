package providertest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// OpenID is a provider of OpenID 2.0 that says whatever it is told. Answer takes a
// request and gives the query that the browser then comes back with.
type OpenID struct {
	URL    string // its identifier, where its document is
	Now    func() time.Time
	Person Person

	// What it is told, each may be nil: Before changes what is said before it is
	// signed, After what was signed, Page the page of a name, Valid what it answers when
	// it is asked whether it said something.
	Before, After func(url.Values)
	Page          func(string) string
	Valid         string

	key []byte
	mu  sync.Mutex
}

// NewOpenID opens one that ends with the test.
func NewOpenID(t testing.TB, now func() time.Time) *OpenID {
	t.Helper()
	p := &OpenID{Now: now, key: []byte(rand.Text()), Person: Person{Subject: "u-1", Email: "alice@example.com", Given: "Alice", Family: "Ångström"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xrds+xml")
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD><Service priority="5"><Type>http://specs.openid.net/auth/2.0/signon</Type><URI>%[1]sother</URI></Service><Service priority="10"><Type>http://specs.openid.net/auth/2.0/server</Type><URI>%[1]sop</URI></Service></XRD></xrds:XRDS>`, p.URL)
	})
	mux.HandleFunc("GET /u/{name}", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		s := `<html><head><title>Somebody</title><link rel="openid2.provider openid.server" href="` + p.URL + `op"></head><body>` + r.PathValue("name") + `</body></html>`
		if p.Page != nil {
			s = p.Page(s)
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(s)) // #nosec G705 -- a page of a test
	})
	mux.HandleFunc("POST /op", p.check)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.URL = s.URL + "/"
	return p
}

// Lie changes what the provider is told.
func (p *OpenID) Lie(how func(*OpenID)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Before, p.After, p.Page, p.Valid = nil, nil, nil, ""
	if how != nil {
		how(p)
	}
}

// Identity is the name of somebody.
func (p *OpenID) Identity(subject string) string { return p.URL + "u/" + subject }

// Answer answers the request in an address.
func (p *OpenID) Answer(t testing.TB, to string) url.Values {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(u.Query().Get("openid.return_to"))
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	for name, v := range map[string]string{"ns": "http://specs.openid.net/auth/2.0", "mode": "id_res", "op_endpoint": p.URL + "op", "claimed_id": p.Identity(p.Person.Subject), "identity": p.Identity(p.Person.Subject),
		"return_to": back.String(), "response_nonce": p.Now().UTC().Format(time.RFC3339) + rand.Text(), "assoc_handle": "h-1", "ns.sreg": "http://openid.net/extensions/sreg/1.1", "sreg.email": p.Person.Email,
		"sreg.fullname": p.Person.Given + " " + p.Person.Family, "signed": "op_endpoint,claimed_id,identity,return_to,response_nonce,assoc_handle,ns.sreg,sreg.email,sreg.fullname"} {
		q.Set("openid."+name, v)
	}
	if p.Before != nil {
		p.Before(q)
	}
	q.Set("openid.sig", p.sign(q))
	if p.After != nil {
		p.After(q)
	}
	return q
}

func (p *OpenID) sign(q url.Values) string {
	h := hmac.New(sha256.New, p.key)
	for name := range strings.SplitSeq(q.Get("openid.signed"), ",") {
		_, _ = fmt.Fprintf(h, "%s:%s\n", name, q.Get("openid."+name))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// check answers whether it said something.
func (p *OpenID) check(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := r.ParseForm(); err != nil || r.PostForm.Get("openid.mode") != "check_authentication" {
		http.Error(w, "error:what", http.StatusBadRequest)
		return
	}
	valid := hmac.Equal([]byte(p.sign(r.PostForm)), []byte(r.PostForm.Get("openid.sig")))
	said := fmt.Sprintf("ns:http://specs.openid.net/auth/2.0\nis_valid:%t\n", valid)
	if p.Valid != "" {
		said = p.Valid
	}
	_, _ = w.Write([]byte(said))
}
