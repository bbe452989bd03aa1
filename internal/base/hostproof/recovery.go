package hostproof

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/shamir"
)

// Way says how somebody comes back to her keys when the passphrase is forgotten.
type Way uint8

// The ways of recovery.
const (
	ByKit      Way = 1 // by a printed code
	ByOfficers Way = 2 // by some of several officers
)

// The bounds of officers: no single one opens anything.
const (
	LeastNeeded  = 2
	MostOfficers = 15
)

const (
	recoveryMagic = "SRR1"
	boxSize       = privateSize + envelope.BoxOverhead
)

// Officer is somebody who was given a share of what opens the keys of another.
type Officer struct {
	User        int64
	Key         envelope.KeyID // to which the share is wrapped
	Generation  uint32         // of that key
	Fingerprint [16]byte       // of the officer's keys, which were compared by words
	Commitment  [32]byte       // of the share

	wrapped []byte
}

// Recovery is a person's keys once more, sealed under a recovery secret: a printed
// code, or what officers have shares of. She signs it with the keys themselves, so that
// nobody chooses a recovery for her.
type Recovery struct {
	Tenant      string
	User        int64
	Number      uint32   // of her recoveries, from 1
	Generation  uint32   // of the keys
	Fingerprint [16]byte // of the keys
	Time        int64    // Unix milliseconds
	Way         Way
	Commitment  [32]byte  // of the recovery secret
	Needed      int       // how many officers open it; 0 of a kit
	Officers    []Officer // each has the share at its place, from 1

	body, box []byte
	signature envelope.Signature
}

// ParseRecovery reads a stored recovery and accepts only its one form. Nothing of it
// has been verified.
func ParseRecovery(b []byte) (*Recovery, error) {
	r := reader{b: b}
	x := &Recovery{body: r.framed(recoveryMagic)}
	in := reader{b: x.body}
	version := in.u16()
	x.Tenant, x.User, x.Number, x.Generation = in.text(), in.i64(), in.u32(), in.u32()
	in.into(x.Fingerprint[:])
	x.Time, x.Way = in.i64(), Way(in.u8())
	in.into(x.Commitment[:])
	x.Needed = int(in.u8())
	for range in.u8() {
		o := Officer{User: in.i64()}
		if in.u16() != hybridType {
			in.bad = true
		}
		in.into(o.Key[:])
		o.Generation = in.u32()
		in.into(o.Fingerprint[:])
		in.into(o.Commitment[:])
		x.Officers = append(x.Officers, o)
	}
	x.box = r.take(boxSize)
	for i := range x.Officers {
		x.Officers[i].wrapped = r.take(wrappedSize)
	}
	x.signature = r.signature()
	if !r.done() || !in.done() || version != formatVersion || x.Tenant == "" || x.User == 0 || x.Number == 0 || x.Generation == 0 || !x.sound() {
		return nil, malformed("recovery")
	}
	return x, nil
}

// sound tells whether way, officers and how many are needed fit together.
func (x *Recovery) sound() bool {
	seen := map[int64]bool{x.User: true}
	for _, o := range x.Officers {
		if o.User == 0 || seen[o.User] {
			return false
		}
		seen[o.User] = true
	}
	if x.Way == ByKit {
		return x.Needed == 0 && len(x.Officers) == 0
	}
	return x.Way == ByOfficers && x.Needed >= LeastNeeded && x.Needed <= len(x.Officers) && len(x.Officers) <= MostOfficers
}

func (x *Recovery) encode() []byte {
	var w writer
	w.u16(formatVersion)
	w.text(x.Tenant)
	w.i64(x.User)
	w.u32(x.Number)
	w.u32(x.Generation)
	w.raw(x.Fingerprint[:])
	w.i64(x.Time)
	w.u8(uint8(x.Way))
	w.raw(x.Commitment[:])
	w.u8(uint8(x.Needed))
	w.u8(uint8(len(x.Officers)))
	for _, o := range x.Officers {
		w.i64(o.User)
		w.u16(hybridType)
		w.raw(o.Key[:])
		w.u32(o.Generation)
		w.raw(o.Fingerprint[:])
		w.raw(o.Commitment[:])
	}
	return w.b
}

// sealed is what the body is about: the keys, and the shares.
func (x *Recovery) sealed() []byte {
	out := append([]byte(nil), x.box...)
	for _, o := range x.Officers {
		out = append(out, o.wrapped...)
	}
	return out
}

func (x *Recovery) message() []byte {
	sum := sha256.Sum256(x.sealed())
	return joined([]byte("strongroom/recovery/1"), x.body, sum[:])
}

// Marshal gives the stored form.
func (x *Recovery) Marshal() []byte {
	w := writer{b: framed(recoveryMagic, x.body)}
	w.raw(x.sealed())
	w.signature(x.signature)
	return w.b
}

// Hash is SHA-256 over the length-prefixed parts "strongroom/recovery/hash/1" and the
// body: what is asked for and remembered.
func (x *Recovery) Hash() [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/recovery/hash/1"), x.body))
}

