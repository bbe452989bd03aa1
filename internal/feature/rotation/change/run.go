package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/connector"
)

// patience is how long a system may take to make a change.
const patience = 90 * time.Second

// attempt is one attempt at a change.
type attempt struct {
	*Changes
	caller *access.Caller
	one    *Change
	with   *connector.Connector
	do     connector.Change
}

// Handler makes changes, and settles those that were cut short.
func (s *Changes) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		a := &attempt{Changes: s, caller: run.Caller}
		var place *Place
		err := s.Gate.View(ctx, a.caller, func(tx *gate.Tx) (err error) {
			if a.one, err = One(tx, p.Record, p.Change); err != nil {
				return err
			}
			place, err = PlaceOf(tx, p.Record)
			return err
		})
		if err != nil {
			return err
		}
		switch a.one.State {
		case Waiting:
			err = a.begin(ctx, place)
		case Changing, Unknown:
			err = a.again(ctx, place)
		}
		if err != nil && ctx.Err() == nil && a.one.State == Waiting { // the system was told nothing
			err = ended(err, a.end(ctx, Unchanged, Dropped, err))
		}
		return err
	}
}

// ended is what becomes of a job whose change has ended: the change says why it went as
// it did, and to try again is for people.
func ended(why, failed error) error {
	if failed != nil || fault.Is(why, fault.Internal) {
		return errors.Join(why, failed)
	}
	return nil
}

// prepare reveals what the change takes: what is revealed is in the audit log.
func (a *attempt) prepare(ctx context.Context, p *Place) (err error) {
	if p == nil {
		return fault.New(fault.Conflict, "It was not said where this password is changed.").WithHint("A manager says it on the password's page, under Change at its system.")
	}
	if a.with = a.Connector(p.System); a.with == nil {
		return fault.New(fault.Conflict, "This server has no connector for systems of the sort %s.", p.System).WithHint("Choose another sort, or change the password by hand.")
	}
	a.do.Target = p.Target
	if a.do.Now, err = a.reveal(ctx, a.one.Record, field); err != nil || p.By == 0 {
		a.do.By = connector.Login{Name: p.Account, Secret: a.do.Now, Own: true}
		return err
	}
	var by *record.Record
	err = a.Gate.View(ctx, a.caller, func(tx *gate.Tx) (err error) { by, err = a.Records.Get(tx, filed.Password, p.By); return err })
	if err != nil {
		return fault.Wrap(err, fault.Conflict, "The password that signs in to make the change is not there, or you may not see it.")
	}
	a.do.By.Name = by.Values.Text("username")
	a.do.By.Secret, err = a.reveal(ctx, p.By, field)
	return err
}

func (a *attempt) reveal(ctx context.Context, rec id.ID, name string) (string, error) {
	return a.Secrets.Reveal(ctx, a.caller, secret.Ref{Kind: filed.Password, Object: rec, Field: name}, a.reason())
}

func (a *attempt) reason() string { return "change " + a.one.ID.String() + " of the password" }

// begin tries what can be tried, keeps the new value, tells the system, and settles.
func (a *attempt) begin(ctx context.Context, p *Place) error {
	if err := a.prepare(ctx, p); err != nil {
		return err
	}
	tell, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	next, err := connector.Generate(a.Random)
	if err != nil {
		return err
	}
	a.do.Next = next
	opens, err := a.with.Opens(tell, p.Target, a.do.Now)
	if err == nil && !opens {
		err = fault.New(fault.Conflict, "The present password does not open the account, so it could not be told afterwards which one does.").WithHint("Enter the right password first.")
	}
	if err == nil {
		err = a.with.Check(tell, a.do)
	}
	if err != nil {
		return err
	}
	if a.one.Dry {
		return a.end(ctx, Fine, Checked, nil)
	}
	if err := a.keep(ctx, p); err != nil {
		return err
	}
	failed := a.with.Change(tell, a.do)
	return a.settle(context.WithoutCancel(ctx), failed)
}

// keep makes the new value durable, and says that the system is being told.
func (a *attempt) keep(ctx context.Context, p *Place) error {
	err := a.change(ctx, func(tx *gate.Tx, e *audit.Entry) error {
		now, err := PlaceOf(tx, a.one.Record)
		if err != nil {
			return err
		}
		if now == nil || *now != *p {
			return fault.New(fault.Conflict, "Meanwhile somebody said that it is changed elsewhere.").WithHint("Look at the page again, and begin anew.")
		}
		n, err := tx.Exec(`update rotation_change set state = ? where id = ? and state = ?`, Changing, int64(a.one.ID), Waiting)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "This change was begun already.").WithHint("Wait for it, or look at the password's page for what became of it.")
		}
		if err != nil {
			return err
		}
		e.Action, e.Detail.Text, e.Detail.Fields = Begun, p.Account+" at "+p.Address, []string{field}
		return a.pend(tx, e, a.do.Next)
	})
	if err == nil {
		a.one.State = Changing
	}
	return err
}

