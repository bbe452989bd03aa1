package secret_test

import (
	"crypto/fips140"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// rotate makes a new pair and lets the house use it.
func (d *desk) rotate(suite string) uint32 {
	d.t.Helper()
	g, err := d.Keys.Client.Rotate(d.t.Context(), d.Tenant().ID, suite)
	if err == nil {
		err = d.House.House.Rekey(d.t.Context(), coretest.Name)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return g
}

// steps wraps everything to generation g, and gives what could not be.
func (d *desk) steps(g uint32) (done int64, left []secret.Left) {
	d.t.Helper()
	var cite *audit.Entry
	d.Change(func(tx *gate.Tx) error { cite = tx.Entry(); return nil })
	w := secret.Rewrapper{Gate: d.Gate, Keys: d.Keys.Client}
	var after id.ID
	for {
		n, err := w.Step(d.t.Context(), d.admin, cite, g, after, func(_ *gate.Tx, last id.ID, k int64, l []secret.Left) error {
			after, done, left = last, done+k, append(left, l...)
			return nil
		})
		if err != nil {
			d.t.Fatal(err)
		}
		if n == 0 {
			return done, left
		}
	}
}

func (d *desk) wrapped() (out map[uint32]int64) {
	d.t.Helper()
	d.View(d.admin, func(tx *gate.Tx) (err error) {
		out, err = secret.Wrapped(tx)
		return err
	})
	return out
}

// rsaSuite is the smallest one that may be made in this mode.
func rsaSuite() string {
	if fips140.Enforced() {
		return string(envelope.RSA3072)
	}
	return string(envelope.RSA2048)
}

func TestRewrap(t *testing.T) {
	d := open(t, coretest.Options{})
	for range 70 { // more than one step
		d.put("hunter2")
	}
	if w := d.wrapped(); w[1] != 71 || len(w) != 1 {
		t.Errorf("at first: %v", w)
	}
	g := d.rotate(rsaSuite())
	d.put("hunter3") // is sealed to the new pair at once
	if w := d.wrapped(); w[1] != 71 || w[2] != 1 {
		t.Errorf("after the rotation: %v", w)
	}
	before := d.size()
	if done, left := d.steps(g); done != 71 || len(left) != 0 {
		t.Errorf("%d were wrapped, and not %v", done, left)
	}
	if w := d.wrapped(); w[2] != 72 || len(w) != 1 {
		t.Errorf("afterwards: %v", w)
	}
	var said int
	for _, e := range d.log(before) {
		if e.Action == secret.Rewrapped {
			said++
		}
	}
	if said != 2 {
		t.Errorf("the log has %d entries of it", said)
	}
	for v, want := range map[uint32]string{1: "hunter1", 2: "hunter2", 71: "hunter2", 0: "hunter3"} {
		if text, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(v), ""); err != nil || text != want {
			t.Errorf("version %d is %q, %v", v, text, err)
		}
	}
	d.View(d.admin, func(tx *gate.Tx) error {
		if n, err := secret.Verify(tx, 0); err != nil || n != 72 {
			t.Errorf("the chain: %d, %v", n, err)
		}
		return nil
	})
}

// TestSuiteChangesUnderReveals: while the tenant goes over to another suite, people look
// at versions of the old and of the new pair; not one of them is refused or reads another
// text, before, while and after the old ones are wrapped anew.
func TestSuiteChangesUnderReveals(t *testing.T) {
	d := open(t, coretest.Options{})
	for range 69 { // more than one step
		d.put("hunter2")
	}
	var done atomic.Bool
	var work sync.WaitGroup
	var old, both atomic.Int64
	var newest atomic.Uint32
	for w := range 4 {
		work.Go(func() {
			for n := 0; !done.Load() || n < 8; n++ {
				v, want, count := uint32(1+n%2), []string{"hunter1", "hunter2"}[n%2], &old
				if n3 := newest.Load(); n3 > 70 && (w+n)%3 == 0 {
					v, want, count = n3, "hunter3", &both
				}
				if text, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(v), ""); err != nil || text != want {
					t.Errorf("version %d is %q, %v", v, text, err)
					return
				}
				count.Add(1)
			}
		})
	}
	for i, suite := range []string{rsaSuite(), string(envelope.Hybrid)} {
		g := d.rotate(suite)
		d.put("hunter3")
		newest.Store(uint32(71 + i))
		if w := d.wrapped(); len(w) != 2 {
			t.Errorf("there are not two suites at once: %v", w)
		}
		if _, left := d.steps(g); len(left) != 0 {
			t.Errorf("%v were not wrapped", left)
		}
	}
	done.Store(true)
	work.Wait()
	if old.Load() == 0 || both.Load() == 0 {
		t.Errorf("%d reveals of the old, %d of the new", old.Load(), both.Load())
	}
}

