package vaultapi

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/wordlist"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

// Recovery is what concerns the key's owner: verified, and compared with what this
// computer remembers.
type Recovery struct {
	Way      string // what her administrators allow: vault.RecoveryNone, Kit or Officers
	Needed   int    // of how many officers at least
	Officers []Officer
	Chosen   *hostproof.Recovery // what she chose; nil for nothing
	Asking   []string            // the words of her own open request
	Answered []int64             // officers who answered it
	Asks     []Asking            // of others, for her as their officer

	number uint32
	raw    *vault.Recovery
	owner  *hostproof.Statement
}

// Officer is somebody who may be given a share.
type Officer struct {
	User  int64
	Name  string // as the server says
	Keys  bool   // there are any
	Known bool   // and they were compared on this computer

	statement *hostproof.Statement
}

// Asking is somebody who asks for a share.
type Asking struct {
	User int64
	Name string
	Done bool // it was answered

	raw vault.Asked
}

// Locked finds out who the key's owner is without opening her keys, which may be what
// she cannot do. It verifies as Unlock does.
func (c *Client) Locked(ctx context.Context) error {
	st, s, err := c.known(ctx)
	if err != nil {
		return err
	}
	c.state, c.statement = st, s
	return c.listed(ctx, s)
}

// me is the statement of the key's owner.
func (c *Client) me() *hostproof.Statement {
	if c.keys != nil {
		return c.keys.Statement
	}
	return c.statement
}

// Recovery asks how the key's owner can recover her keys, and who asks her.
func (c *Client) Recovery(ctx context.Context) (*Recovery, error) {
	var got vault.Recovery
	if err := c.call(ctx, "recovery", nil, &got); err != nil {
		return nil, err
	}
	me := c.me()
	out := &Recovery{Way: got.Policy.Way, Needed: got.Policy.Needed, number: got.Number, raw: &got, owner: me}
	if got.Sealed != nil {
		x, err := hostproof.ParseRecovery(got.Sealed)
		if err != nil {
			return nil, err
		}
		if err := x.Verify(me); err != nil {
			return nil, err
		}
		if err := c.Memory.recovery(got.Number, x); err != nil {
			return nil, err
		}
		if err := c.Memory.keepRecovery(x); err != nil {
			return nil, err
		}
		out.Chosen = x
	}
	for _, p := range got.Policy.Officers {
		if int64(p.User) == me.User {
			continue
		}
		o, err := c.officer(p)
		if err != nil {
			return nil, err
		}
		out.Officers = append(out.Officers, o)
	}
	for _, a := range got.Asks {
		out.Asks = append(out.Asks, Asking{User: int64(a.User), Name: a.Name, Done: len(a.Answers) > 0, raw: a})
	}
	return out, c.asking(out)
}

// officer verifies the keys of somebody who may be given a share.
func (c *Client) officer(p vault.Person) (o Officer, err error) {
	o = Officer{User: int64(p.User), Name: p.Name}
	if p.Statement == nil {
		return o, nil
	}
	if o.statement, err = hostproof.ParseStatement(p.Statement); err != nil {
		return o, err
	}
	if err := o.statement.Verify(c.me().Tenant, o.User); err != nil {
		return o, err
	}
	o.Keys = true
	before, err := hostproof.ParseStatements(p.Before)
	if err != nil {
		return o, err
	}
	o.Known, err = c.Memory.knows(o.statement, before)
	return o, err
}

// asking reads the owner's own request.
func (c *Client) asking(out *Recovery) error {
	if out.raw.Asked == nil || out.Chosen == nil {
		return nil
	}
	a, keys, err := parseAsked(*out.raw.Asked)
	if err != nil || a.Ended(c.now()) {
		return err
	}
	if err := a.Verify(out.Chosen, keys, c.now()); err != nil {
		return err
	}
	out.Asking = wordlist.Encode(keys.Fingerprint())
	for _, n := range out.raw.Asked.Answers {
		out.Answered = append(out.Answered, int64(n.User))
	}
	return nil
}

