package provision

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

// taken is a conflict with what is there.
func taken(format string, args ...any) *fault.Error {
	return fault.Wrap(ErrTaken, fault.Conflict, format, args...)
}

// known is what is remembered of who has a user name.
type known struct {
	user                             id.ID
	hidden, off, archived, isTrashed bool
}

func find(tx *gate.Tx, cond string, arg any) (*known, error) {
	var k known
	var n int64
	err := tx.QueryRow(`select p.user_id, p.hidden, p.off, r.archived, case when r.trashed_at is null then 0 else 1 end
		from provision_user p join record r on r.id = p.user_id where `+cond, arg).Scan(&n, &k.hidden, &k.off, &k.archived, &k.isTrashed)
	if noRows(err) {
		return nil, nil
	}
	k.user = id.ID(n)
	return &k, err
}

// MakeUser makes a user, or brings back the one who had the user name before, or takes
// over one who was made here where the settings allow that. u.ID says who she is. Fault
// kinds: Invalid with fields, Conflict, caused by ErrTaken when somebody has the name.
func (p *Provision) MakeUser(ctx context.Context, c *access.Caller, u *User) (out *User, err error) {
	if err := u.clean(); err != nil {
		return nil, err
	}
	err = p.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: identity.User}, func(tx *gate.Tx) error {
		begun := tx.Entry()
		begun.Detail.Text = "by provisioning"
		set, err := settings(tx)
		if err != nil {
			return err
		}
		k, err := find(tx, `p.user_name_fold = ?`, record.Fold(u.UserName))
		if err != nil {
			return err
		}
		text := "Made a user."
		switch {
		case k != nil && k.isTrashed:
			return taken("A user with this userName was deleted here.").WithHint("An administrator can bring her back from the trash, or remove her for good.")
		case k != nil && !k.hidden:
			return taken("There is already a user with this userName.")
		case k != nil:
			tx.Withdraw(begun)
			u.ID, text = k.user, "Brought back a user."
			if err := p.back(tx, k, u); err != nil {
				return err
			}
		default:
			if u.ID, err = p.takeOver(tx, u, set); err != nil {
				return err
			}
			if u.ID != 0 {
				tx.Withdraw(begun)
				text = "Took over a user who was made here."
			} else if err := p.create(tx, u, set); err != nil {
				return err
			}
		}
		if err := p.tie(tx, u, set); err != nil {
			return err
		}
		if out, err = p.User(tx, u.ID); err != nil {
			return err
		}
		return called(tx, "POST Users", 201, text)
	})
	return out, err
}

// create makes the record of a user.
func (p *Provision) create(tx *gate.Tx, u *User, set Settings) error {
	first, last := u.names()
	r, err := p.Records.Create(tx, identity.User, record.Values{"email": u.Email, "first_name": first, "last_name": last, "role_name": string(set.Role)})
	if err != nil {
		return err
	}
	u.ID = r.ID
	if err := p.remember(tx, u, !u.Active, false); err != nil || u.Active {
		return err
	}
	return p.Records.SetArchived(tx, identity.User, u.ID, true)
}

func (p *Provision) remember(tx *gate.Tx, u *User, off, taken bool) error {
	_, err := tx.Exec(`insert into provision_user (user_id, user_name, user_name_fold, external_id, display_name, hidden, off, taken, created_at, changed_at) values (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`,
		int64(u.ID), u.UserName, record.Fold(u.UserName), u.External, u.Display, off, taken, tx.Now, tx.Now)
	return err
}

// takeOver gives the user who was made here and has the e-mail address, where the settings
// let her be taken over; 0 when nobody has it.
func (p *Provision) takeOver(tx *gate.Tx, u *User, set Settings) (id.ID, error) {
	var n int64
	var archived, trashed, kept bool
	err := tx.QueryRow(`select r.id, r.archived, case when r.trashed_at is null then 0 else 1 end, case when exists (select 1 from provision_user p where p.user_id = r.id) then 1 else 0 end
		from k_user k join record r on r.id = k.id where k.email_fold = ?`, record.Fold(u.Email)).Scan(&n, &archived, &trashed, &kept)
	if noRows(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	user := id.ID(n)
	role, err := roleOf(tx, user)
	switch {
	case err != nil:
		return 0, err
	case kept:
		return 0, taken("There is already a user with this e-mail address, under another userName.")
	case trashed:
		return 0, taken("A user with this e-mail address was deleted here.").WithHint("An administrator can bring her back from the trash, or remove her for good.")
	case role == access.Administrator:
		return 0, taken("The user with this e-mail address is an administrator here, and administrators are not taken over.").WithHint("Leave her out of what is provisioned.")
	case !set.Take:
		return 0, taken("A user with this e-mail address was made here, and not by provisioning.").WithHint("An administrator can allow that such users are taken over, under Settings, Provisioning.")
	case archived:
		return 0, taken("The user with this e-mail address was archived here.").WithHint("An administrator can bring her back first.")
	}
	u.ID = user
	if err := p.remember(tx, u, false, true); err != nil {
		return 0, err
	}
	if err := note(tx, gate.Thing{Kind: identity.User, ID: user}, "provisioning"); err != nil {
		return 0, err
	}
	return user, p.apply(tx, u, &known{user: user}, &User{})
}

// back makes a user visible again who was removed.
func (p *Provision) back(tx *gate.Tx, k *known, u *User) error {
	if _, err := tx.Exec(`update provision_user set hidden = 0 where user_id = ?`, int64(k.user)); err != nil {
		return err
	}
	old, err := p.User(tx, k.user)
	if err != nil {
		return err
	}
	if err := note(tx, gate.Thing{Kind: identity.User, ID: k.user}, "provisioning"); err != nil {
		return err
	}
	return p.apply(tx, u, k, old)
}

// ChangeUser makes a user what u says. match is asked about what she is before, in the same
// transaction. Fault kinds as for MakeUser, NotFound, and what match gives.
func (p *Provision) ChangeUser(ctx context.Context, c *access.Caller, user id.ID, what string, edit func(*User) error) (out *User, err error) {
	err = p.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: identity.User, ID: user}, func(tx *gate.Tx) error {
		begun := tx.Entry()
		old, err := p.User(tx, user)
		if err != nil {
			return err
		}
		u := *old
		if err := edit(&u); err != nil {
			return err
		}
		u.ID, u.Groups = user, old.Groups
		if err := u.clean(); err != nil {
			return err
		}
		set, err := settings(tx)
		if err != nil {
			return err
		}
		k, err := find(tx, `p.user_id = ?`, int64(user))
		if err != nil {
			return err
		}
		if err := p.apply(tx, &u, k, old); err != nil {
			return err
		}
		if len(begun.Detail.Fields) == 0 { // nothing of the record itself
			tx.Withdraw(begun)
		} else {
			begun.Detail.Text = "by provisioning"
		}
		if err := p.tie(tx, &u, set); err != nil {
			return err
		}
		if out, err = p.User(tx, user); err != nil {
			return err
		}
		return called(tx, what, 200, said(old, &u, out))
	})
	return out, err
}