// pend keeps a value that is not the password yet; an empty one takes it out of what is
// kept as the next.
func (a *attempt) pend(tx *gate.Tx, e *audit.Entry, text string) error {
	_, err := secret.Put(tx, secret.Place{Kind: filed.Password, Org: e.Org, Object: a.one.Record, Field: filed.Pending}, text, secret.Note{Reason: a.reason()})
	return err
}

// change is a change of the password's record.
func (a *attempt) change(ctx context.Context, fn func(*gate.Tx, *audit.Entry) error) error {
	who := *a.caller
	who.Reason = a.reason()
	return a.Gate.Change(ctx, &who, access.Edit, gate.Thing{Kind: filed.Password, ID: a.one.Record}, func(tx *gate.Tx) error { return fn(tx, tx.Entry()) })
}

// again finds out how a change stands that was cut short.
func (a *attempt) again(ctx context.Context, p *Place) error {
	err := a.prepare(ctx, p)
	if err == nil {
		a.do.Next, err = a.reveal(ctx, a.one.Record, filed.Pending)
	}
	if err != nil {
		return errors.Join(err, a.unknown(ctx, err))
	}
	return a.settle(ctx, fault.New(fault.Unavailable, "The change was cut short before the system had taken the new password.").WithHint("Nothing is lost: the password is what it was. Change it again."))
}

// settle sees which of both values opens the account, and writes down what that means;
// failed is what the change ended with.
func (a *attempt) settle(ctx context.Context, failed error) error {
	ask, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	next, err := a.with.Opens(ask, a.do.Target, a.do.Next)
	if err == nil && next {
		return a.done(ctx)
	}
	var now bool
	if err == nil {
		now, err = a.with.Opens(ask, a.do.Target, a.do.Now)
	}
	switch {
	case err == nil && now && failed == nil:
		failed = fault.New(fault.Unavailable, "The system said that it changed the password, and goes on taking the earlier one.").WithHint("The earlier password stays. Find out at the system why, and begin anew.")
		fallthrough
	case err == nil && now:
		return ended(failed, a.end(ctx, Unchanged, Dropped, failed))
	case err == nil:
		err = fault.New(fault.Conflict, "The system takes neither the earlier nor the new password.").WithHint("Set one of the two at the system itself, and have it looked at again.")
	}
	return errors.Join(err, a.unknown(ctx, err))
}

// done makes the new value the password.
func (a *attempt) done(ctx context.Context) error {
	return a.change(ctx, func(tx *gate.Tx, e *audit.Entry) error {
		also := *e
		if _, err := a.Records.Update(tx, filed.Password, a.one.Record, 0, record.Values{field: a.do.Next}); err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: Settled, Kind: also.Kind, Object: also.Object, Org: also.Org, Version: e.Version, Detail: audit.Detail{Name: also.Detail.Name, Fields: []string{field}}})
		return errors.Join(a.pend(tx, e, ""), a.write(tx, Done, nil))
	})
}

// end ends a change that left the password as it was.
func (a *attempt) end(ctx context.Context, state, action string, why error) error {
	err := a.change(context.WithoutCancel(ctx), func(tx *gate.Tx, e *audit.Entry) error {
		e.Action = action
		if why != nil {
			e.Detail.Text = fault.Say(why).Text
		}
		if a.one.State != Waiting {
			if err := a.pend(tx, e, ""); err != nil {
				return err
			}
		}
		return a.write(tx, state, why)
	})
	if err == nil {
		a.one.State = state
	}
	return err
}

// write says how a change ended.
func (a *attempt) write(tx *gate.Tx, state string, why error) error {
	text, hint := "", ""
	if why != nil {
		said := fault.Say(why)
		text, hint = said.Text, said.Hint
	}
	n, err := tx.Exec(`update rotation_change set state = ?, said = ?, hint = ?, ended_at = ? where id = ? and state in (?, ?, ?)`,
		state, text, hint, tx.Now, int64(a.one.ID), Waiting, Changing, Unknown)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "Meanwhile this change was settled.").WithHint("Look at the password's page for what became of it.")
	}
	return err
}

// unknown leaves a change to people, and tells them.
func (a *attempt) unknown(ctx context.Context, why error) error {
	err := a.Gate.Change(context.WithoutCancel(ctx), access.System(a.caller.Tenant, "job"), access.Edit, gate.Thing{Kind: filed.Password, ID: a.one.Record}, func(tx *gate.Tx) error {
		return a.leave(tx, why)
	})
	if err == nil {
		a.one.State = Unknown
	}
	return err
}

func (a *attempt) leave(tx *gate.Tx, why error) error {
	e := tx.Entry()
	e.Action, e.Detail.Text = Open, fault.Say(why).Text
	if err := a.write(tx, Unknown, why); err != nil {
		return err
	}
	to, err := tx.IDs(`select user_id from access_principal where role = ? and active = 1 order by user_id`, string(access.Administrator))
	if err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: "rotation", To: append(to, a.one.User), Record: a.one.Record, Own: true, Self: true, Key: fmt.Sprintf("change/%d", int64(a.one.ID)),
		Text: []notification.Part{notification.Words("It could not be found out whether the new password was taken by the system that"), notification.Of(a.one.Record), notification.Words("opens. Both values are kept.")}})
	return err
}
