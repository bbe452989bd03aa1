package mfa

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// owner is a user as the library wants her, with her keys at one site.
type owner struct {
	handle      []byte
	name, title string
	keys        []kept
}

// kept is a key that somebody has.
type kept struct {
	factor, user id.ID
	name         string
	credential   webauthn.Credential
}

func (o *owner) WebAuthnID() []byte          { return o.handle }
func (o *owner) WebAuthnName() string        { return o.name }
func (o *owner) WebAuthnDisplayName() string { return o.title }
func (o *owner) WebAuthnCredentials() []webauthn.Credential {
	var out []webauthn.Credential
	for _, k := range o.keys {
		out = append(out, k.credential)
	}
	return out
}

// ownerOf reads the keys of a user at a site. Her handle tells nobody who she is.
func ownerOf(tx *gate.Tx, user id.ID, s Site) (*owner, error) {
	handle, err := digest(tx, "handle", user.String())
	if err != nil {
		return nil, err
	}
	o := &owner{handle: handle}
	o.keys, err = keysWhere(tx, `user_id = ? and site = ?`, int64(user), s.Host)
	return o, err
}

func keysWhere(tx *gate.Tx, where string, args ...any) ([]kept, error) {
	rows, err := tx.Query(`select id, user_id, name, sealed from mfa_factor where sort = ? and `+where+` order by id`, append([]any{Passkey}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	k, err := key(tx, "credential")
	if err != nil {
		return nil, err
	}
	var out []kept
	for rows.Next() {
		var one kept
		var fid, user int64
		var box []byte
		if err := rows.Scan(&fid, &user, &one.name, &box); err != nil {
			return nil, err
		}
		one.factor, one.user = id.ID(fid), id.ID(user)
		plain, err := envelope.OpenBox(k, place(tx, one.user, one.factor), box)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(plain, &one.credential); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// sealKey seals a key for its owner and place, without what was said of it when it
// was made: it is not asked who built it.
func sealKey(tx *gate.Tx, user, fid id.ID, c webauthn.Credential) ([]byte, error) {
	c.Attestation = webauthn.CredentialAttestation{}
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	k, err := key(tx, "credential")
	if err != nil {
		return nil, err
	}
	return envelope.SealBox(k, place(tx, user, fid), plain)
}

// AddKey keeps the key that a browser made for the caller. With her first factor
// she gets recovery codes. Fault kinds: Invalid, Conflict for a key that is set up
// already, Denied when she has not said lately who she is.
func AddKey(tx *gate.Tx, a *Answer, name string) (codes []string, err error) {
	refuse := func(err error) error {
		return fault.Wrap(err, fault.Invalid, "This key could not be set up: what your browser says of it does not fit what it was asked.").WithHint("Try again.")
	}
	if a.use != Enrol || a.user != tx.Caller.User {
		return nil, refuse(nil)
	}
	o, err := ownerOf(tx, a.user, a.site)
	if err != nil {
		return nil, err
	}
	w, err := party(tx, a.site)
	if err != nil {
		return nil, err
	}
	said, err := protocol.ParseCredentialCreationResponseBytes(a.raw)
	if err != nil {
		return nil, refuse(err)
	}
	c, err := w.CreateCredential(o, a.session, said)
	if err != nil {
		return nil, refuse(err)
	}
	mark, err := digest(tx, "credential", hex.EncodeToString(c.ID))
	if err != nil {
		return nil, err
	}
	var taken int
	if err := tx.QueryRow(`select count(*) from mfa_factor where sort = ? and credential = ?`, Passkey, mark).Scan(&taken); err != nil {
		return nil, err
	}
	if taken > 0 { // section 7.1, step 26
		return nil, fault.New(fault.Conflict, "This key is set up already.")
	}
	resident := c.Extensions.RK == nil || *c.Extensions.RK // who does not know is asked for it all the same
	return add(tx, made{sort: Passkey, name: name, step: int64(c.Authenticator.SignCount), credential: mark, site: a.site.Host, alone: resident && c.Flags.UserVerified,
		sealed: func(fid id.ID) ([]byte, error) { return sealKey(tx, a.user, fid, *c) }})
}

// CheckKey checks what one of a user's keys answered, as her second factor.
// Invalid when it does not fit.
func CheckKey(tx *gate.Tx, user id.ID, a *Answer) (string, error) {
	if a.use != Second || a.user != user {
		return "", wrongKey(nil)
	}
	o, err := ownerOf(tx, user, a.site)
	if err != nil {
		return "", err
	}
	w, err := party(tx, a.site)
	if err != nil {
		return "", err
	}
	said, err := protocol.ParseCredentialRequestResponseBytes(a.raw)
	if err != nil {
		return "", wrongKey(err)
	}
	c, err := w.ValidateLogin(o, a.session, said)
	if err != nil {
		return "", wrongKey(err)
	}
	return "a passkey or security key", o.used(tx, c)
}

func wrongKey(err error) error {
	return fault.Wrap(err, fault.Invalid, "This key was not taken: its answer does not fit.").WithHint("Try again, or use another second factor.")
}

// used notes that a key was used. A counter that did not go up is a copy's, and is
// refused; keys without one always say 0 (section 6.1.1).
func (o *owner) used(tx *gate.Tx, c *webauthn.Credential) error {
	for _, k := range o.keys {
		if string(k.credential.ID) != string(c.ID) {
			continue
		}
		box, err := sealKey(tx, k.user, k.factor, *c)
		if err != nil {
			return err
		}
		count := int64(c.Authenticator.SignCount)
		n := int64(0)
		if !c.Authenticator.CloneWarning {
			n, err = tx.Exec(`update mfa_factor set step = ?, used_at = ?, sealed = ? where id = ? and (step < ? or step = 0 and step >= ?)`, count, tx.Now, box, int64(k.factor), count, count)
		}
		if err == nil && n != 1 {
			err = fault.New(fault.Invalid, "This key was used before with a later count: somebody may have a copy of it.").WithHint("Use another second factor, and remove %s.", k.name)
		}
		return err
	}
	return wrongKey(nil)
}

// Identify tells who signs in with a passkey and nothing else: it has verified its
// owner itself, by PIN, finger or face. Unauthorized when the answer proves nobody,
// Invalid when it is too late.
func Identify(ctx context.Context, g *gate.Gate, tenant string, s Site, state, answer string) (user id.ID, err error) {
	c := access.System(tenant, "sign-in")
	a, err := Take(ctx, g, c, Alone, s, state, answer)
	if err != nil {
		return 0, err
	}
	nobody := func(err error) error { return fault.Wrap(err, fault.Unauthorized, "This passkey opens nothing here.") }
	said, err := protocol.ParseCredentialRequestResponseBytes(a.raw)
	if err != nil {
		return 0, nobody(err)
	}
	err = g.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		o, err := whose(tx, s, said.RawID)
		if err != nil {
			return err
		}
		w, err := party(tx, s)
		if err != nil {
			return err
		}
		_, used, err := w.ValidatePasskeyLogin(func([]byte, []byte) (webauthn.User, error) { return o, nil }, a.session, said)
		if err != nil || len(o.keys) != 1 {
			return nobody(err)
		}
		err = o.used(tx, used)
		if fault.Is(err, fault.Invalid) {
			err = nobody(err)
		}
		user = o.keys[0].user
		return err
	})
	return user, err
}

// whose gives the owner of a key at a site, with that key alone; nobody's handle
// when there is none.
func whose(tx *gate.Tx, s Site, credential []byte) (*owner, error) {
	mark, err := digest(tx, "credential", hex.EncodeToString(credential))
	if err != nil {
		return nil, err
	}
	list, err := keysWhere(tx, `credential = ? and site = ?`, mark, s.Host)
	if err != nil || len(list) != 1 {
		return &owner{}, err
	}
	handle, err := digest(tx, "handle", list[0].user.String())
	return &owner{handle: handle, keys: list}, err
}

// HasKey tells whether a user has a passkey or security key for a site.
func HasKey(tx *gate.Tx, user id.ID, s Site) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from mfa_factor where user_id = ? and sort = ? and site = ?`, int64(user), Passkey, s.Host).Scan(&n)
	return n > 0, err
}