func parseAsked(raw vault.Asked) (*hostproof.Ask, *hostproof.Statement, error) {
	a, err := hostproof.ParseAsk(raw.Ask)
	if err != nil {
		return nil, nil, err
	}
	keys, err := hostproof.ParseStatement(raw.Keys)
	return a, keys, err
}

// MeetOfficer takes the keys of an officer for hers when the words are those of the very
// keys that the server showed. Denied when they are not.
func (c *Client) MeetOfficer(ctx context.Context, r *Recovery, user int64, words string) error {
	fp, err := wordlist.Decode(words)
	if err != nil {
		return err
	}
	for _, o := range r.Officers {
		if o.User != user || !o.Keys {
			continue
		}
		if fp != o.statement.Fingerprint() {
			return lied("These are not the words of the keys that the server shows for this person.")
		}
		if err := c.listed(ctx, o.statement); err != nil {
			return err
		}
		return c.Memory.meet(o.statement)
	}
	return fault.New(fault.NotFound, "User %d is no officer with keys.", user).WithHint("See: strongroom vault recovery")
}

// ChooseKit makes a recovery of the unlocked keys by a printed code, and gives the code.
func (c *Client) ChooseKit(ctx context.Context, r *Recovery) (hostproof.Code, error) {
	x, code, err := c.keys.RecoverByKit(c.nextRecovery(r), c.now())
	if err != nil {
		return code, err
	}
	return code, c.choose(ctx, x)
}

// ChooseOfficers gives every officer a share of the unlocked keys. Denied as long as the
// keys of one of them were not compared.
func (c *Client) ChooseOfficers(ctx context.Context, r *Recovery) error {
	var list []*hostproof.Statement
	for _, o := range r.Officers {
		if !o.Keys {
			continue
		}
		if !o.Known {
			return fault.New(fault.Denied, "The keys of %s (%d) were not compared yet.", o.Name, o.User).
				WithHint("Ask for the twelve words by telephone or in person, then: strongroom vault recovery meet %d WORDS", o.User)
		}
		if err := c.listed(ctx, o.statement); err != nil {
			return err
		}
		list = append(list, o.statement)
	}
	if len(list) < r.Needed || r.Needed == 0 {
		return fault.New(fault.Invalid, "%d officers have keys, and %d are needed.", len(list), r.Needed).WithHint("The others open the page Vault once.")
	}
	x, err := c.keys.RecoverByOfficers(list, r.Needed, c.nextRecovery(r), c.now())
	if err != nil {
		return err
	}
	return c.choose(ctx, x)
}

func (c *Client) nextRecovery(r *Recovery) uint32 {
	n := r.number
	if known := c.Memory.Recovery; known != nil {
		n = max(n, uint32(known.Number))
	}
	return n + 1
}

func (c *Client) choose(ctx context.Context, x *hostproof.Recovery) error {
	if err := c.call(ctx, "recovery", Chosen{x.Marshal()}, nil); err != nil {
		return err
	}
	return c.Memory.keepRecovery(x)
}

// GiveUpRecovery removes what was chosen.
func (c *Client) GiveUpRecovery(ctx context.Context) error {
	return c.call(ctx, "recovery/none", struct{}{}, nil)
}

// RecoverByKit opens the keys with the code of the kit and gives them a new passphrase.
func (c *Client) RecoverByKit(ctx context.Context, r *Recovery, code, passphrase string) error {
	if r.Chosen == nil {
		return noRecovery()
	}
	parsed, err := hostproof.ParseCode(code)
	if err != nil {
		return err
	}
	k, lock, err := r.Chosen.Recover(r.owner, parsed, passphrase, hostproof.NewKDF(), c.now())
	if err != nil {
		return err
	}
	return c.recovered(ctx, k, lock)
}

func noRecovery() error {
	return fault.New(fault.NotFound, "No recovery was chosen with these keys.").WithHint("Without the passphrase nobody opens them.")
}

