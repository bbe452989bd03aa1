package share

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// New is a share as the browser of who shares made it (doc/formats/share.md).
type New struct {
	Mark     string `json:"mark"` // 128 random bits, base64url
	Ends     int64  `json:"ends"` // Unix milliseconds; part of what is authenticated
	Views    int    `json:"views"`
	Rounds   int    `json:"rounds"` // of the passphrase's derivation; 0 without one
	Salt     []byte `json:"salt"`
	KeyProof []byte `json:"keyProof"` // of the key in the link
	Proof    []byte `json:"proof"`    // of the key and the passphrase
	Sealed   []byte `json:"sealed"`
}

// validMark tells whether s has the form of a mark.
func validMark(s string) bool { return len(s) == 22 && strings.Trim(s, base64url) == "" }

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (n *New) check(now int64, s Settings) error {
	span := n.Ends - now
	derives := n.Rounds == 0 || n.Rounds >= fewestRounds && n.Rounds <= mostRounds
	switch {
	case !validMark(n.Mark) || !derives || len(n.Salt) != saltSize || len(n.KeyProof) != proofSize || len(n.Proof) != proofSize,
		len(n.Sealed) <= 12+16 || len(n.Sealed) > mostSealed || (len(n.Sealed)-12-16)%padding != 0:
		return fault.New(fault.Invalid, "The browser did not send a share as it should be.").WithHint("Load the page again.")
	case s.Passphrase && n.Rounds == 0:
		return fault.Field("passphrase", "Every share needs a passphrase here.")
	case n.Views < 1 || n.Views > s.Views:
		return fault.Field("views", "A share is opened 1 to %d times here.", s.Views)
	case span < (Shortest-slack).Milliseconds() || span > (time.Duration(s.Hours)*time.Hour+slack).Milliseconds():
		return fault.Field("hours", "A share lasts 1 to %d hours here.", s.Hours)
	}
	return nil
}

// Create keeps a share of a password that the caller revealed a moment before, in the
// same session. Fault kinds: NotFound, Denied, Invalid with fields, Conflict when the
// password is another since.
func (s *Shares) Create(ctx context.Context, c *access.Caller, rec id.ID, n New) (made id.ID, err error) {
	err = s.Gate.Change(ctx, c, access.Reveal, gate.Thing{Kind: passwordKind, ID: rec}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action = Made
		r, err := s.Records.Get(tx, passwordKind, rec)
		if err != nil {
			return err
		}
		version, err := s.may(tx, r)
		if err != nil {
			if fault.Is(err, fault.Denied) {
				tx.Refuse(e)
			}
			return err
		}
		set, err := Setting(tx)
		if err != nil {
			return err
		}
		if err := n.check(tx.Now, set); err != nil {
			return err
		}
		if made, err = insert(tx, rec, version, &n); err != nil {
			return err
		}
		e.Version = version
		e.Detail.Text = fmt.Sprintf("share %s, until %s, %s", made, clock(n.Ends), times(n.Views))
		if n.Rounds > 0 {
			e.Detail.Text += ", with a passphrase"
		}
		return tidy(tx)
	})
	return made, err
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04") + " UTC" }

func times(n int) string {
	if n == 1 {
		return "to be opened once"
	}
	return fmt.Sprintf("to be opened %d times", n)
}

// may gives the version of the password that the caller revealed, where she may share
// it.
func (s *Shares) may(tx *gate.Tx, r *record.Record) (version int64, err error) {
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return 0, fault.New(fault.Denied, "Only people share passwords.")
	}
	why, err := May(tx, r)
	if err != nil {
		return 0, err
	}
	if why != "" {
		return 0, fault.New(fault.Denied, "%s", why)
	}
	now, err := secret.Current(tx, r.ID)
	if err != nil {
		return 0, err
	}
	version = int64(now["password"].Number)
	var seen int64
	err = tx.QueryRow(`select version from audit_entry where object = ? and actor = ? and session = ? and action = ? and result = 'ok' and time >= ? order by seq desc limit 1`,
		int64(r.ID), int64(tx.Caller.User), tx.Caller.Session, secret.Granted, tx.Now-fresh.Milliseconds()).Scan(&seen)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fault.New(fault.Denied, "A password is shared by who revealed it a moment before.").WithHint("Load the page again.")
	}
	if err == nil && (seen != version || !now["password"].Has) {
		err = fault.New(fault.Conflict, "The password was changed in the meantime.").WithHint("Load the page again and share it as it is now.")
	}
	return version, err
}

