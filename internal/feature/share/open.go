package share

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
)

// Gone is the one answer for a share that is over, was taken back or never was.
func Gone() error {
	return fault.New(fault.NotFound, "This link leads to nothing, or to nothing any more.").
		WithHint("Check that it is complete, or ask who sent it for another one.")
}

// Shown is what somebody outside is told of a share before it is opened.
type Shown struct {
	Tenant string // short name; part of what is authenticated
	Title  string // of the tenant
	By     string // who shares
	Ends   int64  // Unix milliseconds
	Rounds int    // of the passphrase's derivation; 0 without one
	Salt   []byte
}

// row is a share that is open.
type row struct {
	id, rec, user   id.ID
	ends            int64
	views, used     int
	tries, rounds   int
	salt            []byte
	keyProof, proof []byte
	sealed          []byte
	by              string // her name
}

// Visitor is somebody without a session.
type Visitor struct {
	Addr    netip.Addr
	Request string // id
}

func (v Visitor) caller(tenant string) *access.Caller {
	c := access.System(tenant, "share")
	c.Name, c.AuthLevel, c.Addr, c.Request = outsider, 0, v.Addr, v.Request
	return c
}

// Look tells what a mark stands for, and uses no view. NotFound, as Gone words it, for
// everything that cannot be opened.
func (s *Shares) Look(ctx context.Context, who Visitor, tenant, mark string) (*Shown, error) {
	if !validMark(mark) {
		return nil, Gone()
	}
	var out *Shown
	err := s.Gate.View(ctx, who.caller(tenant), func(tx *gate.Tx) error {
		r, err := s.find(tx, mark)
		if err != nil {
			return err
		}
		out = &Shown{Tenant: tenant, Title: tx.Tenant.Title(), By: r.by, Ends: r.ends, Rounds: r.rounds, Salt: r.salt}
		return nil
	})
	return out, gone(err)
}

// gone words every NotFound alike.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return Gone()
	}
	return err
}

// find gives the share of a mark while it is open and its maker could still make it.
func (s *Shares) find(tx *gate.Tx, mark string) (*row, error) {
	hash, err := digest(tx, mark)
	if err != nil {
		return nil, err
	}
	var r row
	var n, rec, user int64
	err = tx.QueryRow(`select id, record_id, user_id, ends_at, views, used, tries, rounds, salt, key_proof, proof, sealed from share where mark = ? and state = ? and ends_at > ?`, hash, Open, tx.Now).
		Scan(&n, &rec, &user, &r.ends, &r.views, &r.used, &r.tries, &r.rounds, &r.salt, &r.keyProof, &r.proof, &r.sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, Gone()
	}
	if err != nil {
		return nil, err
	}
	r.id, r.rec, r.user = id.ID(n), id.ID(rec), id.ID(user)
	return &r, s.stands(tx, &r)
}

// stands fails with Gone where the password may not be shared any more, or not by the
// share's maker.
func (s *Shares) stands(tx *gate.Tx, r *row) error {
	maker, err := access.Load(tx.SQL(), r.user)
	if err != nil {
		return err // NotFound for who may not sign in any more
	}
	sees, args := access.Visible(maker, "r", tx.Now)
	var n int
	err = tx.QueryRow(`select count(*), coalesce(max(u.name), '') from record r, record u where u.id = ? and r.id = ? and r.trashed_at is null and `+sees,
		append([]any{int64(r.user), int64(r.rec)}, args...)...).Scan(&n, &r.by)
	if err != nil {
		return err
	}
	password, err := s.Records.Get(tx, passwordKind, r.rec)
	if err != nil {
		return err
	}
	set, err := Setting(tx)
	if err != nil {
		return err
	}
	if n == 0 || !maker.MayOf(passwordKind, access.Reveal) || !set.lets(maker) || !password.Values.Bool("shareable") {
		return Gone()
	}
	return nil
}

// Open uses a view and gives the ciphertext. What it counted is durable before it
// returns. Fault kinds: NotFound, as Gone words it, also for a wrong proof of the key,
// which changes nothing; Invalid for "passphrase" when that was wrong, which is counted.
func (s *Shares) Open(ctx context.Context, who Visitor, tenant, mark string, keyProof, proof []byte) (sealed []byte, err error) {
	if !validMark(mark) {
		return nil, Gone()
	}
	c := who.caller(tenant)
	var r *row
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		if r, err = s.find(tx, mark); err == nil && !proves(keyProof, r.keyProof) {
			err = Gone()
		}
		return err
	})
	if err != nil {
		return nil, gone(err)
	}
	var refused error
	err = s.Gate.Change(ctx, c, access.Reveal, gate.Thing{Kind: passwordKind, ID: r.rec}, func(tx *gate.Tx) error {
		r, err := s.find(tx, mark) // as it is now
		if err != nil {
			tx.Withdraw(tx.Entry())
			return err
		}
		if !proves(proof, r.proof) {
			refused, err = wrong(tx, r)
			return err
		}
		sealed = r.sealed
		return use(tx, r)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, gone(err)
	}
	return sealed, nil
}

func proves(proof, kept []byte) bool {
	sum := sha256.Sum256(proof)
	return len(proof) == proofSize && subtle.ConstantTimeCompare(sum[:], kept) == 1
}

// use counts a view.
func use(tx *gate.Tx, r *row) error {
	e := tx.Entry()
	e.Action, e.Detail.Text = Opened, fmt.Sprintf("share %s of %s, view %d of %d", r.id, r.by, r.used+1, r.views)
	state := Open
	if r.used+1 >= r.views {
		state = Used
	}
	n, err := tx.Exec(`update share set used = used + 1, state = ? where id = ? and state = ? and used = ?`, state, int64(r.id), Open, r.used)
	if err == nil && n == 0 {
		err = Gone()
	}
	if err == nil && state == Used {
		err = erase(tx, r.id)
	}
	if err != nil {
		return err
	}
	return tell(tx, r, fmt.Sprintf("Somebody outside opened, view %d of %d, what you shared of", r.used+1, r.views), fmt.Sprintf("used/%d", r.used+1))
}

// wrong counts a wrong passphrase, and ends the share with the last one.
func wrong(tx *gate.Tx, r *row) (refused, err error) {
	e := tx.Entry()
	e.Action, e.Detail.Text = Wrong, fmt.Sprintf("share %s of %s, wrong passphrase %d of %d", r.id, r.by, r.tries+1, Tries)
	if _, err := tx.Exec(`update share set tries = tries + 1 where id = ?`, int64(r.id)); err != nil {
		return nil, err
	}
	left := Tries - r.tries - 1
	if left > 0 {
		return fault.Field("passphrase", "This is not the passphrase.").WithHint("It can be tried %d times more; then the link ends.", left), nil
	}
	if _, err := tx.Exec(`update share set state = ? where id = ?`, Locked, int64(r.id)); err != nil {
		return nil, err
	}
	if err := erase(tx, r.id); err != nil {
		return nil, err
	}
	return Gone(), tell(tx, r, "A share ended after too many wrong passphrases:", "locked")
}

// erase takes the ciphertext from a share that is over.
func erase(tx *gate.Tx, share id.ID) error {
	_, err := tx.Exec(`update share set sealed = ?, key_proof = ?, proof = ? where id = ?`, []byte{}, []byte{}, []byte{}, int64(share))
	return err
}

// tell tells the maker what became of a share.
func tell(tx *gate.Tx, r *row, words, once string) error {
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: []id.ID{r.user}, Record: r.rec, Own: true,
		Text: []notification.Part{notification.Words(words), notification.Of(r.rec)}, Key: "share/" + r.id.String() + "/" + once})
	return err
}
