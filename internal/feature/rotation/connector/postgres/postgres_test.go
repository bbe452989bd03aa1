package postgres_test

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/pgtest"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/connector/postgres"
)

func plain(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// server is a PostgreSQL whose roles with names like these have to give their passwords.
func server(t *testing.T) (address string, admin *pgx.Conn) {
	t.Helper()
	dsn := pgtest.Loopback(t)("postgres")
	admin, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	var hba string
	if err := admin.QueryRow(t.Context(), `show hba_file`).Scan(&hba); err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(hba)
	if err != nil {
		t.Skip("the server's list of who has to give a password cannot be written: " + err.Error())
	}
	if err := os.WriteFile(hba, append([]byte("host all +sr_people 127.0.0.1/32 scram-sha-256\n"), rules...), 0o600); err != nil {
		t.Skip("the server's list of who has to give a password cannot be written: " + err.Error())
	}
	for _, q := range []string{`select pg_reload_conf()`, `drop role if exists "sr_app ""x"`, `drop role if exists sr_admin`, `drop role if exists sr_guest`, `drop role if exists sr_people`, `create role sr_people`,
		`create role "sr_app ""x" login password 'Kelp-Anchor-9'`, `create role sr_admin login createrole password 'Admin-Anchor-9'`, `create role sr_guest login password 'Guest-Anchor-9'`, `grant "sr_app ""x" to sr_admin with admin option`,
		`grant sr_people to "sr_app ""x", sr_admin, sr_guest`} {
		if _, err := admin.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	c := admin.Config()
	address = net.JoinHostPort("127.0.0.1", strings.TrimPrefix(portOf(dsn), ":"))
	c.User, c.Password = "sr_guest", "wrong"
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); { // the server reads its list when it comes to it
		wrong, err := pgx.ConnectConfig(t.Context(), c)
		if err != nil {
			return address, admin
		}
		if err := wrong.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the server goes on taking any password")
	return "", nil
}

func portOf(dsn string) string {
	_, rest, _ := strings.Cut(dsn, "@127.0.0.1")
	port, _, _ := strings.Cut(rest, "/")
	return port
}

func TestChangesOfARole(t *testing.T) {
	address, _ := server(t)
	s := postgres.Connector(plain)
	const role = `sr_app "x`
	at := connector.Target{Address: address, Account: role}
	if err := s.Valid(at); err != nil {
		t.Fatal(err)
	}
	now := "Kelp-Anchor-9"
	opens := func(secret string, want bool) {
		t.Helper()
		if ok, err := s.Opens(t.Context(), at, secret); err != nil || ok != want {
			t.Errorf("%q opens: %v, %v", secret, ok, err)
		}
	}
	opens(now, true)
	opens("wrong", false)
	for next, by := range map[string]connector.Login{"Own-Anchor-10%@": {Name: role, Own: true}, "Admin-Anchor-11": {Name: "sr_admin", Secret: "Admin-Anchor-9"}} {
		if by.Own {
			by.Secret = now
		}
		c := connector.Change{Target: at, By: by, Now: now, Next: next}
		if err := s.Check(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		opens(now, true)
		opens(next, false)
		if err := s.Change(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		opens(next, true)
		opens(now, false)
		now = next
	}
	for _, by := range []connector.Login{{Name: "sr_guest", Secret: "Guest-Anchor-9"}, {Name: "sr_admin", Secret: "wrong"}} {
		for _, f := range []func(context.Context, connector.Change) error{s.Check, s.Change} {
			if err := f(t.Context(), connector.Change{Target: at, By: by, Now: now, Next: "Never-Anchor-12"}); !fault.Is(err, fault.Denied) || strings.Contains(err.Error(), "Anchor") {
				t.Errorf("by %s: %v", by.Name, err)
			}
		}
	}
	opens(now, true)
	for name, far := range map[string]connector.Target{"nobody listens": {Address: "127.0.0.1:1", Account: role}, "a certificate is named": {Address: address, Account: role, Pin: "SHA256:" + strings.Repeat("0", 64)}, "another machine": {Address: "localhost:" + portOf("@127.0.0.1" + address[9:] + "/")[1:], Account: role}} {
		if _, err := s.Opens(t.Context(), far, now); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The server itself says that a verifier is one of that password: it would not keep it
// otherwise, and TestChangesOfARole signs in with it. Here is that it ends no string.
func TestVerifierNeedsNoQuotes(t *testing.T) {
	for range 100 {
		v, err := postgres.Verifier("O'Brien\\'; drop")
		if err != nil || strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=$:-") != "" {
			t.Fatalf("%q, %v", v, err)
		}
	}
}
