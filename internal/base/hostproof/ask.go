package hostproof

import (
	"crypto/sha256"
	"slices"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/shamir"
)

const (
	askMagic    = "SRA1"
	answerMagic = "SRO1"
)

// AskLasts is for how long officers answer.
const AskLasts = 14 * 24 * time.Hour

// Ask is how somebody who forgot her passphrase asks officers for their shares: with
// keys made for this one purpose, whose words she tells them by telephone or in person.
// The private ones are under the passphrase that she will have from then on.
type Ask struct {
	Tenant   string
	User     int64
	Recovery [32]byte // Hash of what is to be opened
	Keys     [32]byte // Hash of the statement of the keys that ask
	Time     int64    // Unix milliseconds

	body      []byte
	signature envelope.Signature
}

// NewAsk asks for the shares of a recovery. It gives the keys that ask and their lock,
// which the passphrase opens.
func NewAsk(x *Recovery, passphrase string, kdf KDF, now int64) (*Ask, *Keyset, []byte, error) {
	if x.Way != ByOfficers {
		return nil, nil, nil, fault.New(fault.Invalid, "These keys are recovered by a printed code, and not by officers.")
	}
	k, lock, err := NewKeyset(x.Tenant, x.User, passphrase, kdf, now)
	if err != nil {
		return nil, nil, nil, err
	}
	a, err := k.ask(x, now)
	return a, k, lock, err
}

func (k *Keyset) ask(x *Recovery, now int64) (a *Ask, err error) {
	a = &Ask{Tenant: x.Tenant, User: x.User, Recovery: x.Hash(), Keys: k.Statement.Hash(), Time: now}
	var w writer
	w.u16(formatVersion)
	w.text(a.Tenant)
	w.i64(a.User)
	w.raw(a.Recovery[:])
	w.raw(a.Keys[:])
	w.i64(a.Time)
	a.body = w.b
	a.signature, err = k.signer.Sign(a.message())
	return a, err
}

// ParseAsk reads what was stored and accepts only its one form. Nothing of it has been
// verified.
func ParseAsk(b []byte) (*Ask, error) {
	r := reader{b: b}
	a := &Ask{body: r.framed(askMagic)}
	a.signature = r.signature()
	in := reader{b: a.body}
	version := in.u16()
	a.Tenant, a.User = in.text(), in.i64()
	in.into(a.Recovery[:])
	in.into(a.Keys[:])
	a.Time = in.i64()
	if !r.done() || !in.done() || version != formatVersion || a.Tenant == "" || a.User == 0 {
		return nil, malformed("request for a recovery")
	}
	return a, nil
}

func (a *Ask) message() []byte { return joined([]byte("strongroom/recovery/ask/1"), a.body) }

// Marshal gives the stored form.
func (a *Ask) Marshal() []byte {
	w := writer{b: framed(askMagic, a.body)}
	w.signature(a.signature)
	return w.b
}

// Hash is SHA-256 over the length-prefixed parts "strongroom/recovery/ask/hash/1" and
// the body: what an answer is for.
func (a *Ask) Hash() [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/recovery/ask/hash/1"), a.body))
}

// Verify checks that a request is for a recovery and made with the keys of a statement.
// Whose they are is known from their words alone. Denied when it is older than AskLasts.
func (a *Ask) Verify(x *Recovery, keys *Statement, now int64) error {
	switch {
	case a.Tenant != x.Tenant || a.User != x.User || a.Recovery != x.Hash() || x.Way != ByOfficers:
		return alarm("The server sent a request for another recovery than the one that the person chose last.")
	case a.Keys != keys.Hash() || !verified(a.signature, keys.Signing, a.message()):
		return alarm("The server sent a request with other keys than those that made it.")
	case a.Ended(now):
		return fault.New(fault.Denied, "This request for a recovery is older than %d days.", int(AskLasts.Hours())/24).WithHint("Who needs it asks again.")
	}
	return keys.Verify(x.Tenant, x.User)
}

// Ended tells whether a request is older than AskLasts. now is in Unix milliseconds.
func (a *Ask) Ended(now int64) bool { return now-a.Time > AskLasts.Milliseconds() }

// Answer is an officer's share, opened and sealed again to the keys of one request.
type Answer struct {
	Tenant  string
	User    int64    // who asked
	Ask     [32]byte // Hash of the request
	Officer int64
	Place   int   // of the share, from 1
	Time    int64 // Unix milliseconds

	body, wrapped []byte
	signature     envelope.Signature
}

// Answer opens the officer's share of a recovery and seals it to the keys of a request.
// owner is the statement of the person whose recovery it is, keys the one of the keys
// that ask, whose words were compared with the person herself.
func (k *Keyset) Answer(x *Recovery, owner *Statement, a *Ask, keys *Statement, now int64) (*Answer, error) {
	if err := x.Verify(owner); err != nil {
		return nil, err
	}
	if err := a.Verify(x, keys, now); err != nil {
		return nil, err
	}
	me := k.Statement
	i := slices.IndexFunc(x.Officers, func(o Officer) bool { return o.User == me.User })
	if i < 0 {
		return nil, fault.New(fault.Denied, "You have no share of these keys.")
	}
	o := x.Officers[i]
	share, err := envelope.Unwrap(k.private, envelope.Recipient{Type: hybridType, KeyID: o.Key, Generation: o.Generation, Wrapped: o.wrapped}, shareHeader(x.body, i+1))
	if err != nil {
		return nil, fault.New(fault.Denied, "Your keys do not open your share: it was given to other keys.").WithHint("If you changed your keys since, this share is lost, and another officer is needed.")
	}
	defer clear(share)
	if shareCommitment(i+1, share) != o.Commitment {
		return nil, alarm("Your share is another one than the person stated.")
	}
	return k.reply(a, i+1, keys, share, now)
}

