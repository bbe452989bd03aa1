package hostproof_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
)

const next = "another sentence of words"

// bare is somebody whose keys have no lock.
func bare(t testing.TB, user int64) *person {
	t.Helper()
	k, err := hostproof.BareKeys(tenant, user, now)
	must(t, err)
	return &person{Keyset: k}
}

// quorum is somebody who forgets her passphrase, and her officers.
type quorum struct {
	me       *person
	officers []*person
	chosen   *hostproof.Recovery
}

func newQuorum(t *testing.T) *quorum {
	t.Helper()
	q := &quorum{me: bare(t, ines), officers: []*person{bare(t, 51), bare(t, 52), bare(t, 53)}}
	var err error
	q.chosen, err = q.me.RecoverByOfficers(statements(q.officers), 2, 1, now)
	must(t, err)
	q.chosen, err = hostproof.ParseRecovery(q.chosen.Marshal())
	must(t, err)
	return q
}

func statements(list []*person) (out []*hostproof.Statement) {
	for _, p := range list {
		out = append(out, p.Statement)
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (q *quorum) answer(t *testing.T, i int, a *hostproof.Ask, keys *hostproof.Statement) hostproof.Answered {
	t.Helper()
	n, err := q.officers[i].Answer(q.chosen, q.me.Statement, a, keys, now)
	must(t, err)
	n, err = hostproof.ParseAnswer(n.Marshal())
	must(t, err)
	return hostproof.Answered{Answer: n, Officer: q.officers[i].Statement}
}

// changed gives bytes with one of them altered, counted from the end below 0.
func changed(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x04
	return b
}

func wants(t *testing.T, name string, err error, want string) {
	t.Helper()
	if !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("%s: it says %v, and not %q", name, err, want)
	}
}

// TestOfficers: enough officers give somebody her keys back, and a hostile server, or one
// officer alone, gets nowhere.
func TestOfficers(t *testing.T) {
	q := newQuorum(t)
	a, asked, err := hostproof.BareAsk(q.chosen, now)
	must(t, err)
	a, err = hostproof.ParseAsk(a.Marshal())
	must(t, err)
	one, three := q.answer(t, 0, a, asked.Statement), q.answer(t, 2, a, asked.Statement)
	finish := func(list ...hostproof.Answered) error {
		_, _, err := q.chosen.Finish(q.me.Statement, a, asked, list, next, hostproof.NewKDF(), now)
		return err
	}
	wants(t, "fewer than are needed", finish(one), "1 of the 2 officers")
	wants(t, "one officer twice", finish(one, one), "1 of the 2 officers")

	t.Run("a server that alters", func(t *testing.T) { q.altered(t, a, asked, one) })
	t.Run("a server that exchanges keys", func(t *testing.T) { q.exchanged(t, a, asked, one) })
	t.Run("a server that plays again", func(t *testing.T) { q.again(t, a, asked, one, three) })

	k, newLock, err := q.chosen.Finish(q.me.Statement, a, asked, []hostproof.Answered{one, three}, next, hostproof.NewKDF(), now)
	must(t, err)
	must(t, k.Statement.Follows(q.me.Statement))
	if k.Statement.Fingerprint() != q.me.Statement.Fingerprint() {
		t.Error("other keys were recovered")
	}
	_, err = hostproof.Unlock(tenant, ines, k.Statement, newLock, next)
	must(t, err)
}

func (q *quorum) altered(t *testing.T, a *hostproof.Ask, asked *hostproof.Keyset, one hostproof.Answered) {
	whole := q.chosen.Marshal()
	for name, at := range map[string]int{"fewer needed": 4 + 2 + 2 + 10 + 8 + 4 + 4 + 16 + 8 + 1 + 32, "the time": 4 + 2 + 2 + 10 + 8 + 4 + 4 + 16 + 3, "a share": -100, "the keys": -84 - 3*1213 - 20} {
		b := changed(whole, at)
		if name == "fewer needed" {
			b[at] = 3 // of 2
		}
		x, err := hostproof.ParseRecovery(b)
		must(t, err)
		wants(t, name, x.Verify(q.me.Statement), "not chosen with the keys of this person")
		_, err = q.officers[0].Answer(x, q.me.Statement, a, asked.Statement, now)
		wants(t, name+", asked of an officer", err, "not chosen with the keys")
	}
	n, err := hostproof.ParseAnswer(changed(one.Answer.Marshal(), -90))
	must(t, err)
	wants(t, "an altered answer", n.Verify(q.chosen, a, one.Officer), "did not sign")
	other, err := q.me.RecoverByOfficers(statements(q.officers), 2, 1, now)
	must(t, err)
	_, err = q.officers[0].Answer(other, q.me.Statement, a, asked.Statement, now)
	wants(t, "a request for another recovery", err, "another recovery")
	// An officer who sends another share than the one she was given, and signs it.
	n, err = q.officers[2].BareAnswer(a, 3, asked.Statement, make([]byte, 32), now)
	must(t, err)
	_, _, err = q.chosen.Finish(q.me.Statement, a, asked, []hostproof.Answered{one, {Answer: n, Officer: q.officers[2].Statement}}, next, hostproof.NewKDF(), now)
	wants(t, "another share", err, "The share of officer 53 is another one")
}

func (q *quorum) exchanged(t *testing.T, a *hostproof.Ask, asked *hostproof.Keyset, one hostproof.Answered) {
	mallory := bare(t, ines)
	_, err := q.officers[0].Answer(q.chosen, mallory.Statement, a, asked.Statement, now)
	wants(t, "another owner", err, "not chosen with the keys")
	_, err = q.officers[0].Answer(q.chosen, q.me.Statement, a, mallory.Statement, now)
	wants(t, "other keys that ask", err, "other keys than those that made it")
	// A request that the server made has words of its own: nothing but the words tells.
	forged, theirs, err := hostproof.BareAsk(q.chosen, now)
	must(t, err)
	if forged.Verify(q.chosen, theirs.Statement, now) != nil || theirs.Statement.Fingerprint() == asked.Statement.Fingerprint() {
		t.Error("a request of the server's has the words of hers, or is not one")
	}
	// Chosen for her, by whoever has other keys than hers.
	x, err := mallory.RecoverByOfficers(statements(q.officers), 2, 2, now)
	must(t, err)
	wants(t, "a recovery chosen for her", x.Verify(q.me.Statement), "not chosen with the keys of this person")
	x, _, err = mallory.RecoverByKit(2, now)
	must(t, err)
	wants(t, "a kit made for her", x.Verify(q.me.Statement), "not chosen with the keys of this person")
	// Officers' keys.
	imposter := bare(t, 51)
	wants(t, "other keys of an officer", one.Answer.Verify(q.chosen, a, imposter.Statement), "other keys of an officer")
	_, err = imposter.Answer(q.chosen, q.me.Statement, a, asked.Statement, now)
	wants(t, "who has other keys", err, "do not open your share")
	_, err = mallory.Answer(q.chosen, q.me.Statement, a, asked.Statement, now)
	wants(t, "who is no officer", err, "no share of these keys")
	_, err = q.me.RecoverByOfficers([]*hostproof.Statement{q.officers[0].Statement, q.officers[0].Statement}, 2, 1, now)
	wants(t, "one officer for two", err, "officers")
	_, err = q.me.RecoverByOfficers(statements(q.officers), 1, 1, now)
	wants(t, "one officer alone", err, "At least 2")
	_, err = q.me.RecoverByOfficers(append(statements(q.officers), q.me.Statement), 2, 1, now)
	wants(t, "oneself", err, "all others than you")
}

func (q *quorum) again(t *testing.T, a *hostproof.Ask, asked *hostproof.Keyset, one, three hostproof.Answered) {
	late := now + hostproof.AskLasts.Milliseconds() + 1
	_, err := q.officers[1].Answer(q.chosen, q.me.Statement, a, asked.Statement, late)
	if !fault.Is(err, fault.Denied) {
		t.Errorf("a request of %v ago: %v", time.Duration(late-now)*time.Millisecond, err)
	}
	// An earlier request's answers do not count for a later one.
	b, keys, err := hostproof.BareAsk(q.chosen, now)
	must(t, err)
	_, _, err = q.chosen.Finish(q.me.Statement, b, keys, []hostproof.Answered{one, three}, next, hostproof.NewKDF(), now)
	wants(t, "answers to an earlier request", err, "another request")
	// An earlier choice of officers is not the present one.
	later, err := q.me.RecoverByOfficers(statements(q.officers), 3, 2, now)
	must(t, err)
	wants(t, "a request for an earlier choice", a.Verify(later, asked.Statement, now), "another recovery")
	wants(t, "an answer for an earlier choice", one.Answer.Verify(later, b, one.Officer), "another request")
}

// TestKit: the printed code gives somebody her keys back; another one, or that of an
// earlier kit, does not.
func TestKit(t *testing.T) {
	me := bare(t, ines)
	old, oldCode, err := me.RecoverByKit(1, now)
	must(t, err)
	x, code, err := me.RecoverByKit(2, now)
	must(t, err)
	x, err = hostproof.ParseRecovery(x.Marshal())
	must(t, err)
	text := code.Text()
	if len(strings.Split(text, "-")) != 8 || strings.Contains(fmt.Sprintf("%v %+v", code, x), text) {
		t.Errorf("the code is %s", text)
	}
	for _, s := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, "-", " "), strings.NewReplacer("0", "O", "1", "l", "-", "").Replace(text)} {
		if c, err := hostproof.ParseCode(s); err != nil || c != code {
			t.Errorf("%q is read as another code: %v", s, err)
		}
	}
	swapped := []byte(text)
	swapped[0] = map[bool]byte{true: 'A', false: 'B'}[text[0] != 'A']
	for _, s := range []string{string(swapped), text[:30], "", text + "0", strings.Replace(text, text[:1], "U", 1)} {
		if _, err := hostproof.ParseCode(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is read: %v", s, err)
		}
	}
	kdf := hostproof.NewKDF()
	_, _, err = x.Recover(me.Statement, oldCode, next, kdf, now)
	wants(t, "the code of an earlier kit", err, "does not open the keys")
	_, _, err = old.Recover(me.Statement, code, next, kdf, now)
	wants(t, "an earlier kit that the server shows", err, "does not open the keys")
	_, _, err = x.Recover(bare(t, ines).Statement, code, next, kdf, now)
	wants(t, "other keys", err, "not chosen with the keys")
	_, _, err = x.Recover(me.Statement, code, "short", kdf, now)
	wants(t, "a short passphrase", err, "at least 14")
	kdf.Iterations--
	_, _, err = x.Recover(me.Statement, code, next, kdf, now)
	wants(t, "a weaker derivation", err, "are accepted")
	k, _, err := x.Recover(me.Statement, code, next, hostproof.NewKDF(), now)
	must(t, err)
	must(t, k.Statement.Follows(me.Statement))
	must(t, x.Verify(k.Statement)) // the kit outlives a passphrase
}

