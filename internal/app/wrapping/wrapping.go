// Package wrapping keeps the root key of the key service wrapped by a key that lies
// elsewhere: in a PKCS #11 token, at a cloud's key management service, in a transit engine.
//
// Always true: a wrapped root was unwrapped once before it counts as written, and
// refused for anything but what it is for; files of credentials, tokens and PINs that others than their owner may
// read are not used; nothing is asked over plain HTTP but on this machine.
package wrapping

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/kms"
	"strongroom/internal/base/pkcs11"
	"strongroom/internal/base/transit"
	"strongroom/internal/core/keys/service"
)

// Root says where the root key is kept wrapped, and which key unwraps it: By names
// one of a token or of a key management service, and without it one of a transit engine
// is asked.
type Root struct {
	File                       string // of the wrapped root key
	By                         string // such as aws:arn:aws:kms:..., google:projects/..., azure:https://..., pkcs11:...
	Credentials                string // file of those for a key management service; empty asks the machine who it is
	Endpoint, Machine          string // take the place of the provider's own addresses
	URL, Mount, Key, Namespace string
	TokenFile                  string
	CAFile                     string // of the server's certificate, in PEM; empty is the system's
}

const (
	wrappedHead = "SR-ROOT-"          // and a name of what unwraps it, and the version of the format
	wrappedFor  = "strongroom/root/1" // what the wrapped text is bound to
	mostWrapped = 16 << 10
)

// wrapper is a key that wraps others: of base/transit, base/kms or base/pkcs11.
type wrapper interface {
	Wrap(ctx context.Context, plain []byte, bind string) (string, error)
	Unwrap(ctx context.Context, text, bind string) ([]byte, error)
}

// Read reads the file and has it unwrapped. Fault kinds: NotFound when there is no
// such file, Invalid when it holds something else, otherwise those of
// transit.Key.Unwrap.
func (w Root) Read(ctx context.Context) ([]byte, error) {
	b, err := beginning(w.File)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "The wrapped root key at %s cannot be read.", w.File)
	}
	head, text, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	head, known := strings.CutPrefix(strings.TrimSpace(head), wrappedHead)
	if !known || text == "" || strings.ContainsAny(text, " \n\r\t") {
		return nil, fault.New(fault.Invalid, "The file %s holds no wrapped root key.", w.File).WithHint("Make one with: strongroom keys wrap-root")
	}
	k, name, err := w.key()
	if err != nil {
		return nil, err
	}
	if head != name {
		return nil, fault.New(fault.Invalid, "The root key in %s was wrapped in another way: %s, and not %s.", w.File, head, name).
			WithHint("Give the -wrapping-key or the -transit settings that it was wrapped with.")
	}
	plain, err := k.Unwrap(ctx, text, wrappedFor)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return service.ReadRoot(bytes.NewReader(plain))
}

// Write has the root key wrapped and writes it to w.File, which must not be there, and
// makes sure that it can be unwrapped.
func (w Root) Write(ctx context.Context, key []byte) error {
	k, name, err := w.key()
	if err != nil {
		return err
	}
	text, err := k.Wrap(ctx, []byte(service.FormatRoot(key)), wrappedFor)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(w.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "There is a file at %s already.", w.File).WithHint("Choose another place, or move it away.")
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The wrapped root key cannot be written.")
	}
	_, err = io.WriteString(f, wrappedHead+name+"\n"+text+"\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(w.File))
	}
	again, err := w.Read(ctx)
	defer clear(again)
	if err == nil && !bytes.Equal(again, key) {
		err = fault.New(fault.Internal, "What wrapped the root key does not give it back.")
	}
	if err == nil {
		err = bound(ctx, k, text)
	}
	if err != nil {
		return errors.Join(err, os.Remove(w.File))
	}
	return nil
}

// bound makes sure that what was wrapped is not unwrapped for something else: an engine
// that is too old to know associated data leaves it out without a word.
func bound(ctx context.Context, k wrapper, text string) error {
	plain, err := k.Unwrap(ctx, text, wrappedFor+"/other")
	clear(plain)
	switch {
	case err == nil:
		return fault.New(fault.Invalid, "What wrapped the root key also unwraps it for something else, so it is not used.").
			WithHint("Use a newer server (OpenBao, or Vault from 1.13 on) or a key of an authenticated cipher.")
	case fault.Is(err, fault.Invalid):
		return nil
	}
	return err
}

