package support

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// person refuses what is no administrator in person.
func person(tx *gate.Tx) error {
	if tx.Caller.User == 0 || tx.Caller.Key != 0 || tx.Caller.Via != "session" {
		return fault.New(fault.Denied, "An administrator decides about support access in person.").WithHint("Sign in with a browser to do this.")
	}
	return nil
}

// Approve opens what was asked for, or less, from now on, in a change for which the caller
// administers the tenant. Fault kinds: Invalid with the fields hours or scope where it would
// be more than was asked for, Conflict where it was decided, NotFound, Denied.
func Approve(tx *gate.Tx, which id.ID, hours int, s Scope) error {
	if err := person(tx); err != nil {
		return err
	}
	a, err := get(tx, which)
	if err != nil {
		return err
	}
	switch {
	case a.State != Waiting || a.Lapsed(tx.Now):
		return fault.New(fault.Conflict, "This was decided, or waited for too long.").WithHint("The operator can ask again.")
	case hours < 1 || hours > a.Hours:
		return fault.Field("hours", "Choose between 1 and %d hours, which were asked for.", a.Hours)
	case !s.within(a.Scope):
		return fault.Field("scope", "This is more than was asked for.").WithHint("Approve what was asked for, or less; for more the operator asks again.")
	}
	for _, o := range s.Orgs {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: "organization", ID: o}); err != nil {
			return fault.Field("scope", "There is no such organization.")
		}
	}
	scope, err := text(s)
	if err != nil {
		return err
	}
	until := tx.Now + int64(hours)*3_600_000
	n, err := tx.Exec(`update support_access set state = ?, scope = ?, hours = ?, decided_by = ?, decided_at = ?, until = ? where id = ? and state = ?`,
		Open, scope, hours, int64(tx.Caller.User), tx.Now, until, int64(which), Waiting)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "This was decided meanwhile.").WithHint("Load the page again to see how.")
	}
	if err != nil {
		return err
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Text = Approved, Kind, which, a.Staff, fmt.Sprintf("%s, %d hours", s, hours)
	return errors.Join(access.SetKey(tx.SQL(), which, until), tell(tx, fmt.Sprintf("Support access of %s is open for %d hours.", a.Staff, hours), "open/"+which.String()))
}

// Refuse says no to what was asked for, in such a change.
func Refuse(tx *gate.Tx, which id.ID) error {
	if err := person(tx); err != nil {
		return err
	}
	a, err := get(tx, which)
	if err != nil {
		return err
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object, e.Detail.Name = Refused, Kind, which, a.Staff
	if a.State != Waiting {
		tx.Withdraw(e)
		return nil
	}
	_, err = tx.Exec(`update support_access set state = ?, decided_by = ?, decided_at = ? where id = ? and state = ?`, No, int64(tx.Caller.User), tx.Now, int64(which), Waiting)
	return err
}

// End ends an access at once, in a change for which the caller administers the tenant or is
// the operator's console. What has ended stays so.
func End(tx *gate.Tx, which id.ID) error {
	a, err := get(tx, which)
	if err != nil {
		return err
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object, e.Detail.Name = Ended, Kind, which, a.Staff
	if a.State != Open && a.State != Waiting {
		tx.Withdraw(e)
		return nil
	}
	if _, err := tx.Exec(`update support_access set state = ?, ended_at = ?, until = ? where id = ?`, Over, tx.Now, tx.Now, int64(which)); err != nil {
		return err
	}
	return access.ForgetKey(tx.SQL(), which)
}

// Door lets the operator's people in. Fill Gate; it then is safe for concurrent use.
type Door struct{ Gate *gate.Gate }

// closed is the one answer for a code that opens nothing, for whatever reason.
func closed() error {
	return fault.New(fault.Unauthorized, "This code opens nothing.").WithHint("It does so once an administrator of the tenant has approved, until the time is over.")
}

// Caller gives who a code stands for, and records what she asks for: path is that of the
// request. Unauthorized when the code opens nothing now.
func (d Door) Caller(ctx context.Context, code, path string, addr netip.Addr, request string) (*access.Caller, error) {
	c, a, err := d.look(ctx, code)
	if err != nil {
		return nil, err
	}
	c.Addr, c.Request = addr, request
	action := Request
	if a.Entered == 0 {
		action = Entered
	}
	return c, d.note(ctx, c, action, path)
}

func (d Door) look(ctx context.Context, code string) (c *access.Caller, a *Access, err error) {
	tenant := TenantOf(code)
	if tenant == "" {
		return nil, nil, closed()
	}
	err = d.Gate.View(ctx, access.System(tenant, Via), func(tx *gate.Tx) error {
		hash, err := digest(tx, code)
		if err != nil {
			return err
		}
		a, err = scan(tx.QueryRow(columns+`where hash = ?`, hash))
		if err != nil || !a.Is(tx.Now) {
			return cmp.Or(err, closed())
		}
		c = a.caller(tenant)
		_, err = access.Present(tx.SQL(), c, tx.Now)
		return err
	})
	if err != nil && fault.Of(err) != fault.Unavailable {
		return nil, nil, closed()
	}
	return c, a, err
}

// caller is somebody of the operator's within what was approved. She is a key like
// those that belong to nobody, so that the end of the access ends what goes on too.
func (a *Access) caller(tenant string) *access.Caller {
	c := &access.Caller{Tenant: tenant, User: a.ID, Key: a.ID, Name: a.Staff + " (support)", Role: access.ReadOnly, AllOrgs: true, Via: Via, Session: a.ID.String(), AuthLevel: 2,
		Scope: access.Scope{ReadOnly: true, Looks: true, NoPersonal: true, NoPasswords: !a.Scope.Reveal, Orgs: a.Scope.Orgs}}
	if a.Scope.Inspect {
		c.Role = access.Manager
	}
	return c
}

// note writes down a request. Nothing is answered that could not be written down.
func (d Door) note(ctx context.Context, c *access.Caller, action, path string) error {
	who := access.System(c.Tenant, Via)
	return d.Gate.Change(ctx, who, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Caller = c // the entry is hers, what is written here is the house's
		tx.Also(&audit.Entry{Action: action, Kind: Kind, Object: c.Key, Detail: audit.Detail{Text: path}})
		tx.Caller = who
		_, err := tx.Exec(`update support_access set used_at = ?, entered_at = case when entered_at = 0 then ? else entered_at end where id = ?`, tx.Now, tx.Now, int64(c.Key))
		return err
	})
}

// Log gives what was done under an access, the newest first.
func Log(tx *gate.Tx, which id.ID, limit int) ([]*audit.Entry, error) {
	if !tx.Caller.Everything() {
		return nil, gate.Missing()
	}
	return tx.Activity(audit.Filter{Where: `session = ? and via = ?`, Args: []any{which.String(), Via}, Limit: limit})
}
