// Package postgres changes passwords of roles of PostgreSQL.
//
// Always true: the server gets a verifier (SCRAM-SHA-256, RFC 7677) that is computed
// here, so that a new password is in no statement, log or dump of it; the connection
// is encrypted and the certificate checked, but to this machine itself.
package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/rotation/connector"
)

// patience is how long connecting and a statement may take.
const patience = 20 * time.Second

// Connector gives the connector with the dialer that it uses.
func Connector(dial connector.Dial) connector.Connector {
	s := system{dial}
	return connector.Connector{
		Name: "postgres", Title: "PostgreSQL", Icon: "database", Port: "5432",
		Account: "The name of the role.",
		Place:   "The database to sign in to; postgres when empty.",
		Pin:     "Fingerprint of the server's certificate, SHA256: and 64 hexadecimal digits. Empty: an authority that this machine trusts has to vouch for it.",
		Valid:   valid, Check: s.check, Change: s.change, Opens: s.opens,
	}
}

type system struct{ dial connector.Dial }

func valid(t connector.Target) error {
	switch {
	case t.Account == "" || len(t.Account) > 63 || strings.ContainsAny(t.Account, "\x00\n"):
		return fault.Field("account", "This is no name of a role: it has 1 to 63 bytes.")
	case len(t.Place) > 63 || strings.ContainsAny(t.Place, "\x00\n"):
		return fault.Field("place", "This is no name of a database.")
	}
	return connector.ValidPin(t)
}

func (s system) open(ctx context.Context, t connector.Target, name, secret string) (*pgx.Conn, error) {
	host, port, err := net.SplitHostPort(t.Address)
	if err != nil {
		return nil, connector.Away(err)
	}
	place := t.Place
	if place == "" {
		place = "postgres"
	}
	at := url.URL{Scheme: "postgres", Host: net.JoinHostPort("localhost", port), Path: "/" + place, RawQuery: "sslmode=disable&target_session_attrs=any"}
	config, err := pgx.ParseConfig(at.String())
	if err != nil {
		return nil, connector.Away(err)
	}
	config.Host, config.User, config.Password, config.Database = host, name, secret, place // nothing of it is from the environment
	config.Fallbacks, config.RuntimeParams = nil, map[string]string{"application_name": "strongroom"}
	config.DialFunc = pgconn.DialFunc(s.dial)
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // the dialer looks it up, and judges
	config.ConnectTimeout = patience
	var strange error
	config.TLSConfig = connector.Certificate(t, &strange)
	c, err := pgx.ConnectConfig(ctx, config)
	switch {
	case err == nil:
		return c, nil
	case strange != nil:
		return nil, strange
	}
	return nil, err
}

// code gives the SQLSTATE of a failure that the server itself told, or "".
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// wrong tells whether a password was not taken: class 28 of SQLSTATE.
func wrong(err error) bool { return strings.HasPrefix(code(err), "28") }

// said is the failure of a statement or connection.
func said(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case wrong(err):
		return connector.Refused("the password of the login")
	case code(err) != "":
		return connector.Refused(what + " (SQLSTATE " + code(err) + ")")
	}
	return connector.Away(err)
}

func (s system) opens(ctx context.Context, t connector.Target, secret string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := s.open(ctx, t, t.Account, secret)
	if wrong(err) {
		return false, nil
	}
	if err != nil {
		return false, said(err, "to sign in")
	}
	return true, hangUp(ctx, c)
}

func hangUp(ctx context.Context, c *pgx.Conn) error {
	if err := c.Close(ctx); err != nil {
		return connector.Away(err)
	}
	return nil
}

func (s system) check(ctx context.Context, c connector.Change) error { return s.alter(ctx, c, false) }

func (s system) change(ctx context.Context, c connector.Change) error { return s.alter(ctx, c, true) }

// alter makes the change in a transaction, and keeps it or takes it back.
func (s system) alter(ctx context.Context, c connector.Change, keep bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	next, err := Verifier(c.Next)
	if err != nil {
		return err
	}
	conn, err := s.open(ctx, c.Target, c.By.Name, c.By.Secret)
	if err != nil {
		return said(err, "to sign in")
	}
	err = func() error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `alter role `+pgx.Identifier{c.Target.Account}.Sanitize()+` password '`+next+`'`) // a utility statement takes no arguments
		if err != nil || !keep {
			return errors.Join(err, tx.Rollback(ctx))
		}
		return tx.Commit(ctx)
	}()
	return errors.Join(said(err, "to let "+c.By.Name+" change the password of this role"), hangUp(ctx, conn))
}

// rounds of PBKDF2, as PostgreSQL itself takes them.
const rounds = 4096

// Verifier gives what PostgreSQL keeps of a password: SCRAM-SHA-256$rounds:salt$keys.
// It holds no character that would end a string of SQL. The password is ASCII, so it
// needs no preparation (RFC 4013).
func Verifier(password string) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(sum(salted, "Client Key"))
	b := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, b(salt), b(stored[:]), b(sum(salted, "Server Key"))), nil
}

func sum(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
