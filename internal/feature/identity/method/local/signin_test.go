package local_test

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
)

func TestSignIn(t *testing.T) {
	d := open(t)
	a := from("192.0.2.7", right)
	a.Email = "ROBIN@example.com"
	s := d.signIn(a)
	if !strings.HasPrefix(s.Token, "demo.srs_") || len(s.Token) != len("demo.srs_")+43 || identity.TenantOf(s.Token) != "demo" {
		t.Errorf("the token is %q", s.Token)
	}
	c := d.resolve(s.Token)
	if c.User != d.Robin || c.Tenant != "demo" || c.Name != "Robin M. Vale" || c.Email != "robin@example.com" || c.Role != access.Editor ||
		c.Via != "session" || c.AuthLevel != 1 || c.OneTime || c.Session == "" {
		t.Errorf("resolves to %+v", c)
	}
	if again := d.resolve(s.Token); again == c {
		t.Error("two requests share a caller")
	}
	for _, host := range []string{"demo", ""} {
		if _, err := d.Resolve(t.Context(), host, s.Token); err != nil {
			t.Errorf("host %q: %v", host, err)
		}
	}
	if _, err := d.Resolve(t.Context(), "other", s.Token); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("another tenant's host: %v", err)
	}
	e := d.log(audit.Filter{Action: "sign-in"})
	if len(e) != 1 || e[0].Actor != d.Robin || e[0].Object != d.Robin || e[0].Result != audit.OK || e[0].Session != c.Session || e[0].Detail.Address != "192.0.2.7" {
		t.Errorf("recorded as %+v", e[0])
	}
	d.View(d.Admin(), func(tx *gate.Tx) error {
		r, err := d.Records.Get(tx, identity.User, d.Robin)
		if err == nil && (r.Values["current_sign_in_at"] != tx.Now || r.Values.Text("current_sign_in_ip") != "192.0.2.7" || r.Version != 1) {
			t.Errorf("the user says %v, version %d", r.Values, r.Version)
		}
		return err
	})
}

func TestEveryRefusalIsTheSame(t *testing.T) {
	d := open(t)
	away, err := d.Directory.CreateUser(t.Context(), d.Admin(), identity.Person{Email: "away@example.com", Role: access.Editor, Password: right})
	if err != nil {
		t.Fatal(err)
	}
	d.Change(func(tx *gate.Tx) error { return d.Records.SetArchived(tx, identity.User, away.User, true) })
	d.Make(identity.User, 0, record.Values{"email": "never@example.com"}) // has no password
	want := ""
	for _, x := range []struct{ name, tenant, email, password string }{
		{"a wrong password", coretest.Name, "robin@example.com", "wrong"},
		{"an unknown address", coretest.Name, "nobody@example.com", right},
		{"an unknown tenant", "nowhere", "robin@example.com", right},
		{"no tenant's name", "../..", "robin@example.com", right},
		{"no tenant", "", "robin@example.com", right},
		{"an archived user", coretest.Name, "away@example.com", right},
		{"a user without a password", coretest.Name, "never@example.com", ""},
		{"nothing", coretest.Name, "", ""},
	} {
		a := from("192.0.2.1", x.password)
		a.Tenant, a.Email = x.tenant, x.email
		s, err := d.SignIn(t.Context(), a)
		if s != nil || !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %v, %v", x.name, s, err)
			continue
		}
		got := fault.Say(err).Text + fault.Say(err).Hint
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s is told apart: %q", x.name, got)
		}
	}
}

