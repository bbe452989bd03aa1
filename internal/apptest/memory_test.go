package apptest_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/apptest"
	"strongroom/internal/base/envelope"
)

// TestMemoryAfterReveals: a password that pages show was never in the memory of the
// server or of the key service as text. What programs are shown through the API was,
// and Go gives no way to take it out of there: strings, the buffers of net/http and
// what the collector has not used again keep it for a time. The test logs how often.
func TestMemoryAfterReveals(t *testing.T) {
	place := apptest.NewPlace(t, apptest.Program(t))
	var who created
	place.Do(&who, "tenant", "create", "acme", "-json")
	text, name := "kelp-"+rand.Text(), "Door "+rand.Text()
	s := place.Serve()
	a, err := s.API(who.APIKey, "POST", "/organizations", object("organizations", map[string]any{"name": "Harbour"}))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("the organization was not made: %v %+v", err, a)
	}
	a, err = s.API(who.APIKey, "POST", "/passwords", object("passwords", map[string]any{"name": name, "password": text, "organization-id": idOf(t, a)}))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("the password was not made: %v %+v", err, a)
	}
	at := "/passwords/" + idOf(t, a)
	s.Stop() // it was typed in through that process

	s = place.Serve()
	b := signIn(t, s, who)
	for range 20 {
		if got := revealed(t, b, s.URL+at+"/reveal"); got != text {
			t.Fatalf("shown is %q", got)
		}
	}
	page, err := b.Get(s.URL + at)
	if err != nil || page.StatusCode != http.StatusOK {
		t.Fatalf("the page of the password: %v", err)
	}
	_, _ = io.Copy(io.Discard, page.Body)
	page.Body.Close()
	if n, err := apptest.Copies(t, s.PID(), name); errors.Is(err, fs.ErrPermission) {
		t.Skip("this system lets nobody but root look into the memory of a process")
	} else if err != nil || n == 0 {
		t.Fatalf("the name of the password, which a page showed, is there %d times (%v): the test does not see the memory", n, err)
	}
	for _, pid := range append(apptest.KeyServices(t, place.Data), s.PID()) {
		n, err := apptest.Copies(t, pid, text)
		if errors.Is(err, fs.ErrPermission) && pid != s.PID() {
			continue // the key service shuts debuggers out
		}
		if err != nil || n != 0 {
			t.Errorf("process %d holds the password %d times after sealed reveals: %v", pid, n, err)
		}
	}
	for range 20 {
		if a, err := s.API(who.APIKey, "GET", at, nil); err != nil || !bytes.Contains(a.Body, []byte(text)) {
			t.Fatalf("the API shows %+v, %v", a, err)
		}
	}
	n, err := apptest.Copies(t, s.PID(), text)
	t.Logf("after 20 reveals through the API the server's memory holds the password %d times (%v)", n, err)
	for _, pid := range apptest.KeyServices(t, place.Data) {
		if n, err := apptest.Copies(t, pid, text); err == nil && n != 0 {
			t.Errorf("the key service holds the password %d times", n)
		}
	}
}

// signIn gives a client with the session of a person.
func signIn(t *testing.T, s *apptest.Process, who created) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	const own = "correct horse battery staple 9" // in the place of the one-time password
	for _, step := range []struct {
		path string
		form url.Values
	}{
		{"/sign-in", url.Values{"tenant": {"acme"}, "email": {who.Email}, "password": {who.Password}}},
		{"/account/password", url.Values{"old_password": {who.Password}, "password": {own}, "again": {own}}},
	} {
		r, err := c.PostForm(s.URL+step.path, step.form)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %s %v %s", step.path, r.Status, err, b)
		}
	}
	return c
}

// revealed has a password sealed to a key of this one request, as a page does, and
// opens it.
func revealed(t *testing.T, c *http.Client, at string) string {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(url.Values{"why": {"view"}, "sealed_to": {base64.StdEncoding.EncodeToString(key.PublicKey().Bytes())}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var got struct {
		Sealed struct{ Key, Envelope []byte }
	}
	body, err := io.ReadAll(a.Body)
	if err == nil {
		err = json.Unmarshal(body, &got)
	}
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v: %s", a.Status, err, body)
	}
	e, err := envelope.Parse(got.Sealed.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	dataKey, err := envelope.OpenRewrapped(key, e.HeaderBytes(), got.Sealed.Key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := e.Open(dataKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
