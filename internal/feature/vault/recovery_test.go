package vault_test

import (
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/vault"
)

// officer is an administrator with keys.
func (h *house) officer() (*access.Caller, *hostproof.Keyset) {
	h.t.Helper()
	c := h.User(access.Administrator)
	k, lock := h.keyset(c)
	h.must(h.vaults.SaveKeyset(h.t.Context(), c, k.Statement.Marshal(), lock))
	return c, k
}

// TestRecovery: nothing is recovered unless an administrator allows it and the person
// chose it; what she chose is given up when another way is allowed; only officers of hers
// see her request, and each write is checked as a client will.
func TestRecovery(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	one, k1 := h.officer()
	two, k2 := h.officer()
	now := h.Clock.Now().UnixMilli()
	kit, _, err := h.keys.RecoverByKit(1, now)
	h.must(err)
	chosen, err := h.keys.RecoverByOfficers([]*hostproof.Statement{k1.Statement, k2.Statement}, 2, 2, now)
	h.must(err)
	forced, _, err := k1.RecoverByKit(1, now)
	h.must(err)
	enrol := func(x *hostproof.Recovery) fault.Kind { return fault.Of(h.vaults.Enrol(ctx, h.me, x.Marshal())) }
	set := func(c *access.Caller, way string, needed int, officers ...id.ID) fault.Kind {
		return fault.Of(h.vaults.SetRecovery(ctx, c, way, needed, officers))
	}
	state := func(c *access.Caller) *vault.Recovery {
		r, err := h.vaults.Recovery(ctx, c)
		h.must(err)
		return r
	}
	was := func(what string, got, want fault.Kind) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, and not %v", what, got, want)
		}
	}
	none := fault.Of(nil)
	was("a kit that is not allowed", enrol(kit), fault.Conflict)
	was("who is no administrator allows it", set(h.me, vault.RecoveryKit, 0), fault.Denied)
	was("another word", set(h.Admin(), "server", 0), fault.Invalid)
	was("one officer", set(h.Admin(), vault.RecoveryOfficers, 1, one.User), fault.Invalid)
	was("one of two", set(h.Admin(), vault.RecoveryOfficers, 1, one.User, two.User), fault.Invalid)
	was("an editor as officer", set(h.Admin(), vault.RecoveryOfficers, 2, one.User, h.me.User), fault.Invalid)
	was("kits", set(h.Admin(), vault.RecoveryKit, 0), none)
	was("a recovery that somebody else's keys signed", enrol(forced), fault.Invalid)
	was("officers where kits are allowed", enrol(chosen), fault.Conflict)
	was("a kit", enrol(kit), none)
	was("the same again", enrol(kit), none)
	was("officers", set(h.Admin(), vault.RecoveryOfficers, 2, one.User, two.User), none)
	if r := state(h.me); r.Sealed != nil || r.Number != 1 {
		t.Errorf("after another way was allowed there is %v, number %d", r.Sealed != nil, r.Number)
	}
	was("the kit again, which was given up", enrol(kit), fault.Conflict)
	was("officers now", enrol(chosen), none)

	ask, keys, lock, err := hostproof.NewAsk(chosen, passphrase, hostproof.NewKDF(), now)
	h.must(err)
	request := vault.Request{Ask: ask.Marshal(), Keys: keys.Statement.Marshal(), Lock: lock}
	was("a request in somebody else's name", fault.Of(h.vaults.Ask(ctx, one, request)), fault.NotFound)
	was("a request with other keys", fault.Of(h.vaults.Ask(ctx, h.me, vault.Request{Ask: request.Ask, Keys: h.keys.Statement.Marshal(), Lock: h.lock})), fault.Invalid)
	h.must(h.vaults.Ask(ctx, h.me, request))
	for who, n := range map[*access.Caller]int{h.me: 0, one: 1, two: 1, h.User(access.Administrator): 0} {
		if r := state(who); len(r.Asks) != n || n == 1 && r.Asks[0].Lock != nil || (r.Asked != nil) != (who == h.me) {
			t.Errorf("%s is shown %d requests", who.Name, len(r.Asks))
		}
	}
	answer, err := k1.Answer(chosen, h.keys.Statement, ask, keys.Statement, now)
	h.must(err)
	was("somebody else's answer", fault.Of(h.vaults.Answer(ctx, two, h.me.User, answer.Marshal())), fault.Invalid)
	was("who is no officer", fault.Of(h.vaults.Answer(ctx, h.me, h.me.User, answer.Marshal())), fault.NotFound)
	h.must(h.vaults.Answer(ctx, one, h.me.User, answer.Marshal()))
	if r := state(two); len(r.Asks) != 1 || len(r.Asks[0].Answers) != 0 {
		t.Error("an officer is shown another one's answer")
	}
	if r := state(h.me); len(r.Asked.Answers) != 1 {
		t.Error("who asks is not shown the answer")
	}
	told := func(c *access.Caller) (n int) {
		h.View(c, func(tx *gate.Tx) (err error) { n, err = notification.Unread(tx); return err })
		return n
	}
	if told(one) != 1 || told(h.me) != 2 {
		t.Errorf("an officer is told %d times, and who asks %d times", told(one), told(h.me))
	}
	h.Clock.Advance(hostproof.AskLasts + time.Minute)
	if r := state(one); len(r.Asks) != 0 {
		t.Error("an old request is shown")
	}
	h.must(h.vaults.GiveUp(ctx, h.me))
	was("a request without a recovery", fault.Of(h.vaults.Ask(ctx, h.me, request)), fault.NotFound)
}
