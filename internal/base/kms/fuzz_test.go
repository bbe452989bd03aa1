package kms_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/kms"
)

// answering gives every request the same answer.
type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(bytes.NewReader(a.body)), Header: http.Header{}, Request: r}, nil
}

// FuzzAnswer: whatever a service answers, and whatever is given to it to unwrap, gives a text or a
// secret, or a fault that is not ours and says nothing of the answer.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"CiphertextBlob":"AAAA","Plaintext":"aGVsbG8=","KeyId":"` + arn + `","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`,
		`{"ciphertext":"AAAA","plaintext":"aGVsbG8=","name":"` + name + `/cryptoKeyVersions/1","plaintextCrc32c":"1","verifiedPlaintextCrc32c":true}`,
		`{"kid":"` + vault + `/1","value":"AAAA"}`, `{"__type":"DisabledException"}`, `[`, ``,
	} {
		f.Add(200, []byte(body), "AAAA")
		f.Add(400, []byte(body), vault+"/1 AAAA")
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, text string) {
		a := kms.Access{Client: &http.Client{Transport: answering{status, body}}, Credentials: func() (string, error) {
			return "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = kelp-and-more-kelp\n", nil
		}}
		b := a
		b.Credentials = func() (string, error) { return "ya29.kelp", nil }
		for _, k := range []kms.Key{&kms.AWS{Access: a, ARN: arn}, &kms.Google{Access: b, Name: name}, &kms.Azure{Access: b, URL: vault}} {
			wrapped, err := k.Wrap(t.Context(), []byte("root"), "a")
			told(t, k, status, body, wrapped, err)
			plain, err := k.Unwrap(t.Context(), text, "a")
			told(t, k, status, body, string(plain), err)
		}
	})
}

func told(t *testing.T, k kms.Key, status int, body []byte, got string, err error) {
	t.Helper()
	switch {
	case err == nil && (got == "" || status != http.StatusOK):
		t.Errorf("%T: the status %d and %q give %q", k, status, body, got)
	case err != nil && (got != "" || fault.Is(err, fault.Internal)):
		t.Errorf("%T: %q gives %q, %v", k, body, got, err)
	case err != nil && len(body) > 16 && strings.Contains(err.Error(), string(body)):
		t.Errorf("%T: the error tells what came: %v", k, err)
	}
}
