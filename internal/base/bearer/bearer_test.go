package bearer_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/bearer"
	"strongroom/internal/base/bearer/bearertest"
	"strongroom/internal/base/fault"
)

// TestBytes: the messages are those of the examples of RFC 7628 and of Google.
func TestBytes(t *testing.T) {
	for _, x := range []struct{ mechanism, user, token, want string }{
		{bearer.OAuthBearer, "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
			"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"},
		{bearer.XOAuth2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
			"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="},
	} {
		tok := &bearer.Token{User: x.user, Addr: "server.example.com:143", Text: x.token, Mechanism: x.mechanism}
		name, first, err := tok.Start()
		if err != nil || name != x.mechanism || base64.StdEncoding.EncodeToString(first) != x.want {
			t.Errorf("%s: %q, %v", x.mechanism, first, err)
		}
	}
	for _, bad := range []bearer.Token{{User: "a\x01auth=Bearer x", Text: "t"}, {User: "a", Text: "t\r\nQUIT"}, {User: "a"}, {User: "a", Text: "t", Addr: "nowhere"}} {
		if _, err := bad.First(); err == nil {
			t.Errorf("%+v is sent", bad)
		}
	}
	comma := &bearer.Token{User: "a=b,c", Addr: "h:1", Text: "t"}
	if first, _ := comma.First(); !strings.HasPrefix(string(first), "n,a=a=3Db=2Cc,\x01") {
		t.Errorf("%q", first)
	}
	if got := bearer.Choose([]string{"PLAIN", "xoauth2", "oauthbearer"}); got != bearer.OAuthBearer {
		t.Errorf("chosen is %s", got)
	}
	if _, _, err := comma.SMTP().Start(&smtp.ServerInfo{Auth: []string{bearer.XOAuth2}}); err == nil {
		t.Error("a token is sent without TLS")
	}
}

// TestRefusal: a server explains itself once, and hears that it was understood.
func TestRefusal(t *testing.T) {
	for mechanism, answer := range map[string]string{bearer.OAuthBearer: "\x01", bearer.XOAuth2: ""} {
		tok := &bearer.Token{User: "desk", Addr: "h:1", Text: "t", Mechanism: mechanism}
		said, err := tok.Next([]byte(`{"status":"invalid_token\r\n","schemes":"bearer"}`))
		if err != nil || string(said) != answer || tok.Said() != "invalid_token" {
			t.Errorf("%s: %q, %v, %q", mechanism, said, err, tok.Said())
		}
		if err := tok.Refused(nil); !strings.Contains(fault.Say(err).Text, "invalid_token") || !strings.Contains(fault.Say(err).Hint, "connect the mailbox again") {
			t.Errorf("%v", err)
		}
		if _, err := tok.Next([]byte("{}")); err == nil {
			t.Error("it goes on for ever")
		}
	}
}

// TestProviders: what providers answer, and what is said of it.
func TestProviders(t *testing.T) {
	real := bearertest.New(t)
	p := &bearer.Provider{HTTP: &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, Authorize: real.Authorize, Token: real.Token, Client: bearertest.Client, Secret: bearertest.Secret,
		Scope: "mail offline_access", Return: "https://strongroom.example.com/back"}
	to, state, verifier, err := p.Begin()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.HTTP.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != state {
		t.Fatalf("%v, %v", back, err)
	}
	if _, err := p.Exchange(t.Context(), back.Query().Get("code"), "another"); !fault.Is(err, fault.Denied) {
		t.Errorf("with another's verifier: %v", err)
	}
	answer := ""
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, _ := strings.Cut(answer, " ")
		if status == "400" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(body))
	}))
	defer liar.Close()
	p.Token = liar.URL
	for said, want := range map[string]fault.Kind{
		`400 {"error":"invalid_grant"}`: fault.Denied, `400 {"error":"invalid_client"}`: fault.Invalid, `400 {"error":"odd\u0007"}`: fault.Invalid, `400 <html>`: fault.Unavailable,
		`200 <html>`: fault.Unavailable, `200 {"access_token":"a"}`: fault.Unavailable, `200 {"access_token":"","token_type":"bearer"}`: fault.Unavailable, `200 {"access_token":"a","token_type":"mac"}`: fault.Unavailable,
	} {
		answer = said
		g, err := p.Renew(t.Context(), "r")
		if !fault.Is(err, want) || fault.Say(err).Hint == "" || strings.Contains(fault.Say(err).Text, "\a") {
			t.Errorf("%s: %+v, %v", said, g, err)
		}
	}
	for said, want := range map[string]time.Duration{`"3600"`: time.Hour, `3600`: time.Hour, `-5`: 5 * time.Minute, `"x"`: 5 * time.Minute, `9999999`: 24 * time.Hour} {
		answer = `200 {"access_token":"a","token_type":"bearer","expires_in":` + said + `}`
		if g, err := p.Renew(t.Context(), "r"); err != nil || g.Life != want || g.Refresh != "" {
			t.Errorf("%s: %+v, %v", said, g, err)
		}
	}
	if u, _ := url.Parse(to); u.Query().Get("code_verifier") != "" || strings.Contains(to, verifier) {
		t.Error("the verifier stands in the address")
	}
}

// TestSent: whoever names himself in an answer is who was asked.
func TestSent(t *testing.T) {
	p := &bearer.Provider{Authorize: "https://accounts.google.com/o/oauth2/v2/auth"}
	for iss, ok := range map[string]bool{"https://accounts.google.com": true, "https://ACCOUNTS.google.com/tenant/v2.0": true, "http://accounts.google.com": false, "https://accounts.google.com.evil.example": false,
		"https://accounts.google.com@evil.example": false, "https://evil@accounts.google.com": false, "https://accounts.google.com:8443": false, "https://accounts.google.com?a": false, "accounts.google.com": false, "": false, "%": false} {
		if p.Sent([]string{iss}) != ok {
			t.Errorf("%q is taken: %v", iss, !ok)
		}
	}
	if !p.Sent(nil) || p.Sent([]string{"https://accounts.google.com", "https://accounts.google.com"}) {
		t.Error("no name is refused, or two are taken")
	}
}