// FuzzRecovery: what is read is written the same.
func FuzzRecovery(f *testing.F) {
	for _, name := range []string{"go", "browser"} {
		v, err := readRecovery(name)
		if err != nil {
			continue
		}
		for _, s := range append([]string{v.Kit, v.Chosen, v.Ask}, v.Answers...) {
			b, _ := hex.DecodeString(s)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := hostproof.ParseRecovery(b); err == nil && string(x.Marshal()) != string(b) {
			t.Error("a recovery has two forms")
		}
		if x, err := hostproof.ParseAsk(b); err == nil && string(x.Marshal()) != string(b) {
			t.Error("a request has two forms")
		}
		if x, err := hostproof.ParseAnswer(b); err == nil && string(x.Marshal()) != string(b) {
			t.Error("an answer has two forms")
		}
	})
}

// recoveryVector is a recovery of each way, in hex: what a server has of them.
type recoveryVector struct {
	Made       string   `json:"made_by"`
	Tenant     string   `json:"tenant"`
	User       int64    `json:"user"`
	Time       int64    `json:"time"`
	Statement  string   `json:"statement"`
	Kit        string   `json:"kit"`
	Code       string   `json:"code"`
	Chosen     string   `json:"officers"` // the recovery by officers
	Ask        string   `json:"ask"`
	Keys       string   `json:"ask_keys"` // the statement of the keys that ask
	Lock       string   `json:"ask_lock"`
	Passphrase string   `json:"ask_passphrase"`
	Answers    []string `json:"answers"`
	By         []string `json:"answered_by"` // statements of the officers
}