// Verify checks that a recovery is of the keys of a verified statement, and that they
// signed it.
func (x *Recovery) Verify(s *Statement) error {
	switch {
	case x.Tenant != s.Tenant || x.User != s.User:
		return alarm("The server sent somebody else's recovery.")
	case !verified(x.signature, s.Signing, x.message()), x.Generation != s.Generation, x.Fingerprint != s.Fingerprint():
		return alarm("The server shows a recovery that was not chosen with the keys of this person.")
	}
	return nil
}

// recoveryCommitment is HMAC-SHA-256 of "strongroom/recovery/commit/1" under the secret.
func recoveryCommitment(secret []byte) (c [32]byte) {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("strongroom/recovery/commit/1"))
	m.Sum(c[:0])
	return c
}

func shareCommitment(place int, share []byte) [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/recovery/share/1"), []byte{byte(place)}, share))
}

func shareHeader(body []byte, place int) []byte {
	return joined([]byte("strongroom/recovery/give/1"), body, []byte{byte(place)})
}

func (x *Recovery) boxKey(secret []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, string(joined([]byte("strongroom/recovery/key/1"), []byte(x.Tenant), number64(uint64(x.User)))), envelope.KeySize)
}

func (x *Recovery) boxBind() []byte {
	hash := x.Hash()
	return joined([]byte("strongroom/recovery/box/1"), hash[:])
}

// RecoverByKit seals the keys under a fresh code, which is for paper. number is one
// above that of the last recovery. now is in Unix milliseconds.
func (k *Keyset) RecoverByKit(number uint32, now int64) (*Recovery, Code, error) {
	code := NewCode()
	x, err := k.recovery(&Recovery{Way: ByKit, Number: number, Time: now}, code[:], nil, nil)
	return x, code, err
}

// RecoverByOfficers seals the keys under a secret of which each officer gets a share,
// and needed of them open it. The statements must be verified and their fingerprints
// compared: their keys are those that are used.
func (k *Keyset) RecoverByOfficers(officers []*Statement, needed int, number uint32, now int64) (*Recovery, error) {
	x := &Recovery{Way: ByOfficers, Number: number, Time: now, Needed: needed}
	for _, s := range officers {
		x.Officers = append(x.Officers, Officer{User: s.User, Key: s.Encryption.ID, Generation: s.Generation, Fingerprint: s.Fingerprint()})
	}
	x.User = k.Statement.User
	if !x.sound() {
		return nil, fault.New(fault.Invalid, "At least %d of at most %d officers, all others than you, are needed.", LeastNeeded, MostOfficers)
	}
	secret := make([]byte, envelope.KeySize)
	rand.Read(secret)
	defer clear(secret)
	shares, err := shamir.Split(secret, len(officers), needed)
	if err != nil {
		return nil, err
	}
	return k.recovery(x, secret, officers, shares)
}

// recovery completes one: the keys sealed under a secret, and its shares wrapped.
func (k *Keyset) recovery(x *Recovery, secret []byte, officers []*Statement, shares [][]byte) (*Recovery, error) {
	s := k.Statement
	x.Tenant, x.User, x.Generation, x.Fingerprint, x.Commitment = s.Tenant, s.User, s.Generation, s.Fingerprint(), recoveryCommitment(secret)
	for i, y := range shares {
		x.Officers[i].Commitment = shareCommitment(i+1, y)
	}
	x.body = x.encode()
	key, err := x.boxKey(secret)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := k.secret()
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if x.box, err = envelope.SealBox(key, x.boxBind(), plain); err != nil {
		return nil, err
	}
	for i, y := range shares {
		to, err := officers[i].Encryption.Wrap(shareHeader(x.body, i+1), y)
		clear(y)
		if err != nil {
			return nil, err
		}
		x.Officers[i].wrapped = to.Wrapped
	}
	x.signature, err = k.signer.Sign(x.message())
	return x, err
}

// Recover opens the keys of a verified statement with the code of the kit, and states a
// new passphrase for them. It gives the keys and their lock.
func (x *Recovery) Recover(s *Statement, code Code, passphrase string, kdf KDF, now int64) (*Keyset, []byte, error) {
	if x.Way != ByKit {
		return nil, nil, fault.New(fault.Invalid, "These keys are recovered by officers, and not by a printed code.").WithHint("Ask them: see how on the page Vault.")
	}
	return x.open(s, code[:], passphrase, kdf, now)
}

func (x *Recovery) open(s *Statement, secret []byte, passphrase string, kdf KDF, now int64) (*Keyset, []byte, error) {
	if err := x.Verify(s); err != nil {
		return nil, nil, err
	}
	if c := recoveryCommitment(secret); subtle.ConstantTimeCompare(c[:], x.Commitment[:]) != 1 {
		return nil, nil, fault.New(fault.Unauthorized, "This recovery code does not open the keys.").WithHint("It may be that of an earlier kit. Look for the latest one.")
	}
	key, err := x.boxKey(secret)
	if err != nil {
		return nil, nil, err
	}
	defer clear(key)
	plain, err := envelope.OpenBox(key, x.boxBind(), x.box)
	if err != nil {
		return nil, nil, alarm("The server sent a recovery that was altered.")
	}
	defer clear(plain)
	k, err := keysetOf(s, plain)
	if err != nil {
		return nil, nil, err
	}
	return k.ChangePassphrase(passphrase, kdf, now)
}