// reply seals a share to the keys of a request.
func (k *Keyset) reply(a *Ask, place int, keys *Statement, share []byte, now int64) (*Answer, error) {
	out := &Answer{Tenant: a.Tenant, User: a.User, Ask: a.Hash(), Officer: k.Statement.User, Place: place, Time: now}
	var w writer
	w.u16(formatVersion)
	w.text(out.Tenant)
	w.i64(out.User)
	w.raw(out.Ask[:])
	w.i64(out.Officer)
	w.u8(uint8(out.Place))
	w.i64(out.Time)
	out.body = w.b
	to, err := keys.Encryption.Wrap(out.header(), share)
	if err != nil {
		return nil, err
	}
	out.wrapped = to.Wrapped
	out.signature, err = k.signer.Sign(out.message())
	return out, err
}

// ParseAnswer reads what was stored and accepts only its one form. Nothing of it has
// been verified.
func ParseAnswer(b []byte) (*Answer, error) {
	r := reader{b: b}
	n := &Answer{body: r.framed(answerMagic)}
	n.wrapped = r.take(wrappedSize)
	n.signature = r.signature()
	in := reader{b: n.body}
	version := in.u16()
	n.Tenant, n.User = in.text(), in.i64()
	in.into(n.Ask[:])
	n.Officer, n.Place, n.Time = in.i64(), int(in.u8()), in.i64()
	if !r.done() || !in.done() || version != formatVersion || n.Tenant == "" || n.User == 0 || n.Officer == 0 || n.Place == 0 {
		return nil, malformed("answer to a request for a recovery")
	}
	return n, nil
}

func (n *Answer) header() []byte {
	return joined([]byte("strongroom/recovery/answer/wrap/1"), n.body)
}

func (n *Answer) message() []byte {
	sum := sha256.Sum256(n.wrapped)
	return joined([]byte("strongroom/recovery/answer/1"), n.body, sum[:])
}

// Marshal gives the stored form.
func (n *Answer) Marshal() []byte {
	w := writer{b: framed(answerMagic, n.body)}
	w.raw(n.wrapped)
	w.signature(n.signature)
	return w.b
}

// Verify checks that an answer is of one of the officers of a recovery, to one request,
// and signed with the keys that the share was given to.
func (n *Answer) Verify(x *Recovery, a *Ask, officer *Statement) error {
	if n.Tenant != x.Tenant || n.User != x.User || n.Ask != a.Hash() {
		return alarm("The server sent an answer to another request.")
	}
	if n.Place > len(x.Officers) || x.Officers[n.Place-1].User != n.Officer || n.Officer != officer.User || x.Tenant != officer.Tenant || x.Officers[n.Place-1].Fingerprint != officer.Fingerprint() {
		return alarm("The server shows other keys of an officer than those that were given the share.")
	}
	if !verified(n.signature, officer.Signing, n.message()) {
		return alarm("The server sent an answer that the officer did not sign.")
	}
	return nil
}

// share opens an answer with the keys that asked.
func (n *Answer) share(k *Keyset, x *Recovery) ([]byte, error) {
	to := k.Statement.Encryption
	y, err := envelope.Unwrap(k.private, envelope.Recipient{Type: hybridType, KeyID: to.ID, Generation: to.Generation, Wrapped: n.wrapped}, n.header())
	if err != nil {
		return nil, alarm("The server sent an answer that does not open with the keys that asked.")
	}
	if shareCommitment(n.Place, y) != x.Officers[n.Place-1].Commitment {
		clear(y)
		return nil, alarm("The share of officer %d is another one than the one given to this officer.", n.Officer)
	}
	return y, nil
}

// Answered is an answer with the statement of the officer as the server shows it.
type Answered struct {
	Answer  *Answer
	Officer *Statement
}

// Finish opens the keys of a verified statement with the answers of enough officers, and
// states the passphrase of the request for them. asked are the keys of the request. It
// gives the keys and their lock.
func (x *Recovery) Finish(s *Statement, a *Ask, asked *Keyset, answers []Answered, passphrase string, kdf KDF, now int64) (*Keyset, []byte, error) {
	if err := x.Verify(s); err != nil {
		return nil, nil, err
	}
	if err := a.Verify(x, asked.Statement, now); err != nil {
		return nil, nil, err
	}
	shares := map[byte][]byte{}
	for _, n := range answers {
		if err := n.Answer.Verify(x, a, n.Officer); err != nil {
			return nil, nil, err
		}
		y, err := n.Answer.share(asked, x)
		if err != nil {
			return nil, nil, err
		}
		defer clear(y)
		shares[byte(n.Answer.Place)] = y
	}
	if len(shares) < x.Needed {
		return nil, nil, fault.New(fault.Conflict, "%d of the %d officers who are needed have answered.", len(shares), x.Needed).WithHint("Tell the others the words of your request.")
	}
	secret, err := shamir.Combine(shares)
	if err != nil {
		return nil, nil, err
	}
	defer clear(secret)
	return x.open(s, secret, passphrase, kdf, now)
}
