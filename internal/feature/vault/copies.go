package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
)

// mostCopies is how many emergency copies that have not expired one person has.
const mostCopies = 200

var copySchema = []string{
	`create table if not exists vault_copy (hash text primary key, maker_id int not null, head bytes not null, at int not null, expires_at int not null)`,
	`create index if not exists vault_copy_maker on vault_copy (maker_id)`,
	`create table if not exists vault_receipt (hash text primary key, copy text not null, at int not null)`,
	`create table if not exists vault_copy_holder (hash text not null, user_id int not null, primary key (hash, user_id))`,
	`create index if not exists vault_copy_holder_user on vault_copy_holder (user_id)`,
	`alter table vault_copy add column if not exists items int not null default 0`,
	`alter table vault_copy add column if not exists passwords int not null default 0`,
	`alter table vault_receipt add column if not exists receipt bytes`,
}

// NewCopy is an emergency copy as its maker's client tells of it before it is written.
type NewCopy struct {
	Head      []byte `json:"head"`
	Items     int    `json:"items"`     // of vaults
	Passwords int    `json:"passwords"` // of the server's class
}

// Receipt is that of an opening, as somebody hands it in.
type Receipt struct {
	Receipt []byte `json:"receipt"`
}

// RecordCopy records that the caller makes an emergency copy, and tells its holders. The
// same one again is one. Denied when passwords are in it and may not leave.
func (s *Vaults) RecordCopy(ctx context.Context, c *access.Caller, in NewCopy) error {
	x, err := hostproof.ParseHead(in.Head)
	if err != nil {
		return err
	}
	if err := x.Verify(); err != nil {
		return refused(err)
	}
	hash := x.Hash()
	return s.change(ctx, c, "vault.copy", c.User, func(tx *gate.Tx) error {
		if x.Tenant != c.Tenant || x.Maker.User != int64(c.User) || x.Expiry <= tx.Now || in.Items < 0 || in.Passwords < 0 || in.Items+in.Passwords == 0 {
			return fault.New(fault.Invalid, "This was not made by you, or not now, and was not recorded.")
		}
		if in.Passwords > 0 {
			if err := s.leaves(tx); err != nil {
				return err
			}
		}
		holders, err := holdersOf(tx, x)
		if err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(`select count(*) from vault_copy where maker_id = ? and expires_at > ?`, int64(c.User), tx.Now).Scan(&n); err != nil {
			return err
		}
		if n >= mostCopies {
			return fault.New(fault.Invalid, "One person has at most %d emergency copies that have not expired.", mostCopies)
		}
		tx.Entry().Detail.Text = copyText(x, in)
		if err := keepCopy(tx, x, in); err != nil {
			return err
		}
		_, err = notification.Send(tx, notification.Notice{Topic: "security", To: holders, Href: "/vault/copies", Key: "vault.copy/" + hex.EncodeToString(hash[:]),
			Text: []notification.Part{notification.Words("made an emergency copy of passwords, of which you hold a share.")}})
		return err
	})
}

// Seed is asked for, and given, for an emergency copy: that of the one-time codes of a
// password.
type Seed struct {
	Password id.ID  `json:"password"`
	Reason   string `json:"reason,omitempty"`
	Seed     string `json:"seed,omitempty"` // empty when the password has none
}

// Seed reveals the one-time-code seed of a password to who makes an emergency copy of it, under the rules of
// its reveal; elsewhere in the API there are no seeds. Denied when it may not leave.
func (s *Vaults) Seed(ctx context.Context, c *access.Caller, in Seed) (Seed, error) {
	if err := s.Gate.View(ctx, c, s.leaves); err != nil {
		return in, err
	}
	text, _, err := s.Secrets.RevealBeside(ctx, c, gate.Thing{Kind: "password", ID: in.Password}, in.Reason, func(*gate.Tx) (*secret.Ref, error) {
		return &secret.Ref{Kind: "password", Object: in.Password, Field: "otp_secret", Reasons: true}, nil
	})
	return Seed{Password: in.Password, Seed: text}, err
}

// leaves refuses passwords that the tenant's settings keep in the house.
func (s *Vaults) leaves(tx *gate.Tx) error {
	if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
		return err
	}
	ok := false
	if s.Leave != nil {
		var err error
		if ok, err = s.Leave(tx); err != nil {
			return err
		}
	}
	if !ok {
		return fault.New(fault.Denied, "The tenant's settings do not let you have passwords in exports, and an emergency copy is one.").WithHint("See /password-exports: it may take the consent of an administrator.")
	}
	return nil
}