func readRecovery(name string) (v recoveryVector, err error) {
	b, err := os.ReadFile(filepath.Join("testdata", "recovery", name+".json"))
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	return v, err
}

// TestRecoveryVectors recovers what either implementation made.
func TestRecoveryVectors(t *testing.T) {
	if *newVectors {
		writeRecovery(t)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "recovery", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no vectors: %v", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		t.Run(name, func(t *testing.T) {
			v, err := readRecovery(name)
			must(t, err)
			v.check(t)
		})
	}
}

func (v *recoveryVector) check(t *testing.T) {
	raw := func(s string) []byte { b, err := hex.DecodeString(s); must(t, err); return b }
	s, err := hostproof.ParseStatement(raw(v.Statement))
	must(t, err)
	kit, err := hostproof.ParseRecovery(raw(v.Kit))
	must(t, err)
	code, err := hostproof.ParseCode(v.Code)
	must(t, err)
	_, _, err = kit.Recover(s, code, next, hostproof.NewKDF(), v.Time)
	must(t, err)
	x, err := hostproof.ParseRecovery(raw(v.Chosen))
	must(t, err)
	a, err := hostproof.ParseAsk(raw(v.Ask))
	must(t, err)
	keys, err := hostproof.ParseStatement(raw(v.Keys))
	must(t, err)
	asked, err := hostproof.Unlock(v.Tenant, v.User, keys, raw(v.Lock), v.Passphrase)
	must(t, err)
	var list []hostproof.Answered
	for i, b := range v.Answers {
		n, err := hostproof.ParseAnswer(raw(b))
		must(t, err)
		by, err := hostproof.ParseStatement(raw(v.By[i]))
		must(t, err)
		list = append(list, hostproof.Answered{Answer: n, Officer: by})
	}
	_, _, err = x.Finish(s, a, asked, list, v.Passphrase, hostproof.NewKDF(), v.Time)
	must(t, err)
}

func writeRecovery(t *testing.T) {
	q := newQuorum(t)
	kit, code, err := q.me.RecoverByKit(2, now)
	must(t, err)
	a, asked, lock, err := hostproof.NewAsk(q.chosen, next, hostproof.NewKDF(), now)
	must(t, err)
	text := hex.EncodeToString
	v := recoveryVector{"Go", tenant, ines, now, text(q.me.Statement.Marshal()), text(kit.Marshal()), code.Text(), text(q.chosen.Marshal()), text(a.Marshal()), text(asked.Statement.Marshal()), text(lock), next, nil, nil}
	for i := range 2 {
		n := q.answer(t, i+1, a, asked.Statement)
		v.Answers, v.By = append(v.Answers, text(n.Answer.Marshal())), append(v.By, text(n.Officer.Marshal()))
	}
	b, err := json.MarshalIndent(v, "", "\t")
	must(t, err)
	must(t, os.WriteFile(filepath.Join("testdata", "recovery", "go.json"), append(b, '\n'), 0o600))
}