// TestUnknownAddressesTakeAsLong: an address that nobody has costs a hash too.
// What is compared is the memory that Argon2id takes, which does not depend on
// what else the machine does, as time would.
func TestUnknownAddressesTakeAsLong(t *testing.T) {
	const cost = 8 << 20 // bytes
	d := open(t)
	d.Local.Hasher.Cost.Memory, d.Local.Hasher.Cost.Time = cost>>10, 1
	hash, err := d.Local.Hash(t.Context(), right)
	if err != nil {
		t.Fatal(err)
	}
	d.Change(func(tx *gate.Tx) error { return d.Local.Store(tx, d.Robin, method.Stored{Hash: hash}) })
	for _, x := range [][2]string{{coretest.Name, "robin@example.com"}, {coretest.Name, "nobody@example.com"}, {"nowhere", "robin@example.com"}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := d.Local.Check(t.Context(), method.Try{Tenant: x[0], Email: x[1], Password: "wrong"}); !fault.Is(err, fault.Unauthorized) {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took < cost {
			t.Errorf("%v took %d bytes, less than a hash takes", x, took)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	d := open(t)
	idle := d.signIn(from("192.0.2.1", right)).Token
	d.Clock.Advance(2*time.Hour - time.Second)
	d.resolve(idle) // in time, and noted
	d.Clock.Advance(2*time.Hour - time.Second)
	d.resolve(idle)
	d.Clock.Advance(2 * time.Hour)
	d.gone("idle for two hours", idle)

	used := d.signIn(from("192.0.2.1", right))
	if used.Expires != d.Clock.Now().Add(12*time.Hour) {
		t.Errorf("expires %s", used.Expires)
	}
	for range 11 {
		d.Clock.Advance(time.Hour)
		d.resolve(used.Token)
	}
	d.Clock.Advance(time.Hour)
	d.gone("twelve hours old", used.Token)

	out := d.signIn(from("192.0.2.1", right))
	if err := d.SignOut(t.Context(), d.resolve(out.Token)); err != nil {
		t.Fatal(err)
	}
	d.gone("signed out", out.Token)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	d := open(t)
	one, two, three := d.signIn(from("192.0.2.1", right)), d.signIn(from("2001:db8::5", right)), d.signIn(from("192.0.2.1", right))
	b := from("192.0.2.9", right)
	b.Email = "boss@example.com"
	boss := d.resolve(d.signIn(b).Token)
	c := d.resolve(one.Token)
	list, err := d.List(t.Context(), c, c.User)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	current := slices.IndexFunc(list, func(s identity.Session) bool { return s.Current })
	if current < 0 || list[current].ID != c.Session || list[current].Address != "192.0.2.1" || list[current].Agent != "Testzilla/1.0" || list[current].Method != "local" {
		t.Errorf("listed as %+v", list)
	}
	if _, err := d.List(t.Context(), c, d.Boss); !fault.Is(err, fault.Denied) {
		t.Errorf("lists the sessions of an administrator: %v", err)
	}
	if err := d.Revoke(t.Context(), c, boss.Session); !fault.Is(err, fault.NotFound) {
		t.Errorf("ends the session of an administrator: %v", err)
	}
	for _, none := range []string{"", "x", "0", "999999999"} {
		if err := d.Revoke(t.Context(), c, none); !fault.Is(err, fault.NotFound) {
			t.Errorf("ends session %q: %v", none, err)
		}
	}
	d.resolve(two.Token)
	if err := d.Revoke(t.Context(), c, d.resolve(two.Token).Session); err != nil {
		t.Fatal(err)
	}
	d.gone("ended", two.Token)
	d.resolve(three.Token)
	if err := d.RevokeAll(t.Context(), c, c.User, true); err != nil {
		t.Fatal(err)
	}
	d.gone("all others ended", three.Token)
	d.resolve(one.Token)
	if err := d.RevokeAll(t.Context(), boss, d.Robin, false); err != nil {
		t.Fatal(err)
	}
	d.gone("ended by an administrator", one.Token)
}

// TestRightsAreSeenAtOnce: what is remembered of a caller is never older than
// the rights, in this process or another.
func TestRightsAreSeenAtOnce(t *testing.T) {
	d := open(t)
	s := d.signIn(from("192.0.2.1", right))
	other := d.process()
	both := func(check func(*access.Caller) bool, what string) {
		t.Helper()
		for name, p := range map[string]*identity.Sessions{"here": d.Sessions, "there": other} {
			c, err := p.Resolve(t.Context(), "", s.Token)
			if err != nil || !check(c) {
				t.Errorf("%s, %s: %+v, %v", what, name, c, err)
			}
		}
	}
	both(func(c *access.Caller) bool { return len(c.Groups) == 0 }, "at first")
	group := d.Make(identity.Group, 0, record.Values{"name": "Field team"})
	if err := d.Directory.SetMembers(t.Context(), d.Admin(), group, append(d.members(group), d.Robin)); err != nil {
		t.Fatal(err)
	}
	both(func(c *access.Caller) bool { return slices.Contains(c.Groups, group) }, "in a group")
	d.Change(func(tx *gate.Tx) error {
		_, err := d.Records.Update(tx, identity.User, d.Robin, 0, record.Values{"last_name": "Marsh"})
		return err
	})
	both(func(c *access.Caller) bool { return c.Name == "Robin M. Marsh" }, "with a new name")
	d.Change(func(tx *gate.Tx) error { return d.Records.Trash(tx, identity.User, d.Robin) })
	d.gone("deleted", s.Token)
	if _, err := other.Resolve(t.Context(), "", s.Token); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("deleted, there: %v", err)
	}
	d.Change(func(tx *gate.Tx) error { return d.Records.Untrash(tx, identity.User, d.Robin) })
	d.gone("deleted and brought back", s.Token)
	s = d.signIn(from("192.0.2.1", right))
	both(func(c *access.Caller) bool { return c.Role == access.Editor }, "again")
	d.Change(func(tx *gate.Tx) error {
		_, err := d.Records.Update(tx, identity.User, d.Robin, 0, record.Values{"role_name": "Lite"})
		return err
	})
	d.gone("with another role", s.Token)
}

func (d *door) members(group id.ID) []id.ID {
	d.t.Helper()
	m, err := d.Directory.Members(d.t.Context(), d.Admin(), group)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

// TestHotRequestsCostOneStatement: what every page pays.
func TestHotRequestsCostOneStatement(t *testing.T) {
	d := open(t)
	s := d.signIn(from("192.0.2.1", right))
	db := d.Tenant().DB
	cost := func(s *identity.Sessions, token string) int64 {
		before := db.Statements()
		if _, err := s.Resolve(t.Context(), "", token); err != nil {
			t.Fatal(err)
		}
		return db.Statements() - before
	}
	p := d.process()
	if n := cost(p, s.Token); n > 4 {
		t.Errorf("the first request costs %d statements", n)
	}
	if n := cost(p, s.Token); n != 1 {
		t.Errorf("a hot request costs %d statements", n)
	}
	d.Clock.Advance(30 * time.Second)
	if n := cost(p, s.Token); n != 1 {
		t.Errorf("half a minute later it costs %d", n)
	}
	d.Clock.Advance(31 * time.Second)
	if n := cost(p, s.Token); n < 2 {
		t.Error("a use after a minute was not noted")
	}
	if n := cost(p, s.Token); n != 1 {
		t.Errorf("after noting it a request costs %d", n)
	}
}

// TestPasswordsDoNotAge: nobody has to change a password because of its age.
func TestPasswordsDoNotAge(t *testing.T) {
	d := open(t)
	d.Clock.Advance(10 * 365 * 24 * time.Hour)
	if s := d.signIn(from("192.0.2.7", right)); d.resolve(s.Token).OneTime {
		t.Error("the password has to be changed")
	}
}

func TestTokensThatAreNone(t *testing.T) {
	d := open(t)
	s := d.signIn(from("192.0.2.1", right))
	token, err := d.SignInToken(t.Context(), from("192.0.2.1", right))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []string{"", ".", "demo", "demo.", "demo.srs_", s.Token + "A", s.Token[:len(s.Token)-1], strings.ToUpper(s.Token), "other" + strings.TrimPrefix(s.Token, "demo"),
		s.Device, token.Token, strings.Replace(token.Token, "srt_", "srs_", 1), strings.Repeat("a", 10000), "demo.srs_" + strings.Repeat("\x00", 43)} {
		if c, err := d.Resolve(t.Context(), "", x); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%q opens for %+v, %v", x, c, err)
		}
	}
	if c, err := d.ResolveToken(t.Context(), "", s.Token); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("a cookie is taken as an access token: %+v, %v", c, err)
	}
}

func TestAccessTokens(t *testing.T) {
	d := open(t)
	s, err := d.SignInToken(t.Context(), from("192.0.2.1", right))
	if err != nil {
		t.Fatal(err)
	}
	if !identity.IsAccessToken(s.Token) || s.Device != "" || s.Expires != d.Clock.Now().Add(2*time.Hour) {
		t.Errorf("%+v", s)
	}
	d.Clock.Advance(time.Hour + 59*time.Minute)
	c, err := d.ResolveToken(t.Context(), "demo", s.Token)
	if err != nil || c.User != d.Robin || c.Via != "token" {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := d.ChangePassword(t.Context(), c, right, "another good password"); !fault.Is(err, fault.Denied) {
		t.Errorf("a program changes the password: %v", err)
	}
	fresh, err := d.Refresh(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ResolveToken(t.Context(), "", s.Token); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("the refreshed token still opens: %v", err)
	}
	d.Clock.Advance(2 * time.Hour)
	if _, err := d.ResolveToken(t.Context(), "", fresh.Token); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("after two hours: %v", err)
	}
	s, err = d.SignInToken(t.Context(), from("192.0.2.1", right))
	for range 30 { // refreshed every half an hour, for ever: it ends
		if err != nil {
			break
		}
		d.Clock.Advance(30 * time.Minute)
		if c, err = d.ResolveToken(t.Context(), "", s.Token); err == nil {
			s, err = d.Refresh(t.Context(), c)
		}
	}
	if !fault.Is(err, fault.Unauthorized) {
		t.Errorf("an access token lives for ever: %v", err)
	}
}

func TestRotate(t *testing.T) {
	d := open(t)
	s := d.signIn(from("192.0.2.1", right))
	c := d.resolve(s.Token)
	token, err := d.Rotate(t.Context(), c, 2)
	if err != nil {
		t.Fatal(err)
	}
	d.gone("rotated", s.Token)
	if now := d.resolve(token); now.AuthLevel != 2 || now.Session != c.Session {
		t.Errorf("became %+v", now)
	}
}

func TestChangePassword(t *testing.T) {
	d := open(t)
	mine, other := d.signIn(from("192.0.2.1", right)), d.signIn(from("192.0.2.2", right))
	token, err := d.SignInToken(t.Context(), from("192.0.2.1", right))
	if err != nil {
		t.Fatal(err)
	}
	c := d.resolve(mine.Token)
	const next = "a tin of striped paint"
	for _, x := range []struct{ name, old, new, field string }{
		{"the wrong old one", "wrong", next, "old_password"},
		{"too short", right, "short", "password"},
		{"the same", right, right, "password"},
		{"her name", right, "Robin M. Vale", "password"},
	} {
		if _, err := d.ChangePassword(t.Context(), c, x.old, x.new); err == nil || fault.Say(err).Fields[x.field] == "" {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	fresh, err := d.ChangePassword(t.Context(), c, right, next)
	if err != nil {
		t.Fatal(err)
	}
	d.gone("password changed", mine.Token)
	d.gone("password changed elsewhere", other.Token)
	if _, err := d.ResolveToken(t.Context(), "", token.Token); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("the access token still opens: %v", err)
	}
	d.resolve(fresh)
	if _, err := d.SignIn(t.Context(), from("192.0.2.1", right)); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("the old password still opens: %v", err)
	}
	d.signIn(from("192.0.2.1", next))
	throttled := false
	for range 30 {
		_, err := d.ChangePassword(t.Context(), d.resolve(fresh), "guess", right)
		throttled = throttled || fault.Is(err, fault.Throttled)
	}
	if !throttled {
		t.Error("a stolen session may guess the password for ever")
	}
}

func TestOneTimePasswords(t *testing.T) {
	d := open(t)
	got, err := d.Directory.CreateAdministrator(t.Context(), coretest.Name, identity.Person{Email: "first@example.com"})
	if err != nil || !got.OneTime || len(got.Password) < 20 {
		t.Fatalf("%+v, %v", got, err)
	}
	a := from("192.0.2.1", got.Password)
	a.Email = got.Email
	s := d.signIn(a)
	c := d.resolve(s.Token)
	if !c.OneTime || c.Role != access.Administrator {
		t.Errorf("%+v", c)
	}
	if v, why := access.Decide(c, access.Reveal, access.Target{Kind: "password", Visible: true}); v != access.Denied {
		t.Errorf("reveals with a one-time password: %v %s", v, why)
	}
	token, err := d.ChangePassword(t.Context(), c, got.Password, "a tin of striped paint")
	if err != nil {
		t.Fatal(err)
	}
	if c := d.resolve(token); c.OneTime {
		t.Error("still one-time after the change")
	}

	boss := from("192.0.2.9", right)
	boss.Email = "boss@example.com"
	admin := d.resolve(d.signIn(boss).Token)
	robin := d.signIn(from("192.0.2.1", right))
	if _, err := d.Directory.Reset(t.Context(), d.resolve(robin.Token), d.Boss); !fault.Is(err, fault.Denied) {
		t.Errorf("an editor resets an administrator: %v", err)
	}
	reset, err := d.Directory.Reset(t.Context(), admin, d.Robin)
	if err != nil || !reset.OneTime || reset.Email != "robin@example.com" {
		t.Fatalf("%+v, %v", reset, err)
	}
	d.gone("reset", robin.Token)
	if _, err := d.SignIn(t.Context(), from("192.0.2.1", right)); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("the password before the reset: %v", err)
	}
	d.signIn(from("192.0.2.1", reset.Password))
	d.Clock.Advance(identity.OneTimeLife)
	if _, err := d.SignIn(t.Context(), from("192.0.2.1", reset.Password)); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("an expired one-time password: %v", err)
	}
	if _, err := d.Directory.CreateAdministrator(t.Context(), coretest.Name, identity.Person{Email: "First@example.com"}); err == nil || fault.Say(err).Fields["email"] == "" {
		t.Errorf("the same address twice: %v", err)
	}
}

// TestManyAtOnce is for the race detector, too: sign-ins, requests and endings
// side by side.
func TestManyAtOnce(t *testing.T) {
	d := open(t)
	device := d.signIn(from("192.0.2.1", right)).Device
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			a := from("192.0.2.1", right)
			a.Device = device
			s, err := d.SignIn(t.Context(), a)
			if err != nil {
				if !fault.Is(err, fault.Throttled) {
					t.Error(err)
				}
				return
			}
			for range 10 {
				c, err := d.Resolve(t.Context(), "", s.Token)
				if err != nil {
					t.Error(err)
					return
				}
				c.Reason = "mine" // a copy: nobody else sees it
			}
			d.Clock.Advance(time.Minute)
			c, err := d.Resolve(t.Context(), "", s.Token)
			if err != nil || c.Reason != "" {
				t.Errorf("%+v, %v", c, err)
				return
			}
			if i%2 == 0 {
				if err := d.SignOut(t.Context(), c); err != nil {
					t.Error(err)
				}
				if _, err := d.Resolve(t.Context(), "", s.Token); !fault.Is(err, fault.Unauthorized) {
					t.Errorf("signed out and still there: %v", err)
				}
			}
		})
	}
	all.Wait()
}