// key gives what wraps and unwraps, and its name in the file.
func (w Root) key() (wrapper, string, error) {
	scheme, name, _ := strings.Cut(w.By, ":")
	switch scheme {
	case "":
		k, err := w.transit()
		return k, "TRANSIT-1", err
	case "pkcs11":
		k, pin, err := pkcs11.Parse(w.By)
		k.PIN = func() (string, error) { return private(pin, "PIN") }
		return &k, "PKCS11-1", err
	case "aws":
		a, err := w.access(kms.AWSMachine)
		return &kms.AWS{Access: a, ARN: name}, "AWS-1", err
	case "google":
		a, err := w.access(kms.GoogleMachine)
		return &kms.Google{Access: a, Name: name}, "GOOGLE-1", err
	case "azure":
		a, err := w.access(kms.AzureMachine)
		return &kms.Azure{Access: a, URL: name}, "AZURE-1", err
	}
	return nil, "", fault.New(fault.Invalid, "It is not known what keys of %q are.", scheme).WithHint("A -wrapping-key begins with aws:, google:, azure: or pkcs11:.")
}

// access is how a key management service is reached, and the machine at its provider.
func (w Root) access(machine string) (kms.Access, error) {
	a := kms.Access{Endpoint: w.Endpoint, Machine: machine}
	if w.Machine != "" {
		a.Machine = w.Machine
	}
	if w.Credentials != "" {
		a.Credentials = func() (string, error) { return private(w.Credentials, "credentials") }
	}
	var trusted []string
	for _, s := range []string{w.Endpoint, a.Machine} {
		if s == "" {
			continue
		}
		at, _, err := address(s, s == a.Machine)
		if err != nil {
			return a, err
		}
		trusted = append(trusted, at)
	}
	var err error
	a.Client, err = w.client(trusted, true)
	return a, err
}

func (w Root) transit() (*transit.Key, error) {
	if w.URL == "" || w.Key == "" || w.TokenFile == "" {
		return nil, fault.New(fault.Invalid, "Unwrapping the root key needs an address, a key and a token.").WithHint("Give -transit-url, -transit-key and -transit-token-file, or a -wrapping-key.")
	}
	at, plain, err := address(w.URL, false)
	if err != nil {
		return nil, err
	}
	client, err := w.client([]string{at}, plain)
	return &transit.Key{URL: w.URL, Mount: w.Mount, Name: w.Key, Namespace: w.Namespace, Client: client,
		Token: func() (string, error) { return private(w.TokenFile, "token") }}, err
}

// address gives host and port of a server that is asked over https, or over http on this
// machine; near is one at a link-local address that only speaks http.
func address(of string, near bool) (at string, plain bool, err error) {
	u, err := url.Parse(of)
	if err != nil || u.Host == "" {
		return "", false, fault.Wrap(err, fault.Invalid, "The address of the server that wraps the root key cannot be read.")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		plain = a.IsLoopback() || near && a.IsLinkLocalUnicast()
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if port == "" || u.Scheme == "http" && !plain {
		return "", false, fault.New(fault.Invalid, "What wraps the root key is asked over https, or over http at a loopback address such as 127.0.0.1.")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port), plain, nil
}

func (w Root) client(trusted []string, plain bool) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if w.CAFile != "" {
		b, err := beginning(w.CAFile)
		if err != nil {
			return nil, fault.Wrap(err, fault.NotFound, "The certificate at %s cannot be read.", w.CAFile)
		}
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(b) {
			return nil, fault.New(fault.Invalid, "The file %s holds no certificate in PEM.", w.CAFile)
		}
	}
	d := &dialer.Dialer{Trusted: trusted}
	return d.Client(dialer.Limits{Redirects: -1, Plain: plain, TLS: conf}), nil
}

// private reads a small file of what must be secret, which whoever renews it may have
// replaced since.
func private(path, what string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fault.Wrap(err, fault.NotFound, "The file of the %s, %s, is not there.", what, path)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.Denied, "The file of the %s, %s, may be read by others than its owner, so it is not used.", what, path).WithHint("Run: chmod 600 %s", path)
	}
	b, err := beginning(path)
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "The file of the %s cannot be read.", what)
	}
	return strings.TrimSpace(string(b)), nil
}

// beginning reads the beginning of a file, which is all of one that is small.
func beginning(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostWrapped))
}