// holdersOf checks that those who hold shares are people of the tenant with these very
// keys. It gives them without the maker.
func holdersOf(tx *gate.Tx, x *hostproof.Copy) (out []id.ID, err error) {
	for _, h := range append([]hostproof.Holder{{Statement: x.Maker}}, x.Holders...) {
		if h.Statement == nil {
			continue
		}
		user := id.ID(h.Statement.User)
		st, _, _, err := keysetOf(tx, user)
		if err != nil {
			return nil, err
		}
		if ok, err := meets(tx, user); err != nil || !ok || st == nil || st.Fingerprint() != h.Statement.Fingerprint() {
			return nil, errors.Join(err, fault.New(fault.Conflict, "Somebody who is to hold a share has other keys now, or is nobody whom you see.").WithHint("Begin again: strongroom vault breakglass make"))
		}
		if user != tx.Caller.User {
			out = append(out, user)
		}
	}
	return out, nil
}

// copyText says for the audit log what a copy is, without names.
func copyText(x *hostproof.Copy, in NewCopy) string {
	hash := x.Hash()
	var who []string
	papers := 0
	for _, h := range x.Holders {
		if h.Statement == nil {
			papers++
			continue
		}
		who = append(who, fmt.Sprintf("user %d", h.Statement.User))
	}
	if papers > 0 {
		who = append(who, fmt.Sprintf("%d papers", papers))
	}
	return fmt.Sprintf("copy %x with %d items of vaults and %d passwords; opened by %d of %s; until %s", hash[:8], in.Items, in.Passwords, x.Needed, strings.Join(who, ", "), time.UnixMilli(x.Expiry).UTC().Format(time.RFC3339))
}

// HandIn records the opening of an emergency copy, as its receipt states it. The same
// receipt again is nothing new. NotFound for a copy that was not recorded.
func (s *Vaults) HandIn(ctx context.Context, c *access.Caller, in Receipt) error {
	r, err := hostproof.ParseReceipt(in.Receipt)
	if err != nil {
		return err
	}
	return s.change(ctx, c, "vault.receipt", 0, func(tx *gate.Tx) error {
		x, err := copyOf(tx, r.Copy)
		if err != nil {
			return err
		}
		if err := r.Verify(x); err != nil {
			return err
		}
		e := tx.Entry()
		e.Object, e.Detail.Text = id.ID(x.Maker.User), "handed in"
		// The receipt stands in the log with all that it says, and once.
		sum := r.Hash()
		hash := hex.EncodeToString(sum[:])
		done, err := tx.Exec(`insert into vault_receipt (hash, copy, at, receipt) values (?, ?, ?, ?) on conflict (hash) do nothing`, hash, hex.EncodeToString(r.Copy[:]), tx.Now, in.Receipt)
		if err != nil {
			return err
		}
		if done == 0 {
			return nil
		}
		opened := &audit.Entry{Action: "vault.opened", Kind: "vault", Object: id.ID(x.Maker.User), Detail: audit.Detail{Text: receiptText(x, r), Reason: r.Reason}}
		tx.Also(opened)
		to := []id.ID{id.ID(x.Maker.User)}
		for _, h := range x.Holders {
			if h.Statement != nil {
				to = append(to, id.ID(h.Statement.User))
			}
		}
		_, err = notification.Send(tx, notification.Notice{Topic: "security", To: to, Self: true, Href: "/vault/copies", Key: "vault.opened/" + hash,
			Text: []notification.Part{notification.Words("handed in a receipt: an emergency copy of passwords was opened. Change what was in it.")}})
		return err
	})
}

func copyOf(tx *gate.Tx, hash [32]byte) (*hostproof.Copy, error) {
	var head []byte
	err := tx.QueryRow(`select head from vault_copy where hash = ?`, hex.EncodeToString(hash[:])).Scan(&head)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "The emergency copy of this receipt was not recorded here.").WithHint("Hand it in where the copy was made.")
	}
	if err != nil {
		return nil, err
	}
	return hostproof.ParseHead(head)
}

// receiptText says for the audit log what a receipt states, without names.
func receiptText(x *hostproof.Copy, r *hostproof.Receipt) string {
	var who []string
	for _, place := range r.Places {
		if h := x.Holders[place-1]; h.Statement != nil {
			who = append(who, fmt.Sprintf("user %d", h.Statement.User))
		} else {
			who = append(who, fmt.Sprintf("paper %d", place))
		}
	}
	return fmt.Sprintf("copy %x was opened at %s with the consent of %s", r.Copy[:8], time.UnixMilli(r.Time).UTC().Format(time.RFC3339), strings.Join(who, ", "))
}