// said tells what a change did.
func said(old, asked, now *User) string {
	switch {
	case asked.Active && !now.Active:
		return "Changed a user, who stays archived: an administrator archived her here."
	case old.Active && !now.Active:
		return "Deactivated a user."
	case !old.Active && now.Active:
		return "Activated a user."
	}
	return "Changed a user."
}

// apply brings the record and what is remembered of a user to u.
func (p *Provision) apply(tx *gate.Tx, u *User, k *known, old *User) error {
	thing := gate.Thing{Kind: identity.User, ID: k.user}
	role, err := roleOf(tx, k.user)
	if err != nil {
		return err
	}
	moved := record.Fold(u.Email) != record.Fold(old.Email) || record.Fold(u.UserName) != record.Fold(old.UserName)
	if moved && role == access.Administrator {
		return fault.New(fault.Denied, "She is an administrator here: provisioning changes neither her userName nor her e-mail address.").WithHint("An administrator can change her address here.")
	}
	if record.Fold(u.UserName) != record.Fold(old.UserName) {
		other, err := find(tx, `p.user_name_fold = ?`, record.Fold(u.UserName))
		if err != nil {
			return err
		}
		if other != nil && other.user != k.user {
			return taken("There is already a user with this userName.")
		}
	}
	if record.Fold(u.Email) != record.Fold(old.Email) {
		n, err := tx.IDs(`select k.id from k_user k where k.email_fold = ? and k.id <> ?`, record.Fold(u.Email), int64(k.user))
		if err != nil {
			return err
		}
		if len(n) > 0 {
			return taken("There is already a user with this e-mail address.")
		}
	}
	if u.UserName != old.UserName || u.External != old.External || u.Display != old.Display {
		if _, err := tx.Exec(`update provision_user set user_name = ?, user_name_fold = ?, external_id = ?, display_name = ?, changed_at = ? where user_id = ?`,
			u.UserName, record.Fold(u.UserName), u.External, u.Display, tx.Now, int64(k.user)); err != nil {
			return err
		}
		if err := note(tx, thing, "provisioning"); err != nil {
			return err
		}
	}
	first, last := u.names()
	if _, err := p.Records.Update(tx, identity.User, k.user, 0, record.Values{"email": u.Email, "first_name": first, "last_name": last}); err != nil {
		return err
	}
	return p.activate(tx, u, k)
}

// activate archives a user or brings her back. Whom an administrator archived stays so.
func (p *Provision) activate(tx *gate.Tx, u *User, k *known) error {
	if u.Active == !k.archived || u.Active && !k.off {
		return nil
	}
	if err := p.Records.SetArchived(tx, identity.User, k.user, !u.Active); err != nil {
		return err
	}
	_, err := tx.Exec(`update provision_user set off = ?, changed_at = ? where user_id = ?`, !u.Active, tx.Now, int64(k.user))
	return err
}

// HideUser archives a user, who does not exist for the other side any more.
func (p *Provision) HideUser(ctx context.Context, c *access.Caller, user id.ID, check func(*User) error) error {
	return p.Gate.Change(ctx, c, access.Archive, gate.Thing{Kind: identity.User, ID: user}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "removed by provisioning"
		u, err := p.User(tx, user)
		if err != nil {
			return err
		}
		if err := check(u); err != nil {
			return err
		}
		k, err := find(tx, `p.user_id = ?`, int64(user))
		if err != nil {
			return err
		}
		if !k.archived {
			if err := p.Records.SetArchived(tx, identity.User, user, true); err != nil {
				return err
			}
			k.off = true
		}
		if _, err := tx.Exec(`update provision_user set hidden = 1, off = ?, changed_at = ? where user_id = ?`, k.off, tx.Now, int64(user)); err != nil {
			return err
		}
		return called(tx, "DELETE Users", 204, "Deactivated a user, who was removed at the other side.")
	})
}
