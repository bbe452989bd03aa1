package secret_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// desk is a house with one password.
type desk struct {
	*coretest.House
	t        testing.TB
	org, pw  id.ID
	revealer *secret.Revealer
	admin    *access.Caller
}

func open(t testing.TB, o coretest.Options) *desk {
	h := coretest.Open(t, o)
	d := &desk{House: h, t: t, admin: h.Admin(), revealer: &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}}
	d.org = h.Org("Harbour Dental")
	d.pw = h.Make("password", d.org, record.Values{"name": "Router", "password": "hunter1"})
	return d
}

func (d *desk) place() secret.Place {
	return secret.Place{Kind: "password", Org: d.org, Object: d.pw, Field: "password"}
}

func (d *desk) ref(version uint32) secret.Ref {
	return secret.Ref{Kind: "password", Object: d.pw, Field: "password", Version: version}
}

func (d *desk) put(text string) {
	d.t.Helper()
	d.Clock.Advance(time.Minute)
	err := d.Gate.Change(d.t.Context(), d.admin, access.Edit, gate.Thing{Kind: "password", ID: d.pw}, func(tx *gate.Tx) error {
		_, err := secret.Put(tx, d.place(), text, secret.Note{Reason: "because " + text})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// log gives the audit entries after the first n.
func (d *desk) log(n int64) []*audit.Entry {
	d.t.Helper()
	var out []*audit.Entry
	t := d.Tenant()
	err := t.DB.View(d.t.Context(), func(tx *sqldb.Tx) error {
		var err error
		out, err = t.Audit.From(tx, n, 1000)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// size gives how many entries the log has.
func (d *desk) size() (n int64) {
	d.t.Helper()
	err := d.Tenant().DB.View(d.t.Context(), func(tx *sqldb.Tx) error {
		var err error
		n, _, err = audit.Head(tx)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestVersions(t *testing.T) {
	d := open(t, coretest.Options{})
	d.put("hunter2")
	d.put("")
	d.put("hunter4")
	for version, want := range map[uint32]string{0: "hunter4", 1: "hunter1", 2: "hunter2", 3: "", 4: "hunter4"} {
		if got, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(version), ""); err != nil || got != want {
			t.Errorf("version %d is %q, %v; want %q", version, got, err, want)
		}
	}
	if made, err := d.revealer.Restore(t.Context(), d.admin, d.ref(2), "the new one was refused"); err != nil || made != 5 {
		t.Errorf("restoring made version %d, %v", made, err)
	}
	if got, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(0), ""); err != nil || got != "hunter2" {
		t.Errorf("what was restored is %q, %v", got, err)
	}
	d.View(d.admin, func(tx *gate.Tx) error {
		list, err := secret.Versions(tx, d.place())
		if err != nil {
			return err
		}
		var got []string
		for _, v := range list {
			got = append(got, fmt.Sprintf("%d %t %d %s", v.Number, v.Has, v.Restores, v.Reason))
		}
		want := []string{"5 true 2 the new one was refused", "4 true 0 because hunter4", "3 false 0 because ", "2 true 0 because hunter2", "1 true 0 "}
		if !slices.Equal(got, want) {
			t.Errorf("versions %q, want %q", got, want)
		}
		now, err := secret.Current(tx, d.pw)
		if err != nil || len(now) != 1 || now["password"].Number != 5 || !now["password"].Has {
			t.Errorf("current %+v, %v", now, err)
		}
		n, err := secret.Verify(tx, d.pw)
		if n != 5 {
			t.Errorf("%d versions verified", n)
		}
		return err
	})
}

func TestVersionsNameTheirAuthor(t *testing.T) {
	d := open(t, coretest.Options{})
	editor := d.User(access.Editor, d.org)
	err := d.Gate.Change(t.Context(), editor, access.Edit, gate.Thing{Kind: "password", ID: d.pw}, func(tx *gate.Tx) error {
		_, err := secret.Put(tx, d.place(), "x", secret.Note{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d.View(editor, func(tx *gate.Tx) error {
		now, err := secret.Current(tx, d.pw)
		if v := now["password"]; v.Author != editor.User || v.AuthorName != "editor user" {
			t.Errorf("author %+v", v)
		}
		return err
	})
	stranger := d.User(access.Editor, d.Org("Other"))
	err = d.Gate.View(t.Context(), stranger, func(tx *gate.Tx) error {
		_, err := secret.Versions(tx, d.place())
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger listing versions: %v", err)
	}
}

// The grant is durable before the key service is asked, and its log cites it.
func TestOrderOfAReveal(t *testing.T) {
	d := open(t, coretest.Options{})
	c := d.User(access.ReadOnly, d.org)
	before := d.size()
	if _, err := d.revealer.Reveal(t.Context(), c, d.ref(0), "on call"); err != nil {
		t.Fatal(err)
	}
	log := d.log(before)
	if len(log) != 1 {
		t.Fatalf("a reveal made %d entries", len(log))
	}
	e := log[0]
	if e.Action != secret.Granted || e.Object != d.pw || e.Actor != c.User || e.Version != 1 || e.Result != audit.OK || e.Detail.Reason != "on call" ||
		!slices.Equal(e.Detail.Fields, []string{"password"}) || e.Detail.Name != "Router" {
		t.Errorf("the entry of a reveal: %+v", e)
	}

	d.Keys.Stop()
	_, err := d.revealer.Reveal(t.Context(), c, d.ref(0), "")
	if !fault.Is(err, fault.Unavailable) || fault.Say(err).Text == "" || fault.Say(err).Hint == "" {
		t.Errorf("without the key service: %v", err)
	}
	log = d.log(before + 1)
	if len(log) != 2 || log[0].Action != secret.Granted || log[1].Action != secret.Failed || log[1].Cites != log[0].Seq+1 || log[1].Result != audit.Failed {
		t.Fatalf("without the key service the log says %+v", log)
	}
	d.Keys.Start()
	if got, err := d.revealer.Reveal(t.Context(), c, d.ref(0), ""); err != nil || got != "hunter1" {
		t.Errorf("when the key service is back: %q, %v", got, err)
	}
}

// TestManyAtOnce: reveals that share commits each have their own entry, which
// stands in the log before the text is given.
func TestManyAtOnce(t *testing.T) {
	d := open(t, coretest.Options{})
	before := d.size()
	const people, times = 40, 5
	var wg sync.WaitGroup
	for range people {
		wg.Go(func() {
			for range times {
				if text, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(0), ""); err != nil || text != "hunter1" {
					t.Errorf("%q, %v", text, err)
				}
			}
		})
	}
	wg.Wait()
	entries := d.log(before)
	if len(entries) != people*times {
		t.Errorf("%d entries for %d reveals", len(entries), people*times)
	}
	for _, e := range entries {
		if e.Action != secret.Granted || e.Object != d.pw {
			t.Errorf("%+v", e)
		}
	}
}

// TestWhoLeavesWhileWaiting for the company of others gets the reason of it, and
// the others their secrets.
func TestWhoLeavesWhileWaiting(t *testing.T) {
	d := open(t, coretest.Options{})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			mine := t.Context()
			if i%3 == 0 {
				mine = ctx
			}
			if i == 30 {
				leave()
			}
			text, err := d.revealer.Reveal(mine, d.admin, d.ref(0), "")
			if mine == ctx && err != nil {
				return
			}
			if err != nil || text != "hunter1" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	wg.Wait()
}

// TestBesideNothing: where there is nothing to reveal, nothing is recorded.
func TestBesideNothing(t *testing.T) {
	d := open(t, coretest.Options{})
	bare := d.Make("password", d.org, record.Values{"name": "Bare"})
	before := d.size()
	for name, look := range map[string]func(*gate.Tx) (*secret.Ref, error){
		"never set": func(*gate.Tx) (*secret.Ref, error) {
			return &secret.Ref{Kind: "password", Object: bare, Field: "password"}, nil
		},
		"not asked for": func(*gate.Tx) (*secret.Ref, error) { return nil, nil },
	} {
		text, has, err := d.revealer.RevealBeside(t.Context(), d.admin, gate.Thing{Kind: "password", ID: bare}, "", look)
		if text != "" || has || err != nil {
			t.Errorf("%s: %q, %v, %v", name, text, has, err)
		}
	}
	if n := d.size(); n != before {
		t.Errorf("%d entries", n-before)
	}
	text, has, err := d.revealer.RevealBeside(t.Context(), d.admin, gate.Thing{Kind: "password", ID: d.pw}, "", func(tx *gate.Tx) (*secret.Ref, error) {
		ref := d.ref(0)
		return &ref, nil
	})
	if text != "hunter1" || !has || err != nil || d.size() != before+1 {
		t.Errorf("%q, %v, %v, %d entries", text, has, err, d.size()-before)
	}
}

func TestRefusedReveals(t *testing.T) {
	d := open(t, coretest.Options{})
	reader := d.User(access.ReadOnly, d.org)
	lite, stranger := d.User(access.Lite, d.org), d.User(access.Manager, d.Org("Other"))
	onetime, key := *reader, *reader
	onetime.OneTime = true
	key.Scope.NoPasswords = true
	needs := d.ref(0)
	needs.Reasons = true
	moved := d.ref(0)
	moved.Kind = "document"
	nofield := d.ref(0)
	nofield.Field = "name"
	for name, c := range map[string]struct {
		who    *access.Caller
		ref    secret.Ref
		want   fault.Kind
		logged string // the action of the entry, or empty
	}{
		"a Lite user":            {lite, d.ref(0), fault.Denied, "reveal"},
		"a one-time password":    {&onetime, d.ref(0), fault.Denied, "reveal"},
		"a key without password": {&key, d.ref(0), fault.Denied, "reveal"},
		"another organization's": {stranger, d.ref(0), fault.NotFound, "reveal"},
		"no such version":        {reader, d.ref(9), fault.NotFound, ""},
		"no such field":          {reader, nofield, fault.NotFound, ""},
		"another kind":           {reader, moved, fault.NotFound, ""},
		"without a reason":       {reader, needs, fault.Invalid, ""},
	} {
		d.Clock.Advance(time.Hour) // refusals of one minute are counted together
		before := d.size()
		text, err := d.revealer.Reveal(t.Context(), c.who, c.ref, "")
		if text != "" || !fault.Is(err, c.want) {
			t.Errorf("%s: %q, %v; want %v", name, text, err, c.want)
		}
		log := d.log(before)
		if c.logged == "" && len(log) == 0 {
			continue
		}
		if len(log) != 1 || log[0].Action != c.logged || log[0].Result != audit.Refused {
			t.Errorf("%s: the log says %+v", name, log)
		}
	}
	if f := fault.Say(fault.Field("reason", "x")); f.Fields["reason"] == "" {
		t.Error("the field is not named")
	}
	if _, err := d.revealer.Reveal(t.Context(), reader, needs, "on call"); err != nil {
		t.Errorf("with a reason: %v", err)
	}
}

func TestSealedReveal(t *testing.T) {
	d := open(t, coretest.Options{})
	browser, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.revealer.RevealSealed(t.Context(), d.admin, d.ref(0), "", browser.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Parse(s.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	key, err := envelope.OpenRewrapped(browser, e.HeaderBytes(), s.Key)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := e.Open(key); err != nil || string(plain) != "hunter1" || s.Version != 1 {
		t.Errorf("the browser reads %q, %v", plain, err)
	}
	before := d.size()
	if s, err := d.revealer.RevealSealed(t.Context(), d.admin, d.ref(0), "", []byte("no key")); err == nil || s.Envelope != nil {
		t.Errorf("with a bad key: %+v, %v", s, err)
	}
	if log := d.log(before); len(log) != 2 || log[1].Action != secret.Failed {
		t.Errorf("the log says %+v", log)
	}
}

func TestRevealMany(t *testing.T) {
	d := open(t, coretest.Options{})
	refs := []secret.Ref{d.ref(0)}
	want := []string{"hunter1"}
	for i := range 520 {
		text := fmt.Sprint("text ", i)
		v := record.Values{"name": fmt.Sprint("pw ", i), "password": text}
		if i == 3 {
			v["otp_secret"] = "JBSWY3DPEHPK3PXP"
		}
		if i == 5 {
			delete(v, "password")
			text = ""
		}
		r := secret.Ref{Kind: "password", Object: d.Make("password", d.org, v), Field: "password"}
		refs, want = append(refs, r), append(want, text)
		if i == 3 {
			r.Field = "otp_secret"
			refs, want = append(refs, r), append(want, "JBSWY3DPEHPK3PXP")
		}
	}
	manager := d.User(access.Manager, d.org)
	before := d.size()
	var got []string
	err := d.revealer.RevealMany(t.Context(), manager, refs, "hand over", func(_ secret.Ref, text string, _ error) error {
		got = append(got, text)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d of %d texts, %v", len(got), len(want), err)
	}
	count := map[string]int{}
	for _, e := range d.log(before) {
		count[e.Action]++
		if e.Detail.Reason != "hand over" {
			t.Errorf("entry without its reason: %+v", e)
		}
	}
	if count[secret.Granted] != 521 || count["export"] != 2 || len(count) != 2 {
		t.Errorf("the log has %v", count)
	}
	for name, who := range map[string]*access.Caller{"an editor": d.User(access.Editor, d.org), "a stranger": d.User(access.Manager, d.Org("Other"))} {
		err := d.revealer.RevealMany(t.Context(), who, refs[:3], "", func(secret.Ref, string, error) error {
			t.Errorf("%s was given something", name)
			return nil
		})
		if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.Keys.Stop()
	before = d.size()
	if err := d.revealer.RevealMany(t.Context(), manager, refs[:3], "", nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without the key service: %v", err)
	}
	if log := d.log(before); log[len(log)-1].Action != secret.Failed || log[len(log)-1].Cites != before+1 {
		t.Errorf("the log ends with %+v", log[len(log)-1])
	}
}

// exec runs SQL as somebody would who has the database file and its key.
func (d *desk) exec(q string, args ...any) error {
	return d.Tenant().DB.Change(d.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(q, args...)
		return err
	})
}

func TestVersionsCannotBeChangedOrDeleted(t *testing.T) {
	d := open(t, coretest.Options{})
	d.put("hunter2")
	stay := []string{
		`update secret_version set note = 'x'`, `update secret_version set version = 9 where version = 2`,
		`delete from secret_version`, `delete from secret_version where version = 2`,
	}
	if d.Tenant().DB.Dialect() == sqldb.Postgres {
		stay = append(stay, `truncate secret_version`)
	}
	for _, q := range stay {
		if name, kind, ok := sqldb.ConstraintOf(d.exec(q)); !ok || kind != "trigger" || name != "secret_version_fixed" {
			t.Errorf("%s: %q %q %v", q, name, kind, ok)
		}
	}
	other := d.Make("password", d.org, record.Values{"name": "Other", "password": "x"})
	d.Change(func(tx *gate.Tx) error { return secret.Purge(tx, d.pw) })
	d.View(d.admin, func(tx *gate.Tx) error {
		for object, want := range map[id.ID]int{d.pw: 0, other: 1} {
			if n, err := secret.Verify(tx, object); n != want || err != nil {
				t.Errorf("record %d has %d versions, %v; want %d", object, n, err, want)
			}
		}
		return nil
	})
	if err := d.exec(`delete from secret_version`); err == nil {
		t.Error("the way that a purge opened stayed open")
	}
}

// Whoever can write to the database, triggers aside, is found out.
func TestTampering(t *testing.T) {
	for name, tamper := range map[string]string{
		"version":   `update secret_version set version = 7 where object = ?1 and field = 'password' and version = 3`,
		"field":     `update secret_version set field = 'otp_secret' where object = ?1 and version = 1`,
		"object":    `update secret_version set object = ?1 + 1 where object = ?1`,
		"kind":      `update secret_version set kind = 'document' where object = ?1`,
		"org":       `update secret_version set org = 5 where object = ?1`,
		"author":    `update secret_version set author = 5 where object = ?1`,
		"time":      `update secret_version set time = time + 1 where object = ?1`,
		"hash":      `update secret_version set header_hash = previous_hash where object = ?1 and version = 2`,
		"previous":  `update secret_version set previous_hash = header_hash where object = ?1 and version = 2`,
		"sealed":    `update secret_version set sealed = (select o.sealed from secret_version o where o.object = ?1 and o.version = 1) where object = ?1 and version = 3`,
		"taken out": `delete from secret_version where object = ?1 and version = 2`,
		"cut":       `update secret_version set sealed = header_hash where object = ?1 and version = 3`,
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, coretest.Options{})
			d.put("hunter2")
			d.put("hunter3")
			untrigger := `drop trigger secret_version_change; drop trigger secret_version_delete`
			if d.Tenant().DB.Dialect() == sqldb.Postgres {
				untrigger = `alter table secret_version disable trigger user`
			}
			for _, q := range []string{untrigger, tamper} {
				var args []any
				if strings.Contains(q, "?") {
					args = append(args, int64(d.pw))
				}
				if err := d.exec(q, args...); err != nil {
					t.Fatal(err)
				}
			}
			d.View(d.admin, func(tx *gate.Tx) error {
				_, err := secret.Verify(tx, 0)
				if !fault.Is(err, fault.Internal) || err == nil {
					t.Errorf("verified: %v", err)
				}
				return nil
			})
		})
	}
}

// A version that was moved or altered is refused before the key service is
// asked, and the try is recorded.
func TestAlteredVersionIsNotRevealed(t *testing.T) {
	d := open(t, coretest.Options{})
	other := d.Make("password", d.org, record.Values{"name": "Other", "password": "theirs"})
	drop := `drop trigger secret_version_change`
	if d.Tenant().DB.Dialect() == sqldb.Postgres {
		drop = `alter table secret_version disable trigger user`
	}
	if err := d.exec(drop); err != nil {
		t.Fatal(err)
	}
	if err := d.exec(`update secret_version set sealed = (select o.sealed from secret_version o where o.object = ?) where object = ?`, int64(other), int64(d.pw)); err != nil {
		t.Fatal(err)
	}
	before := d.size()
	if text, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(0), ""); err == nil || text != "" {
		t.Errorf("another record's value was shown: %q", text)
	}
	if log := d.log(before); len(log) != 1 || log[0].Action != secret.Failed || log[0].Cites != 0 || log[0].Object != d.pw {
		t.Errorf("the log says %+v", log)
	}
}

func TestTooLong(t *testing.T) {
	d := open(t, coretest.Options{})
	err := d.Gate.Change(t.Context(), d.admin, access.Edit, gate.Thing{Kind: "password", ID: d.pw}, func(tx *gate.Tx) error {
		_, err := secret.Put(tx, d.place(), strings.Repeat("x", envelope.MaxSecret+1), secret.Note{})
		return err
	})
	if !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["password"] == "" {
		t.Errorf("a secret that is too long: %v", err)
	}
}

func TestBudget(t *testing.T) {
	d := open(t, coretest.Options{Keys: service.Options{Budgets: service.Budgets{Session: service.Budget{PerSecond: 0.0001, Burst: 2}}}})
	for i, want := range []bool{true, true, false} {
		_, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(0), "")
		if (err == nil) != want || !want && !fault.Is(err, fault.Throttled) {
			t.Errorf("reveal %d: %v", i, err)
		}
	}
}
