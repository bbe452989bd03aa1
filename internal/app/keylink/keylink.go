// Package keylink is how the application and the key service find each other: by a Unix
// socket, or over a network.
//
// Always true: over a network both sides show a certificate of the authority that the other
// was told of, by TLS 1.3, or nothing is said; there is no way without.
package keylink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"io/fs"
	"net"
	"os"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys"
)

// Client is how the application reaches the key service.
type Client struct {
	Socket        string // a Unix socket
	Address       string // or a host and port
	Cert, CertKey string // files of the application's certificate, for a key service at an address
	CA            string // file of the authority that the service's certificate is of
}

// Flags adds the settings, but for the socket.
func (c *Client) Flags(f *flag.FlagSet) {
	f.StringVar(&c.Address, "key-address", "", "use the key service at this `address` (host:port), by TLS 1.3 with certificates on both sides")
	f.StringVar(&c.Cert, "key-cert", "", "`file` of the certificate that the key service is shown, PEM")
	f.StringVar(&c.CertKey, "key-cert-key", "", "`file` of that certificate's private key, PEM, for its owner only")
	f.StringVar(&c.CA, "key-ca", "", "`file` of the authority that signed the key service's certificate, PEM")
}

// Given tells whether there is a key service that runs apart.
func (c Client) Given() bool { return c.Socket != "" || c.Address != "" }

// Dial gives a client of the key service. Invalid when what was given does not do.
func (c Client) Dial() (*keys.Client, error) {
	if c.Address == "" {
		return keys.Dial("unix", c.Socket, keys.Options{}), nil
	}
	if c.Socket != "" {
		return nil, fault.New(fault.Invalid, "The key service is either at a socket or at an address.").WithHint("Give -key-socket or -key-address, and not both.")
	}
	host, err := split(c.Address)
	if err != nil {
		return nil, err
	}
	pair, err := certificate(c.Cert, c.CertKey, "Give -key-cert, -key-cert-key and -key-ca.")
	if err != nil {
		return nil, err
	}
	pool, err := authority(c.CA, "-key-ca")
	if err != nil {
		return nil, err
	}
	return keys.Dial("tcp", c.Address, keys.Options{TLS: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: host, RootCAs: pool, Certificates: []tls.Certificate{pair}}}), nil
}

// Server is how the key service is reached over a network.
type Server struct {
	Address       string // host and port to listen on; none when empty
	Cert, CertKey string // files of the service's certificate
	CA            string // file of the authority whose certificates may connect, which shall be one for this alone
}

// Flags adds the settings.
func (s *Server) Flags(f *flag.FlagSet) {
	f.StringVar(&s.Address, "listen", "", "the `address` (host:port) to answer on in the place of a socket, by TLS 1.3 with certificates on both sides")
	f.StringVar(&s.Cert, "tls-cert", "", "`file` of the service's certificate, PEM")
	f.StringVar(&s.CertKey, "tls-key", "", "`file` of its private key, PEM, for its owner only")
	f.StringVar(&s.CA, "client-ca", "", "`file` of the authority whose certificates may connect, PEM: an authority for this alone")
}

// Listen opens the listener; nil when there is no address.
func (s Server) Listen() (net.Listener, error) {
	if s.Address == "" {
		return nil, nil
	}
	if _, err := split(s.Address); err != nil {
		return nil, err
	}
	pair, err := certificate(s.Cert, s.CertKey, "Give -tls-cert, -tls-key and -client-ca.")
	if err != nil {
		return nil, err
	}
	pool, err := authority(s.CA, "-client-ca")
	if err != nil {
		return nil, err
	}
	l, err := tls.Listen("tcp", s.Address, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The key service cannot listen on %s.", s.Address).WithHint("Check the address, and that nothing else listens there.")
	}
	return l, nil
}

func split(address string) (host string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return "", fault.New(fault.Invalid, "%q is no address of a key service.", address).WithHint("Write host:port, such as keys.example.com:8201.")
	}
	return host, nil
}

func certificate(file, key, hint string) (tls.Certificate, error) {
	if file == "" || key == "" {
		return tls.Certificate{}, fault.New(fault.Invalid, "Over a network both sides of the key service show a certificate.").WithHint("%s", hint)
	}
	st, err := os.Stat(key)
	if err == nil && st.Mode().Perm()&0o077 != 0 {
		return tls.Certificate{}, fault.New(fault.Denied, "The private key %s may be read by others than its owner, so it is not used.", key).WithHint("Run: chmod 600 %s", key)
	}
	pair, err := tls.LoadX509KeyPair(file, key)
	if errors.Is(err, fs.ErrNotExist) {
		return pair, fault.Wrap(err, fault.NotFound, "A certificate or its key is not there: %s, %s.", file, key)
	}
	if err != nil {
		return pair, fault.Wrap(err, fault.Invalid, "The certificate in %s cannot be used.", file).WithHint("Check that it and %s are PEM files that belong together.", key)
	}
	return pair, nil
}

func authority(file, name string) (*x509.CertPool, error) {
	if file == "" {
		return nil, fault.New(fault.Invalid, "Over a network each side of the key service knows the authority of the other.").WithHint("Give %s FILE.", name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "The authority's certificate at %s cannot be read.", file)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fault.New(fault.Invalid, "The file %s holds no certificate in PEM.", file)
	}
	return pool, nil
}