func insert(tx *gate.Tx, rec id.ID, version int64, n *New) (id.ID, error) {
	mark, err := digest(tx, n.Mark)
	if err != nil {
		return 0, err
	}
	made, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	keyProof, proof := sha256.Sum256(n.KeyProof), sha256.Sum256(n.Proof)
	added, err := tx.Exec(`insert into share (id, mark, record_id, user_id, version, at, ends_at, views, used, tries, rounds, state, salt, key_proof, proof, sealed)
		values (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?) on conflict (mark) do nothing`,
		int64(made), mark, int64(rec), int64(tx.Caller.User), version, tx.Now, n.Ends, n.Views, n.Rounds, Open, n.Salt, keyProof[:], proof[:], n.Sealed)
	if err == nil && added == 0 {
		err = fault.New(fault.Conflict, "This share was made already.").WithHint("Load the page again.")
	}
	return made, err
}

// digest is what is kept of a mark: an HMAC under a key of the tenant.
func digest(tx *gate.Tx, mark string) ([]byte, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/share/mark/1")
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(mark))
	return h.Sum(nil), nil
}

// Tidy takes the ciphertext from the shares of a tenant that are over, and forgets
// those that have been for long.
func (s *Shares) Tidy(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var n int
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from share where state = ? and ends_at <= ? or state <> ? and ends_at < ?`, Open, tx.Now, Open, tx.Now-kept.Milliseconds()).Scan(&n)
	})
	if err != nil || n == 0 {
		return err
	}
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return tidy(tx)
	})
}

// tidy is Tidy inside a change.
func tidy(tx *gate.Tx) error {
	_, err := tx.Exec(`update share set state = ?, sealed = ?, key_proof = ?, proof = ? where state = ? and ends_at <= ?`, Over, []byte{}, []byte{}, []byte{}, Open, tx.Now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`delete from share where state <> ? and ends_at < ?`, Open, tx.Now-kept.Milliseconds())
	return err
}

// End takes a share back: its maker, and who manages. Fault kinds: NotFound, Conflict
// when it is over already.
func (s *Shares) End(ctx context.Context, c *access.Caller, share id.ID) (rec id.ID, err error) {
	var l Line
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		found, err := list(tx, `s.id = ?`, int64(share))
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].User != tx.Caller.User && !manages(tx.Caller) {
			return gate.Missing()
		}
		l = found[0]
		return nil
	})
	if err != nil {
		return 0, err
	}
	return l.Record, s.Gate.Change(ctx, c, access.Reveal, gate.Thing{Kind: passwordKind, ID: l.Record}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Detail.Text = Ended, "share "+share.String()
		n, err := tx.Exec(`update share set state = ?, sealed = ?, key_proof = ?, proof = ? where id = ? and state = ? and ends_at > ?`,
			Withdrawn, []byte{}, []byte{}, []byte{}, int64(share), Open, tx.Now)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "This share is over already.")
		}
		return err
	})
}

// EndOf takes back some of the open shares that a user made, inside a change for which the
// caller administers the tenant, and tells how many; none are left when it gives fewer than
// most.
func EndOf(tx *gate.Tx, user id.ID, most int) (int, error) {
	list, err := tx.IDs(`select id from share where user_id = ? and state = ? and ends_at > ? order by id limit ?`, int64(user), Open, tx.Now, most)
	if err != nil {
		return 0, err
	}
	for _, share := range list {
		var rec, org int64
		if err := tx.QueryRow(`update share set state = ?, sealed = ?, key_proof = ?, proof = ? where id = ? returning record_id, (select coalesce(r.org_id, 0) from record r where r.id = share.record_id)`,
			Withdrawn, []byte{}, []byte{}, []byte{}, int64(share)).Scan(&rec, &org); err != nil {
			return 0, err
		}
		tx.Also(&audit.Entry{Action: Ended, Kind: passwordKind, Object: id.ID(rec), Org: id.ID(org), Detail: audit.Detail{Text: "share " + share.String()}})
	}
	return len(list), nil
}
