package transit_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/transit"
)

// engine answers as the API documentation of OpenBao's transit engine says:
// POST /v1/MOUNT/encrypt/KEY and decrypt/KEY, with "data" in the answer and
// "errors" in a refusal.
type engine struct {
	token, namespace string
	status           int // instead of an answer
	answer           string
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, what string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[%q]}`, what)
	}
	var in struct {
		Plaintext  string
		Ciphertext string
		Bind       string `json:"associated_data"`
	}
	b, err := io.ReadAll(r.Body)
	switch {
	case e.status != 0:
		fail(e.status, "something")
		return
	case e.answer != "":
		fmt.Fprint(w, e.answer)
		return
	case r.Header.Get("X-Vault-Token") != e.token || r.Header.Get("X-Vault-Namespace") != e.namespace:
		fail(http.StatusForbidden, "permission denied")
		return
	case r.Method != http.MethodPost || err != nil || json.Unmarshal(b, &in) != nil:
		fail(http.StatusBadRequest, "error parsing JSON")
		return
	}
	block, _ := aes.NewCipher(bytes.Repeat([]byte{7}, 32))
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	bind, _ := base64.StdEncoding.DecodeString(in.Bind)
	switch r.URL.Path {
	case "/v1/transit/encrypt/root":
		plain, err := base64.StdEncoding.DecodeString(in.Plaintext)
		if err != nil {
			fail(http.StatusBadRequest, "failed to base64-decode plaintext")
			return
		}
		fmt.Fprintf(w, `{"request_id":"1","data":{"ciphertext":"vault:v1:%s","key_version":1}}`, base64.StdEncoding.EncodeToString(aead.Seal(nil, nil, plain, bind)))
	case "/v1/transit/decrypt/root":
		box, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
		plain, err := aead.Open(nil, nil, box, bind)
		if err != nil {
			fail(http.StatusBadRequest, "cipher: message authentication failed")
			return
		}
		fmt.Fprintf(w, `{"request_id":"1","data":{"plaintext":%q}}`, base64.StdEncoding.EncodeToString(plain))
	default:
		fail(http.StatusNotFound, "no handler for route")
	}
}

func TestWrapAndUnwrap(t *testing.T) {
	e := &engine{token: "s.kelp", namespace: "ns1"}
	s := httptest.NewServer(e)
	defer s.Close()
	k := &transit.Key{URL: s.URL, Name: "root", Namespace: "ns1", Token: func() (string, error) { return "s.kelp", nil }, Client: s.Client()}
	secret := []byte("thirty-two bytes of a root, or so")
	text, err := k.Wrap(t.Context(), secret, "a")
	if err != nil || !strings.HasPrefix(text, "vault:v1:") {
		t.Fatalf("%q, %v", text, err)
	}
	got, err := k.Unwrap(t.Context(), text, "a")
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
	for what, c := range map[string]struct {
		key        transit.Key
		text, bind string
		status     int
		answer     string
		want       fault.Kind
	}{
		"for something else":      {bind: "b", want: fault.Invalid},
		"altered":                 {text: text[:len(text)-8] + "AAAAAAA=", bind: "a", want: fault.Invalid},
		"another mount":           {key: transit.Key{Mount: "other"}, bind: "a", want: fault.NotFound},
		"no key":                  {key: transit.Key{Name: "-"}, bind: "a", want: fault.NotFound},
		"another token":           {key: transit.Key{Token: func() (string, error) { return "s.other", nil }}, bind: "a", want: fault.Denied},
		"another namespace":       {key: transit.Key{Namespace: "ns2"}, bind: "a", want: fault.Denied},
		"no token":                {key: transit.Key{Token: func() (string, error) { return "", fault.New(fault.NotFound, "none") }}, bind: "a", want: fault.NotFound},
		"sealed":                  {status: 503, bind: "a", want: fault.Unavailable},
		"broken":                  {status: 500, bind: "a", want: fault.Unavailable},
		"no server":               {key: transit.Key{URL: "http://127.0.0.1:1"}, bind: "a", want: fault.Unavailable},
		"an answer that is none":  {answer: "<html>", bind: "a", want: fault.Unavailable},
		"an answer without text":  {answer: `{"data":{}}`, bind: "a", want: fault.Unavailable},
		"an answer of other text": {answer: `{"data":{"plaintext":"%%"}}`, bind: "a", want: fault.Unavailable},
		"an answer without end":   {answer: `{"data":{"plaintext":"` + strings.Repeat("A", 1<<20) + `"}}`, bind: "a", want: fault.Unavailable},
	} {
		e.status, e.answer = c.status, c.answer
		x := *k
		if c.key.Mount != "" {
			x.Mount = c.key.Mount
		}
		if c.key.Name != "" {
			x.Name = c.key.Name
		}
		if c.key.Namespace != "" {
			x.Namespace = c.key.Namespace
		}
		if c.key.Token != nil {
			x.Token = c.key.Token
		}
		if c.key.URL != "" {
			x.URL = c.key.URL
		}
		if c.text == "" {
			c.text = text
		}
		if got, err := x.Unwrap(t.Context(), c.text, c.bind); fault.Of(err) != c.want || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		} else if s := fault.Say(err); strings.Contains(s.Text+s.Hint, "s.kelp") {
			t.Errorf("%s: the error holds the token", what)
		}
	}
}
