package review

import (
	"context"
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
)

// What comes of a removal.
const (
	gone    = "removed"
	already = "it was gone already"
	failed  = "not removed: "
)

// Run ends the campaigns whose time is over, removes what is to be removed and reminds who
// has not answered. A schedule calls it; it bears repetition.
func (s *Reviews) Run(ctx context.Context, tenant string) error {
	system := access.System(tenant, "job")
	var open []*Review
	err := s.Gate.View(ctx, system, func(tx *gate.Tx) (err error) {
		open, err = reviews(tx, `where v.ended_at = 0 order by v.id`)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range open {
		err := s.Gate.Change(ctx, system, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			now, err := one(tx, r.ID)
			if err != nil {
				return err
			}
			if now.Ended == 0 && now.Ends <= tx.Now {
				return s.over(tx, now)
			}
			tx.Withdraw(tx.Entry())
			if now.Ended != 0 || now.Remind == 0 || tx.Now-now.At < int64(now.Remind)*day {
				return nil
			}
			return s.ask(tx, now, "/"+strconv.FormatInt((tx.Now-now.At)/(int64(now.Remind)*day), 10))
		})
		if err != nil {
			return err
		}
	}
	return s.Settle(ctx, tenant)
}

// due is a line that is to be removed.
type due struct {
	*Line
	review, by id.ID
	name       string
}

// Settle removes what is to be removed, each by the rights of who began its campaign. What
// these do not allow waits; what cannot be removed is written down with the reason.
func (s *Reviews) Settle(ctx context.Context, tenant string) error {
	var list []due
	err := s.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		open, err := reviews(tx, `where exists (select 1 from access_review_answer a left join access_review_done d on d.line_id = a.line_id
			where a.review_id = v.id and d.line_id is null and (a.answer = 'review.remove' or a.answer = 'review.lapse' and v.removes = 1)) order by v.id`)
		for _, r := range open {
			lapsed := Removes
			if r.Removes {
				lapsed = Lapsed
			}
			found, err := lines(tx, `l.review_id = ? and d.line_id is null and a.answer in (?, ?)`, int64(r.ID), Removes, lapsed)
			if err != nil {
				return err
			}
			for _, l := range found {
				list = append(list, due{l, r.ID, r.By, r.Name})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := s.remove(ctx, tenant, d); err != nil {
			return err
		}
	}
	return nil
}

// remove removes one line and writes down what came of it, in one transaction.
func (s *Reviews) remove(ctx context.Context, tenant string, d due) error {
	c, err := s.Resolve(ctx, tenant, d.by)
	if fault.Is(err, fault.NotFound) {
		return nil // it waits until somebody takes the campaign over
	}
	if err != nil {
		return err
	}
	err = s.settle(ctx, c, d, s.apply)
	switch fault.Of(err) {
	case fault.Denied, fault.Unauthorized:
		return nil
	case fault.Conflict, fault.Invalid:
		why := fault.Say(err).Text
		return s.settle(ctx, access.System(tenant, "job"), d, func(*gate.Tx, *Line) (string, error) { return failed + why, nil })
	}
	return err
}

func (s *Reviews) settle(ctx context.Context, c *access.Caller, d due, do func(*gate.Tx, *Line) (string, error)) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		n, err := tx.Exec(`insert into access_review_done (line_id, review_id, result, at) values (?, ?, '', ?) on conflict (line_id) do nothing`, int64(d.ID), int64(d.review), tx.Now)
		if err != nil {
			return err
		}
		if n == 0 { // somebody else was at it
			tx.Withdraw(e)
			return nil
		}
		result, err := do(tx, d.Line)
		if err != nil {
			return err
		}
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Text = Removed, Kind, d.ID, d.name, d.What+": "+result
		if result != gone && result != already {
			e.Result = audit.Failed
		}
		_, err = tx.Exec(`update access_review_done set result = ? where line_id = ?`, result, int64(d.ID))
		return err
	})
}

// apply removes what a line is about in the ordinary way, which has its own entry.
func (s *Reviews) apply(tx *gate.Tx, l *Line) (result string, err error) {
	err = tx.Try(func() error {
		switch l.Sort {
		case Member:
			result, err = leave(tx, l)
		case Reach:
			result, err = narrow(tx, l)
		case Role:
			result, err = s.demote(tx, l)
		case Grant:
			result, err = s.close(tx, l)
		case Key:
			result, err = gone, apikey.RevokeIn(tx, l.Object)
		}
		return err
	})
	if none(err) {
		return already, nil
	}
	return result, err
}

func without(list []id.ID, x id.ID) ([]id.ID, bool) {
	rest := slices.DeleteFunc(slices.Clone(list), func(y id.ID) bool { return y == x })
	return rest, len(rest) < len(list)
}

func leave(tx *gate.Tx, l *Line) (string, error) {
	now, err := access.Members(tx.SQL(), l.Object)
	if err != nil {
		return "", err
	}
	rest, there := without(now, l.Who)
	if !there {
		return already, nil
	}
	return gone, identity.SetMembers(tx, l.Object, rest)
}

func narrow(tx *gate.Tx, l *Line) (string, error) {
	all, now, err := access.GroupOrgs(tx.SQL(), l.Who)
	if err != nil {
		return "", err
	}
	rest, there := without(now, l.Object)
	if l.Object == 0 {
		there, all = all, false
	}
	if !there {
		return already, nil
	}
	return gone, identity.SetOrganizations(tx, l.Who, all, rest)
}

// demote leaves somebody the least role there is.
func (s *Reviews) demote(tx *gate.Tx, l *Line) (string, error) {
	u, err := s.Records.Get(tx, identity.User, l.Who)
	if err != nil {
		return "", err
	}
	role := u.Values.Text("role_name")
	if u.Archived || l.What != "has the role "+role && !narrowed(l.What, role) {
		return already, nil
	}
	if least(role) { // there is no role with less, and a customer must not become one of the staff
		return gone, s.Records.SetArchived(tx, identity.User, l.Who, true)
	}
	_, err = s.Records.Update(tx, identity.User, l.Who, 0, record.Values{"role_name": string(access.ReadOnly)})
	return gone, err
}

// least tells whether nothing is below a role: who loses it signs in no more.
func least(role string) bool {
	return role == string(access.ReadOnly) || role == string(access.SelfService)
}

// narrowed tells whether a line is about that role beside a custom one.
func narrowed(what, role string) bool {
	head := "has the role " + role + ", "
	return len(what) > len(head) && what[:len(head)] == head
}

// close takes somebody from those whom a record is open to.
func (s *Reviews) close(tx *gate.Tx, l *Line) (string, error) {
	e, err := tx.Allow(access.Restrict, gate.Thing{ID: l.Object})
	if err != nil {
		return "", err
	}
	users, groups, err := access.Grants(tx.SQL(), l.Object)
	if err != nil {
		return "", err
	}
	users, one := without(users, l.Who)
	groups, two := without(groups, l.Who)
	if !one && !two {
		tx.Withdraw(e)
		return already, nil
	}
	e.Detail.Fields = []string{"access"}
	return gone, access.SetGrants(tx.SQL(), l.Object, users, groups)
}
