// Package transit has small keys wrapped by the transit engine of an OpenBao or
// HashiCorp Vault server, over its HTTP API.
//
// Always true: what is wrapped is bound to what it is for, which the engine
// authenticates with it (so the engine's key must be one of an authenticated
// cipher: aes256-gcm96, the default, or chacha20-poly1305); the token is read
// anew for each request and is in no error; an answer is bounded.
package transit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
)

// Key is a key of a transit engine. Fill the fields; it then is safe for
// concurrent use.
type Key struct {
	URL       string                 // of the server, such as https://bao.example.com:8200
	Mount     string                 // of the engine; "transit" when empty
	Name      string                 // of the key
	Namespace string                 // of the engine, where the server has namespaces
	Token     func() (string, error) // that allows to encrypt and decrypt with the key
	Client    *http.Client
}

// mostAnswer is how many bytes an answer may have.
const mostAnswer = 64 << 10

// Wrap has plain encrypted and bound to bind, and gives the text that the engine
// calls the ciphertext. Fault kinds: Denied when the token does not do, NotFound
// when there is no such engine, Invalid when the key is of another kind,
// Unavailable when the server does not answer or is sealed.
func (k *Key) Wrap(ctx context.Context, plain []byte, bind string) (string, error) {
	var out struct{ Ciphertext string }
	err := k.ask(ctx, "encrypt", map[string]string{"plaintext": base64.StdEncoding.EncodeToString(plain), "associated_data": base64.StdEncoding.EncodeToString([]byte(bind))}, &out)
	if err == nil && out.Ciphertext == "" {
		err = odd(nil)
	}
	return out.Ciphertext, err
}

// Unwrap has what Wrap gave decrypted. Fault kinds as of Wrap; Invalid also when
// the text was altered, or wrapped by another key or for something else.
func (k *Key) Unwrap(ctx context.Context, ciphertext, bind string) ([]byte, error) {
	var out struct{ Plaintext string }
	err := k.ask(ctx, "decrypt", map[string]string{"ciphertext": ciphertext, "associated_data": base64.StdEncoding.EncodeToString([]byte(bind))}, &out)
	if err != nil {
		return nil, err
	}
	plain, err := base64.StdEncoding.DecodeString(out.Plaintext)
	if err != nil || len(plain) == 0 {
		return nil, odd(nil) // its cause could tell a part of it
	}
	return plain, nil
}

func odd(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The transit engine's answer cannot be read.").WithHint("Check that its address is that of an OpenBao or Vault server.")
}

func (k *Key) ask(ctx context.Context, what string, body map[string]string, out any) error {
	mount := strings.Trim(k.Mount, "/")
	if mount == "" {
		mount = "transit"
	}
	at, err := url.JoinPath(k.URL, "v1", mount, what, url.PathEscape(k.Name))
	if err != nil || k.Name == "" {
		return fault.Wrap(err, fault.Invalid, "The address or the key of the transit engine cannot be read.")
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	defer clear(b)
	token, err := k.Token()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(b))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The address of the transit engine cannot be read.")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Vault-Request", "true")
	r.Header.Set("X-Vault-Token", token)
	if k.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", k.Namespace)
	}
	a, err := k.Client.Do(r)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The transit engine does not answer.").WithHint("Check its address, its certificate and the network.")
	}
	defer a.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(a.Body, mostAnswer))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The transit engine's answer breaks off.")
	}
	defer clear(answer)
	if a.StatusCode != http.StatusOK {
		return refused(a.StatusCode)
	}
	if err := json.Unmarshal(answer, &struct{ Data any }{out}); err != nil {
		return odd(nil)
	}
	return nil
}

// refused says what an answer of that status means. The server's own words are
// left out: they are of whoever answers there.
func refused(status int) error {
	switch status {
	case http.StatusForbidden:
		return fault.New(fault.Denied, "The transit engine refuses the token.").WithHint("It needs the capability update on encrypt/KEY and decrypt/KEY, and may have expired.")
	case http.StatusNotFound:
		return fault.New(fault.NotFound, "There is no transit engine at this address.").WithHint("Check the mount and the namespace.")
	case http.StatusBadRequest:
		return fault.New(fault.Invalid, "The transit engine does not take this.").WithHint("It was wrapped by another key or altered, there is no such key, or the key is not of an authenticated cipher.")
	case http.StatusServiceUnavailable:
		return fault.New(fault.Unavailable, "The server of the transit engine is sealed or in maintenance.").WithHint("Unseal it first.")
	}
	return fault.New(fault.Unavailable, "The transit engine answers with the status %d.", status)
}