// TestNothingButTheRecipientChanges: the database refuses every other change of a
// version, a rewrap to an older pair among them, and takes the one that is one.
func TestNothingButTheRecipientChanges(t *testing.T) {
	d := open(t, coretest.Options{})
	var sealed []byte
	read := func() {
		d.View(d.admin, func(tx *gate.Tx) error {
			return tx.QueryRow(`select sealed from secret_version where object = ?`, int64(d.pw)).Scan(&sealed)
		})
	}
	read()
	old := sealed
	g := d.rotate("")
	d.steps(g)
	read()
	set := func(b []byte) error {
		return d.exec(`update secret_version set sealed = ? where object = ?`, b, int64(d.pw))
	}
	altered := func(at int) []byte {
		b := append([]byte(nil), sealed...)
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 1
		return b
	}
	e, err := envelope.Parse(sealed)
	if err != nil {
		t.Fatal(err)
	}
	after := 6 + len(e.HeaderBytes())
	r := e.Recipients()[0]
	newer := r
	newer.Generation++
	next, err := e.WithRecipient(newer)
	if err != nil {
		t.Fatal(err)
	}
	cut := func(b []byte, from int) []byte { c := append([]byte(nil), b...); c[from] ^= 1; return c }
	for name, b := range map[string][]byte{
		"the pair before":       old,
		"the same":              sealed,
		"magic":                 altered(0),
		"header":                cut(next, 20),
		"end of header":         cut(next, after-1),
		"number of recipients":  cut(next, after),
		"length of wrapped key": cut(next, after+24),
		"nonce":                 cut(next, after+25+len(r.Wrapped)),
		"ciphertext":            cut(next, len(next)-10),
		"longer":                append(append([]byte(nil), next...), 0),
		"shorter":               next[:len(next)-1],
		"nothing":               {},
		"a header's length":     next[:6],
	} {
		if err := set(b); err == nil || !strings.Contains(err.Error(), "secret_version_fixed") && len(b) > 100 {
			t.Errorf("%s: was taken, or refused with %v", name, err)
		}
	}
	for _, q := range []string{
		`update secret_version set sealed = ?, note = 'x' where object = ?`, `update secret_version set sealed = ?, version = 9 where object = ?`,
		`update secret_version set sealed = ?, author = 9 where object = ?`, `update secret_version set sealed = ?, empty = 1 - empty where object = ?`,
		`update secret_version set sealed = ?, header_hash = previous_hash where object = ?`, `update secret_version set sealed = ?, id = id + 1 where object = ?`,
	} {
		if err := d.exec(q, next, int64(d.pw)); err == nil {
			t.Errorf("%s was taken", q)
		}
	}
	if err := set(next); err != nil {
		t.Errorf("a later pair: %v", err)
	}
}

// TestADamagedVersionIsLeft and the others of its step go on.
func TestADamagedVersionIsLeft(t *testing.T) {
	d := open(t, coretest.Options{})
	for range 3 {
		d.put("hunter2")
	}
	drop, again := `drop trigger secret_version_change`, ``
	if d.Tenant().DB.Dialect() == sqldb.Postgres {
		drop, again = `alter table secret_version disable trigger user`, `alter table secret_version enable trigger user`
	}
	var sealed []byte
	d.View(d.admin, func(tx *gate.Tx) error {
		return tx.QueryRow(`select sealed from secret_version where object = ? and version = 2`, int64(d.pw)).Scan(&sealed)
	})
	e, err := envelope.Parse(sealed)
	if err != nil {
		t.Fatal(err)
	}
	sealed[6+len(e.HeaderBytes())+100] ^= 1 // of the wrapped key
	if err := d.exec(drop); err != nil {
		t.Fatal(err)
	}
	if err := d.exec(`update secret_version set sealed = ? where object = ? and version = 2`, sealed, int64(d.pw)); err != nil {
		t.Fatal(err)
	}
	if again != "" {
		if err := d.exec(again); err != nil {
			t.Fatal(err)
		}
	}
	g := d.rotate("")
	done, left := d.steps(g)
	if done != 3 || len(left) != 1 || left[0].Why == "" {
		t.Errorf("%d were wrapped, left is %v", done, left)
	}
	err = d.Gate.Change(t.Context(), d.admin, access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return secret.Close(tx, g) })
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("the pair was closed while a version is sealed to it: %v", err)
	}
}

// TestClosed: what is sealed to a closed pair is not stored any more.
func TestClosed(t *testing.T) {
	d := open(t, coretest.Options{})
	stale := d.Tenant().Public()
	g := d.rotate("")
	d.steps(g)
	d.Change(func(tx *gate.Tx) error { return secret.Close(tx, g) })
	h := envelope.Header{Class: envelope.ClassServer, Tenant: d.Tenant().ID, Kind: "password", Object: 5, Field: "password", Version: 1, Time: 1}
	sealed, hash, err := envelope.Seal(h, []envelope.PublicKey{stale}, []byte("late"))
	if err != nil {
		t.Fatal(err)
	}
	err = d.exec(`insert into secret_version (id, kind, org, object, field, version, header_hash, previous_hash, sealed, empty, time, author, note, restores)
		values (1, 'password', 0, 5, 'password', 1, ?, ?, ?, 0, 1, 0, '', 0)`, hash[:], make([]byte, 32), sealed)
	if err == nil || !strings.Contains(err.Error(), "secret_version_retired") {
		t.Errorf("a version sealed to a closed pair was stored: %v", err)
	}
	d.put("hunter2")
	d.Make("password", d.org, record.Values{"name": "Another", "password": "x"})
	if w := d.wrapped(); len(w) != 1 || w[g] != 3 {
		t.Errorf("afterwards: %v", w)
	}
}
