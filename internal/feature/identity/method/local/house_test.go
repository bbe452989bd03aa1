package local_test

import (
	"crypto/fips140"
	"crypto/sha1" // #nosec G505 -- as the list of breaches has it
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/breached"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/local"
	"strongroom/internal/feature/identity/methodtest"
)

// door is a house with local passwords, an administrator (boss@example.com) and
// an editor (robin@example.com), both with the password right.
type door struct {
	*coretest.House
	*identity.Sessions
	Directory   *identity.Directory
	Local       *local.Method
	Boss, Robin id.ID
	t           testing.TB
}

const right = "four candles on a fork"

func open(t testing.TB) *door {
	t.Helper()
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true}
	h := coretest.Open(t, coretest.Options{Features: []record.Feature{
		{Name: "test", Kinds: []*record.Kind{
			{Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Scope: record.Organization, Fields: []record.Field{name}},
			{Name: "contact", Plural: "contacts", Label: "Contact", Labels: "Contacts", Fields: []record.Field{name}},
		}},
		identity.Feature(), local.Feature(),
	}})
	d := &door{House: h, t: t, Local: &local.Method{Gate: h.Gate, Hasher: local.Hasher{Cost: cheap()}}}
	d.Directory = &identity.Directory{Gate: h.Gate, Records: h.Records, Passwords: d.Local}
	d.Sessions = d.process()
	boss, err := d.Directory.CreateAdministrator(t.Context(), coretest.Name, identity.Person{Email: "boss@example.com", Name: "Ada Boss", Password: right})
	if err != nil {
		t.Fatal(err)
	}
	robin, err := d.Directory.CreateUser(t.Context(), h.Admin(), identity.Person{Email: "robin@example.com", Name: "Robin M. Vale", Role: access.Editor, Password: right})
	if err != nil {
		t.Fatal(err)
	}
	d.Boss, d.Robin = boss.User, robin.User
	return d
}

// process is one more process on the same data, with a memory of its own.
func (d *door) process() *identity.Sessions {
	return &identity.Sessions{Gate: d.House.Gate, Methods: []method.Password{d.Local}, Passwords: d.Local}
}

// from is an attempt of robin from an address.
func from(addr, password string) identity.Attempt {
	return identity.Attempt{Tenant: coretest.Name, Email: "robin@example.com", Password: password, Addr: netip.MustParseAddr(addr), Agent: "Testzilla/1.0"}
}

func (d *door) signIn(a identity.Attempt) *identity.Signed {
	d.t.Helper()
	s, err := d.SignIn(d.t.Context(), a)
	if err != nil {
		d.t.Fatalf("signing in as %s: %v", a.Email, err)
	}
	return s
}

func (d *door) resolve(token string) *access.Caller {
	d.t.Helper()
	c, err := d.Resolve(d.t.Context(), "", token)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// gone sees that a token opens nothing.
func (d *door) gone(why, token string) {
	d.t.Helper()
	for name, s := range map[string]*identity.Sessions{"here": d.Sessions, "in a new process": d.process()} {
		if c, err := s.Resolve(d.t.Context(), "", token); !fault.Is(err, fault.Unauthorized) {
			d.t.Errorf("%s, %s: still opens for %+v, %v", why, name, c, err)
		}
	}
}

func (d *door) log(f audit.Filter) (out []*audit.Entry) {
	d.t.Helper()
	d.View(d.Admin(), func(tx *gate.Tx) (err error) {
		out, err = tx.Activity(f)
		return err
	})
	return out
}

func TestMethod(t *testing.T) {
	d := open(t)
	boss, robin := method.Try{Tenant: coretest.Name, Email: "boss@example.com", Password: "a boss's own password"}, method.Try{Tenant: coretest.Name, Email: "Robin@Example.com", Password: right}
	hash, err := d.Local.Hash(t.Context(), boss.Password)
	if err != nil {
		t.Fatal(err)
	}
	d.Change(func(tx *gate.Tx) error { return d.Local.Store(tx, d.Boss, method.Stored{Hash: hash}) })
	methodtest.Run(t, methodtest.Subject{Method: d.Local, Person: boss, Other: robin})
}

// TestHashGrows: a hash made with less than the present cost is replaced when
// its owner signs in, and only then.
func TestHashGrows(t *testing.T) {
	d := open(t)
	stored := func() (hash string) {
		d.View(d.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select hash from local_credential where user_id = ?`, int64(d.Robin)).Scan(&hash)
		})
		return hash
	}
	before := stored()
	d.signIn(from("192.0.2.1", right))
	if stored() != before {
		t.Error("a hash of the present cost was replaced")
	}
	d.Local = &local.Method{Gate: d.House.Gate, Hasher: local.Hasher{Cost: local.Cost{Memory: 128, Time: 2, Threads: 1}}}
	d.Sessions = d.process()
	if _, err := d.SignIn(t.Context(), from("192.0.2.1", right+"x")); !fault.Is(err, fault.Unauthorized) {
		t.Fatal(err)
	}
	if stored() != before {
		t.Error("a wrong password replaced the hash")
	}
	d.signIn(from("192.0.2.1", right))
	if now := stored(); !strings.Contains(now, "$m=128,t=2,p=1$") {
		t.Errorf("kept as %s", now)
	}
	d.signIn(from("192.0.2.1", right))
}

// TestBreachedPasswords: what stands on the list of breaches is taken from nobody as a new
// password, and a list that cannot be asked keeps nobody from having one.
func TestBreachedPasswords(t *testing.T) {
	const leaked = "seven quiet herons at noon"
	file := filepath.Join(t.TempDir(), "list.txt")
	var line []byte
	fips140.WithoutEnforcement(func() { line = fmt.Appendf(nil, "%X:7\n", sha1.Sum([]byte(leaked))) }) // the form of the list
	if err := os.WriteFile(file, line, 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := breached.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t)
	d.Local.Breached = list
	person := identity.Person{Email: "new@example.com", Name: "Nora New", Role: access.Editor, Password: leaked}
	if _, err := d.Directory.CreateUser(t.Context(), d.Admin(), person); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["password"] == "" || strings.Contains(err.Error(), leaked) {
		t.Errorf("it is taken for a new user: %v", err)
	}
	c := d.resolve(d.signIn(from("192.0.2.1", right)).Token)
	if _, err := d.ChangePassword(t.Context(), c, right, leaked); !fault.Is(err, fault.Invalid) {
		t.Errorf("it is taken as a change: %v", err)
	}
	d.signIn(from("192.0.2.1", right))
	if err := list.Close(); err != nil {
		t.Fatal(err)
	}
	person.Password = "eight loud herons at noon"
	if _, err := d.Directory.CreateUser(t.Context(), d.Admin(), person); err != nil {
		t.Errorf("without the list: %v", err)
	}
}
