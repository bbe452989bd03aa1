package local_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/identity"
)

// guess makes wrong tries until one is throttled, and tells how many were
// answered and how long the wait is.
func (d *door) guess(a identity.Attempt, most int) (answered int, wait time.Duration) {
	d.t.Helper()
	a.Password = "a wrong guess"
	for range most {
		_, err := d.SignIn(d.t.Context(), a)
		if fault.Is(err, fault.Throttled) {
			return answered, fault.Say(err).After
		}
		if !fault.Is(err, fault.Unauthorized) {
			d.t.Fatal(err)
		}
		answered++
	}
	return answered, 0
}

func TestGuessingSlowsDown(t *testing.T) {
	d := open(t)
	a := from("192.0.2.1", right)
	n, wait := d.guess(a, 100)
	if n != 5 || wait != 2*time.Second {
		t.Errorf("%d guesses were answered, then a wait of %s", n, wait)
	}
	if _, err := d.SignIn(t.Context(), a); !fault.Is(err, fault.Throttled) {
		t.Errorf("the right password in between: %v", err)
	}
	waits := []time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second}
	for _, want := range waits {
		d.Clock.Advance(wait)
		if n, wait = d.guess(a, 100); n != 1 || wait != want {
			t.Errorf("%d guesses, then a wait of %s; want one and %s", n, wait, want)
		}
	}
	same := from("192.0.2.200", right) // the same network
	if n, _ := d.guess(same, 100); n != 0 {
		t.Errorf("a neighbour has %d guesses", n)
	}
	if n, _ := d.guess(from("198.51.100.1", right), 100); n != 5 {
		t.Errorf("another network has %d guesses", n)
	}
	d.Clock.Advance(wait)
	d.signIn(a)
	if n, _ := d.guess(a, 100); n != 5 {
		t.Errorf("after a success there are %d guesses", n)
	}
}

func TestUnknownAddressesSlowDownLikeKnownOnes(t *testing.T) {
	d := open(t)
	for i, email := range []string{"robin@example.com", "nobody@example.com"} {
		a := from(fmt.Sprintf("192.0.%d.1", i), right)
		a.Email = email
		if n, wait := d.guess(a, 100); n != 5 || wait != 2*time.Second {
			t.Errorf("%s: %d guesses, then %s", email, n, wait)
		}
	}
}

func TestARestartGivesNoNewGuesses(t *testing.T) {
	d := open(t)
	a := from("192.0.2.1", right)
	d.guess(a, 100)
	d.Sessions = d.process()
	if n, _ := d.guess(a, 100); n != 0 {
		t.Errorf("a new process gives %d guesses", n)
	}
}

// TestParallelGuesses: tries are charged before they are checked, so that many
// at once gain nothing.
func TestParallelGuesses(t *testing.T) {
	d := open(t)
	var answered atomic.Int64
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			_, err := d.SignIn(t.Context(), from("192.0.2.1", "a wrong guess"))
			if fault.Is(err, fault.Unauthorized) {
				answered.Add(1)
			}
		})
	}
	all.Wait()
	if answered.Load() > 5 {
		t.Errorf("%d parallel guesses were answered", answered.Load())
	}
}

func TestNetworkSlowsDownOverManyAddresses(t *testing.T) {
	for _, addr := range []string{"192.0.2.%d", "2001:db8::1:%d", "::ffff:192.0.2.%d"} {
		d := open(t)
		answered := 0
		for i := range 100 {
			a := from(fmt.Sprintf(addr, i%200+1), right)
			a.Email = fmt.Sprintf("somebody%d@example.com", i)
			n, _ := d.guess(a, 1)
			answered += n
		}
		if answered != 30 {
			t.Errorf("%s: %d guesses were answered", addr, answered)
		}
	}
}

// TestWideNetwork: who owns a whole /48 does not have a budget for each /64.
func TestWideNetwork(t *testing.T) {
	d := open(t)
	answered := 0
	for i := range 150 {
		a := from(fmt.Sprintf("2001:db8:1:%x::1", i), right)
		a.Email = fmt.Sprintf("somebody%d@example.com", i)
		n, _ := d.guess(a, 1)
		answered += n
	}
	if answered != 100 {
		t.Errorf("%d guesses were answered", answered)
	}
}

// TestAttackedAccount: when an address is guessed at from many networks, each
// has one guess, and the person's own first try still counts.
func TestAttackedAccount(t *testing.T) {
	d := open(t)
	counts := map[int]int{}
	for i := range 60 {
		n, _ := d.guess(from(fmt.Sprintf("10.0.%d.1", i), right), 100)
		counts[n]++
	}
	if counts[5] != 4 || counts[1] != 56 {
		t.Errorf("networks by number of guesses: %v", counts)
	}
	d.signIn(from("203.0.113.9", right))
}