// recovered keeps keys under their new passphrase.
func (c *Client) recovered(ctx context.Context, k *hostproof.Keyset, lock []byte) error {
	if err := c.call(ctx, "keyset", Keyset{k.Statement.Marshal(), lock}, nil); err != nil {
		return err
	}
	return c.opened(k, c.state)
}

// AskOfficers asks for their shares. It gives the words that they compare. The
// passphrase is the one that the keys will have.
func (c *Client) AskOfficers(ctx context.Context, r *Recovery, passphrase string) ([]string, error) {
	if r.Chosen == nil {
		return nil, noRecovery()
	}
	a, keys, lock, err := hostproof.NewAsk(r.Chosen, passphrase, hostproof.NewKDF(), c.now())
	if err != nil {
		return nil, err
	}
	return wordlist.Encode(keys.Statement.Fingerprint()), c.call(ctx, "ask", vault.Request{Ask: a.Marshal(), Keys: keys.Statement.Marshal(), Lock: lock}, nil)
}

// WithdrawAsk withdraws the owner's own request.
func (c *Client) WithdrawAsk(ctx context.Context) error {
	return c.call(ctx, "ask/none", struct{}{}, nil)
}

// AnswerAsk gives somebody the share that she gave to the owner of the unlocked keys, if
// the words are those of the very keys that ask. Denied when they are not.
func (c *Client) AnswerAsk(ctx context.Context, r *Recovery, user int64, words string) error {
	fp, err := wordlist.Decode(words)
	if err != nil {
		return err
	}
	for _, p := range r.Asks {
		if p.User != user {
			continue
		}
		a, keys, err := parseAsked(p.raw)
		if err != nil {
			return err
		}
		if fp != keys.Fingerprint() {
			return lied("These are not the words of the request that the server shows.")
		}
		owner, err := hostproof.ParseStatement(p.raw.Statement)
		if err != nil {
			return err
		}
		if err := owner.Verify(c.me().Tenant, user); err != nil {
			return err
		}
		before, err := hostproof.ParseStatements(p.raw.Before)
		if err != nil {
			return err
		}
		if _, err := c.Memory.knows(owner, before); err != nil {
			return err
		}
		if err := c.listed(ctx, owner); err != nil {
			return err
		}
		x, err := hostproof.ParseRecovery(p.raw.Recovery)
		if err != nil {
			return err
		}
		n, err := c.keys.Answer(x, owner, a, keys, c.now())
		if err != nil {
			return err
		}
		return c.call(ctx, "people/"+id.ID(user).String()+"/answer", Answered{n.Marshal()}, nil)
	}
	return fault.New(fault.NotFound, "User %d does not ask for a share of yours.", user).WithHint("See: strongroom vault recovery")
}

// FinishRecovery opens the keys with the answers of the officers, under the passphrase of
// the request.
func (c *Client) FinishRecovery(ctx context.Context, r *Recovery, passphrase string) error {
	raw := r.raw.Asked
	if r.Chosen == nil || raw == nil {
		return fault.New(fault.NotFound, "You did not ask for your keys.").WithHint("Ask first: strongroom vault recovery ask")
	}
	a, keys, err := parseAsked(*raw)
	if err != nil {
		return err
	}
	asked, err := hostproof.Unlock(r.owner.Tenant, r.owner.User, keys, raw.Lock, passphrase)
	if err != nil {
		return err
	}
	var list []hostproof.Answered
	for _, got := range raw.Answers {
		n, err := hostproof.ParseAnswer(got.Sealed)
		if err != nil {
			return err
		}
		by, err := hostproof.ParseStatement(got.Statement)
		if err != nil {
			return err
		}
		list = append(list, hostproof.Answered{Answer: n, Officer: by})
	}
	k, lock, err := r.Chosen.Finish(r.owner, a, asked, list, passphrase, hostproof.NewKDF(), c.now())
	if err != nil {
		return err
	}
	return c.recovered(ctx, k, lock)
}
