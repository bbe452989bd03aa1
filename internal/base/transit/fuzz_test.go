package transit_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/transit"
)

// answering gives every request the same answer.
type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(bytes.NewReader(a.body)), Header: http.Header{}, Request: r}, nil
}

// FuzzAnswer: whatever the engine answers gives a text or a secret, or a fault that is not ours and
// says nothing of the answer.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"data":{"ciphertext":"vault:v1:AAAA","plaintext":"aGVsbG8="}}`))
	f.Add(200, []byte(`{"data":{"plaintext":"not base64, and quite secret"}}`))
	f.Add(200, []byte(`{"data":[]}`))
	f.Add(400, []byte(`{"errors":["cipher: message authentication failed"]}`))
	f.Add(503, []byte{})
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		k := &transit.Key{URL: "https://vault.example", Name: "root", Token: func() (string, error) { return "s.kelp", nil }, Client: &http.Client{Transport: answering{status, body}}}
		text, err := k.Wrap(t.Context(), []byte("root"), "a")
		told(t, status, body, text, err)
		plain, err := k.Unwrap(t.Context(), "vault:v1:AAAA", "a")
		told(t, status, body, string(plain), err)
	})
}

func told(t *testing.T, status int, body []byte, got string, err error) {
	t.Helper()
	switch {
	case err == nil && (got == "" || status != http.StatusOK):
		t.Errorf("the status %d and %q give %q", status, body, got)
	case err != nil && (got != "" || fault.Is(err, fault.Internal)):
		t.Errorf("%q gives %q, %v", body, got, err)
	case err != nil && len(body) > 16 && strings.Contains(err.Error(), string(body)):
		t.Errorf("the error tells what came: %v", err)
	}
}
