// Package starttls encrypts a connection to a directory that began readable.
//
// Always true: after an error the connection is closed, so that nothing is said on it
// that others on the way could read.
package starttls

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/go-ldap/ldap/v3"
)

// Begin has the server encrypt (RFC 4511, section 4.14), until ctx ends. The library
// leaves a connection open that could not be encrypted; this does not.
func Begin(ctx context.Context, c *ldap.Conn, config *tls.Config) error {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	err := c.StartTLS(config)
	if state, ok := c.TLSConnectionState(); err == nil && (!ok || !state.HandshakeComplete) {
		err = errors.New("no TLS after StartTLS")
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
	}
	return err
}
