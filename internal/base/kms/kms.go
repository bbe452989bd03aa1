// Package kms has small keys wrapped by the key management services of Amazon,
// Google and Microsoft, over their HTTP APIs.
//
// Always true: what is wrapped is bound to what it is for, and is refused when it was
// wrapped for something else; who asks is read anew for each request and is in no
// error; an answer is bounded, and what the service says in words is in no error.
package kms

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
)

// Key is a key of one of these services. Fault kinds of both functions: Denied when the
// service does not let in who asks, NotFound when there is no such key, Invalid when
// what is given was altered or wrapped by another key or for something else, Unavailable
// when the service does not answer or the key is switched off.
type Key interface {
	// Wrap has plain encrypted and bound to bind, and gives a text of one line.
	Wrap(ctx context.Context, plain []byte, bind string) (string, error)
	// Unwrap has what Wrap gave decrypted.
	Unwrap(ctx context.Context, text, bind string) ([]byte, error)
}

// Access is how a service is reached, and as whom. Client is required.
type Access struct {
	Client *http.Client
	// Endpoint takes the place of the service's own address, such as that of a private
	// link.
	Endpoint string
	// Credentials gives the text that the key's type describes; nil asks the machine
	// that this runs on at Machine.
	Credentials func() (string, error)
	// Machine is where machines of the provider are told who they are.
	Machine string
}

// mostAnswer is how many bytes an answer may have.
const mostAnswer = 64 << 10

// fetch sends a request and gives the answer and its status.
func (a Access) fetch(ctx context.Context, method, at string, header http.Header, body []byte) ([]byte, int, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fault.Wrap(err, fault.Invalid, "The address of the key management service cannot be read.")
	}
	r.Header = header
	resp, err := a.Client.Do(r)
	if err != nil {
		return nil, 0, fault.Wrap(err, fault.Unavailable, "The key management service does not answer.").WithHint("Check its address, its certificate and the network.")
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, 0, fault.Wrap(err, fault.Unavailable, "The key management service's answer breaks off.")
	}
	return b, resp.StatusCode, nil
}

// ask posts in as JSON and fills out. refused says what an answer means that is not 200.
func (a Access) ask(ctx context.Context, at string, header http.Header, in []byte, out any, refused func(status int, answer []byte) error) error {
	answer, status, err := a.fetch(ctx, http.MethodPost, at, header, in)
	if err != nil {
		return err
	}
	defer clear(answer)
	if status != http.StatusOK {
		return refused(status, answer)
	}
	if json.Unmarshal(answer, out) != nil {
		return odd() // its cause could tell a part of it
	}
	return nil
}

// machine asks the machine for something, whose answer is filled into out; a *string
// takes it as it is.
func (a Access) machine(ctx context.Context, method, path string, header http.Header, out any) error {
	nobody := fault.New(fault.Denied, "This machine is not told by its provider who it is.").WithHint("Give it an identity that may use the key, or give credentials in a file.")
	b, status, err := a.fetch(ctx, method, a.Machine+path, header, nil)
	if err != nil {
		nobody.Cause = err
		return nobody
	}
	defer clear(b)
	if status != http.StatusOK {
		return nobody
	}
	if s, ok := out.(*string); ok {
		if *s = strings.TrimSpace(string(b)); *s == "" || strings.ContainsAny(*s, " \r\n") {
			return nobody
		}
		return nil
	}
	if json.Unmarshal(b, out) != nil {
		return nobody
	}
	return nil
}

// bearer gives a token: the credentials themselves, or what the machine is given.
func (a Access) bearer(ctx context.Context, path string, header http.Header) (http.Header, error) {
	var token string
	if a.Credentials != nil {
		t, err := a.Credentials()
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(t)
	} else {
		var t struct {
			Token string `json:"access_token"`
		}
		if err := a.machine(ctx, http.MethodGet, path, header, &t); err != nil {
			return nil, err
		}
		token = t.Token
	}
	if token == "" || strings.ContainsAny(token, " \r\n\t") {
		return nil, fault.New(fault.Invalid, "The credentials hold no access token.").WithHint("Write the token alone into the file, or leave the file out on a machine that has an identity.")
	}
	return http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}, nil
}

// at gives the address of a path at the service.
func (a Access) at(own, path string) (string, error) {
	base := own
	if a.Endpoint != "" {
		base = a.Endpoint
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return "", fault.Wrap(err, fault.Invalid, "The address of the key management service cannot be read.")
	}
	return strings.TrimSuffix(base, "/") + path, nil
}

func odd() error {
	return fault.New(fault.Unavailable, "The key management service's answer cannot be read.").WithHint("Check its address.")
}

// What an answer means, whoever gives it.
func denied() error {
	return fault.New(fault.Denied, "The key management service does not let in who asks.").WithHint("The identity must be allowed to decrypt with this key, and here alone to encrypt with it; what it was given may have expired.")
}

func noKey() error {
	return fault.New(fault.NotFound, "The key management service has no such key.").WithHint("Check the name of the key, and its region or project.")
}

func notIts() error {
	return fault.New(fault.Invalid, "The key management service does not take this.").WithHint("It was wrapped by another key or for something else, or it was altered, or the key is of another kind.")
}

func off() error {
	return fault.New(fault.Unavailable, "The key is switched off at the key management service, or about to be deleted.").WithHint("Switch it on again there.")
}

func busy(status int) error {
	return fault.New(fault.Unavailable, "The key management service answers with the status %d.", status).WithHint("Try again in a moment.")
}