func TestKnownDevice(t *testing.T) {
	d := open(t)
	home := from("192.0.2.1", right)
	device := d.signIn(home).Device
	d.guess(home, 100) // a stranger behind the same router
	home.Device = device
	again := d.signIn(home)
	b := home
	b.Email = "boss@example.com"
	if n, _ := d.guess(b, 100); n != 5 {
		t.Errorf("somebody else has %d guesses on it", n)
	}
	if n, wait := d.guess(home, 100); n != 10 || wait != time.Second {
		t.Errorf("the device itself has %d guesses, then waits %s", n, wait)
	}
	d.Clock.Advance(time.Hour)
	d.signIn(home)
	last := len(device) - 20
	altered := device[:last] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, device[last:last+1]) + device[last+1:]
	stranger := from("192.0.2.1", right)
	d.guess(stranger, 100)
	for name, x := range map[string]string{"altered": altered, "cut": device[:len(device)-4], "none": "demo.srd_" + strings.Repeat("A", 86), "a session": again.Token, "another tenant's": "x" + device} {
		stranger.Device = x
		if n, _ := d.guess(stranger, 1); n != 0 {
			t.Errorf("a device that is %s counts as known", name)
		}
	}
	stranger.Device = again.Device
	d.Clock.Advance(401 * 24 * time.Hour)
	d.guess(from("192.0.2.1", right), 100)
	if n, _ := d.guess(stranger, 1); n != 0 {
		t.Error("a device is known for ever")
	}
}

// TestStrangersLockNobodyOut is the promise in product.md, row A6: whatever
// strangers do, from wherever, a person gets in at once from a device that she
// used before, and from a network that did nothing wrong.
func TestStrangersLockNobodyOut(t *testing.T) {
	d := open(t)
	home := from("192.0.2.1", right)
	home.Device = d.signIn(home).Device
	fresh := 0
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 12).Draw(t, "bursts") {
			a := from(rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.77", "198.51.100.1", "203.0.113.200", "2001:db8::1", "2001:db8:0:1::1"}).Draw(t, "from"), "guess")
			a.Email = rapid.SampledFrom([]string{"robin@example.com", "boss@example.com", "nobody@example.com", ""}).Draw(t, "email")
			a.Device = rapid.SampledFrom([]string{"", "demo.srd_" + strings.Repeat("A", 86), "x"}).Draw(t, "device")
			for range rapid.IntRange(1, 8).Draw(t, "guesses") {
				if _, err := d.SignIn(d.t.Context(), a); err == nil {
					t.Fatal("a guess opened")
				}
			}
			d.Clock.Advance(time.Duration(rapid.IntRange(0, 60_000).Draw(t, "passes")) * time.Millisecond)
		}
		if _, err := d.SignIn(d.t.Context(), home); err != nil {
			t.Fatalf("the known device is kept out: %v", err)
		}
		fresh++
		if _, err := d.SignIn(d.t.Context(), from(fmt.Sprintf("10.%d.%d.9", fresh/250, fresh%250), right)); err != nil {
			t.Fatalf("the first try from a new network is refused: %v", err)
		}
	})
}

// TestFailuresAreRecorded: each kind of failure once a minute with its number,
// and nothing that tells who was meant to those who do not know it.
func TestFailuresAreRecorded(t *testing.T) {
	d := open(t)
	a := from("192.0.2.66", right)
	d.guess(a, 100)
	for range 9 {
		d.guess(a, 1)
	}
	a.Email = "a.secret.address@example.com"
	d.guess(a, 2)
	refused := func() []*audit.Entry {
		return d.log(audit.Filter{Action: string(access.SignIn), Result: audit.Refused})
	}
	if n := len(refused()); n != 3 {
		t.Errorf("at first %d entries, want one for each of: robin's passwords, robin's waits, the other address", n)
	}
	d.Clock.Advance(time.Minute)
	d.Flush(t.Context(), false)
	sum := map[string]int64{}
	for _, e := range refused() {
		why, _, _ := strings.Cut(e.Detail.Text, ",")
		sum[fmt.Sprint(why, e.Object == d.Robin)] += e.Count
		if e.Actor != 0 || strings.Contains(fmt.Sprintf("%+v", e.Detail), "example.com") {
			t.Errorf("recorded as %+v", e)
		}
		if e.Object != 0 && e.Object != d.Robin {
			t.Errorf("about %s", e.Object)
		}
	}
	if sum["wrong passwordtrue"] != 5 || sum["too many triestrue"] != 10 || sum["wrong passwordfalse"] != 2 {
		t.Errorf("numbers: %v", sum)
	}
}

// TestCountersAreForgotten: the table does not keep what says nothing.
func TestCountersAreForgotten(t *testing.T) {
	d := open(t)
	count := func() (n int) {
		d.View(d.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from identity_try`).Scan(&n) })
		return n
	}
	for i := range 12 {
		a := from(fmt.Sprintf("10.1.%d.1", i), right)
		a.Email = fmt.Sprintf("x%d@example.com", i)
		d.guess(a, 1)
	}
	many := count()
	d.Clock.Advance(24 * time.Hour)
	for range 3 {
		d.signIn(from("192.0.2.1", right))
	}
	if n := count(); many < 36 || n > 4 {
		t.Errorf("%d counters, then %d", many, n)
	}
}

// TestOutageCostsNoTries: a password that could not be checked is not counted.
func TestOutageCostsNoTries(t *testing.T) {
	d := open(t)
	hash := ""
	d.View(d.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select hash from local_credential where user_id = ?`, int64(d.Robin)).Scan(&hash)
	})
	set := func(h string) {
		d.Change(func(tx *gate.Tx) error {
			_, err := tx.Exec(`update local_credential set hash = ? where user_id = ?`, h, int64(d.Robin))
			return err
		})
	}
	set("damaged")
	for range 10 {
		if _, err := d.SignIn(t.Context(), from("192.0.2.1", right)); !fault.Is(err, fault.Internal) {
			t.Fatalf("a damaged hash: %v", err)
		}
	}
	set(hash)
	if n, _ := d.guess(from("192.0.2.1", right), 100); n != 5 {
		t.Errorf("%d guesses are left", n)
	}
}
