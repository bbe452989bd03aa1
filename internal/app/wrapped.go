package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/transit"
	"strongroom/internal/core/keys/service"
)

// Wrapping says where the root key is kept wrapped, and which key of a transit
// engine unwraps it.
type Wrapping struct {
	File                       string // of the wrapped root key
	URL, Mount, Key, Namespace string
	TokenFile                  string
	CAFile                     string // of the server's certificate, in PEM; empty is the system's
}

const (
	wrappedHead = "SR-ROOT-TRANSIT-1"
	wrappedFor  = "strongroom/root/1" // what the wrapped text is bound to
	mostWrapped = 16 << 10
)

// Root reads the file and has it unwrapped. Fault kinds: NotFound when there is no
// such file, Invalid when it holds something else, otherwise those of
// transit.Key.Unwrap.
func (w Wrapping) Root(ctx context.Context) ([]byte, error) {
	b, err := beginning(w.File)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "The wrapped root key at %s cannot be read.", w.File)
	}
	head, text, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if strings.TrimSpace(head) != wrappedHead || text == "" || strings.ContainsAny(text, " \n\r\t") {
		return nil, fault.New(fault.Invalid, "The file %s holds no wrapped root key.", w.File).WithHint("Make one with: strongroom keys wrap-root")
	}
	k, err := w.key()
	if err != nil {
		return nil, err
	}
	plain, err := k.Unwrap(ctx, text, wrappedFor)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return service.ReadRoot(bytes.NewReader(plain))
}

// WrapRoot writes the root key from the file root, or else from in, wrapped to
// w.File, which must not be there, and makes sure that it can be unwrapped.
func WrapRoot(ctx context.Context, w Wrapping, root string, in io.Reader) error {
	key, err := rootKey(root, in)
	if err != nil {
		return err
	}
	defer clear(key)
	k, err := w.key()
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
	_, err = io.WriteString(f, wrappedHead+"\n"+text+"\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(w.File))
	}
	again, err := w.Root(ctx)
	defer clear(again)
	if err == nil && !bytes.Equal(again, key) {
		err = fault.New(fault.Internal, "The transit engine does not give back what it wrapped.")
	}
	if err != nil {
		return errors.Join(err, os.Remove(w.File))
	}
	return nil
}

// key checks what was given and makes a client of it.
func (w Wrapping) key() (*transit.Key, error) {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || w.Key == "" || w.TokenFile == "" {
		return nil, fault.New(fault.Invalid, "Unwrapping the root key needs an address, a key and a token.").WithHint("Give -transit-url, -transit-key and -transit-token-file.")
	}
	local := false
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		local = a.IsLoopback()
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if port == "" || u.Scheme == "http" && !local {
		return nil, fault.New(fault.Invalid, "The transit engine is asked over https, or over http at a loopback address such as 127.0.0.1.")
	}
	if u.Port() != "" {
		port = u.Port()
	}
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
	d := &dialer.Dialer{Trusted: []string{net.JoinHostPort(u.Hostname(), port)}}
	return &transit.Key{URL: w.URL, Mount: w.Mount, Name: w.Key, Namespace: w.Namespace, Token: w.token,
		Client: d.Client(dialer.Limits{Redirects: -1, Plain: local, TLS: conf})}, nil
}

// token reads the token, which whoever renews it may have replaced.
func (w Wrapping) token() (string, error) {
	st, err := os.Stat(w.TokenFile)
	if err != nil {
		return "", fault.Wrap(err, fault.NotFound, "There is no token at %s.", w.TokenFile)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.Denied, "The token file %s may be read by others than its owner, so it is not used.", w.TokenFile).WithHint("Run: chmod 600 %s", w.TokenFile)
	}
	b, err := beginning(w.TokenFile)
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "The token file cannot be read.")
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
