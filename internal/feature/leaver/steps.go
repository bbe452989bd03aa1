package leaver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/notification"
)

// atOnce is how much is done in one transaction.
const atOnce = 50

// step is a part of the process. do does some of it and tells whether there is more; it
// counts what it did.
type step struct {
	title string
	do    func(l *Leavers, tx *gate.Tx, g *Leaving) (more bool, err error)
}

// steps lists the parts in their order. That she may not sign in any more comes before
// all of them.
func steps() []step {
	return []step{
		{"API keys are revoked", (*Leavers).keys},
		{"She is taken out of groups", (*Leavers).groups},
		{"Records are closed that were open to her by name", (*Leavers).grants},
		{"Owners of vaults are told to end her access", (*Leavers).vaults},
		{"What she answered for is given to somebody else", (*Leavers).hand},
		{"A handover of personal passwords is asked for", (*Leavers).personal},
		{"Passwords that she has seen are put forward to be changed", (*Leavers).seen},
		{"Shares with people outside and check-outs of hers are ended", (*Leavers).shares}, // what is new stands last: processes that go on count the steps
		{"She is taken off the lists of teams", (*Leavers).teams},
	}
}

// Titles names the steps, for people.
func Titles() (out []string) {
	for _, s := range steps() {
		out = append(out, s.title)
	}
	return out
}

// Handler does the jobs.
func (l *Leavers) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var leaving id.ID
		if err := run.Payload(&leaving); err != nil {
			return err
		}
		return l.Work(ctx, run.Caller, leaving, func(done int, title string) error {
			run.Progress(int64(done), int64(len(steps())), title)
			if run.Cancelled() {
				return job.ErrCancelled
			}
			return nil
		})
	}
}

// Work does what is left to be done, by the rights of c. What was done stays done: it can
// stop anywhere and be called again.
func (l *Leavers) Work(ctx context.Context, c *access.Caller, leaving id.ID, progress func(done int, title string) error) error {
	for {
		over := false
		err := l.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			g, err := read(tx, columns+`where id = ?`, int64(leaving))
			if err == nil && g == nil {
				err = gate.Missing()
			}
			if err != nil {
				return err
			}
			if over = g.Ended != 0; over {
				tx.Withdraw(tx.Entry())
				return nil
			}
			return l.one(tx, g, progress)
		})
		if err != nil || over {
			return err
		}
	}
}

// one does a part of a step and keeps how far it came, in one transaction.
func (l *Leavers) one(tx *gate.Tx, g *Leaving, progress func(int, string) error) error {
	all, e := steps(), tx.Entry()
	e.Kind, e.Object = identity.User, g.User
	if g.Step >= len(all) {
		e.Action, e.Detail.Text = Over, summary(g.Counts)
		_, err := tx.Exec(`update leaver set ended_at = ? where id = ?`, tx.Now, int64(g.ID))
		return err
	}
	if err := progress(g.Step, all[g.Step].title); err != nil {
		return err
	}
	before := fmt.Sprint(g.Counts)
	more, err := all[g.Step].do(l, tx, g)
	if err != nil {
		return err
	}
	e.Action, e.Detail.Text = Did, all[g.Step].title
	if before == fmt.Sprint(g.Counts) {
		tx.Withdraw(e)
	}
	if !more {
		g.Step, g.part, g.after = g.Step+1, 0, 0
	}
	counts, err := json.Marshal(g.Counts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update leaver set step = ?, part = ?, after = ?, counts = ? where id = ?`, g.Step, g.part, g.after, string(counts), int64(g.ID))
	return err
}

func summary(counts map[string]int) string {
	var out string
	for _, k := range Counted() {
		if n := counts[k]; n > 0 {
			out += fmt.Sprintf(", %s: %d", k, n)
		}
	}
	if out == "" {
		return "there was nothing else to do"
	}
	return out[2:]
}

// What is counted.
const (
	Keys     = "keys revoked"
	Groups   = "groups left"
	Grants   = "records closed"
	Vaults   = "vaults to be closed by their owners"
	Handed   = "records handed over"
	Left     = "records that could not be handed over"
	Personal = "personal passwords to be handed over"
	Seen     = "passwords to be changed"
	Links    = "shares and check-outs ended"
	Teams    = "teams left"
)

// Counted lists what is counted, in order.
func Counted() []string {
	return []string{Keys, Groups, Grants, Vaults, Handed, Left, Personal, Seen, Links, Teams}
}

func (g *Leaving) add(what string, n int) {
	if n == 0 {
		return
	}
	if g.Counts == nil {
		g.Counts = map[string]int{}
	}
	g.Counts[what] += n
}

func (l *Leavers) keys(tx *gate.Tx, g *Leaving) (bool, error) {
	q, args := `select id from api_key where owner_id = ?`, []any{int64(g.User)}
	if g.Made {
		q, args = q+` or owner_id = 0 and created_by = ?`, append(args, int64(g.User))
	}
	list, err := tx.IDs(q+` order by id limit ?`, append(args, atOnce)...)
	for _, k := range list {
		if err == nil {
			err = apikey.RevokeIn(tx, k)
		}
	}
	g.add(Keys, len(list))
	return len(list) == atOnce, err
}

func (l *Leavers) groups(tx *gate.Tx, g *Leaving) (bool, error) {
	list, err := tx.IDs(`select m.group_id from access_member m join record r on r.id = m.group_id where m.user_id = ? and r.archived = 0 and r.trashed_at is null order by m.group_id limit ?`, int64(g.User), atOnce)
	if err != nil {
		return false, err
	}
	for _, group := range list {
		members, err := access.Members(tx.SQL(), group)
		if err != nil {
			return false, err
		}
		if err := identity.SetMembers(tx, group, without(members, g.User)); err != nil {
			return false, err
		}
	}
	g.add(Groups, len(list))
	return len(list) == atOnce, nil
}

func without(list []id.ID, x id.ID) []id.ID {
	return slices.DeleteFunc(slices.Clone(list), func(y id.ID) bool { return y == x })
}

func (l *Leavers) grants(tx *gate.Tx, g *Leaving) (bool, error) {
	list, err := tx.IDs(`select g.record_id from access_grant g join record r on r.id = g.record_id where g.user_id = ? and g.record_id > ? and r.trashed_at is null order by g.record_id limit ?`, int64(g.User), g.after, atOnce)
	if err != nil {
		return false, err
	}
	for _, rec := range list {
		e, err := tx.Allow(access.Restrict, gate.Thing{ID: rec})
		if err != nil {
			return false, err
		}
		users, groups, err := access.Grants(tx.SQL(), rec)
		if err != nil {
			return false, err
		}
		e.Detail.Fields = []string{"access"}
		if err := access.SetGrants(tx.SQL(), rec, without(users, g.User), groups); err != nil {
			return false, err
		}
		g.after = int64(rec)
	}
	g.add(Grants, len(list))
	return len(list) == atOnce, nil
}

// vaults tells the owners of vaults that somebody who left has access to: only a client of
// theirs can make the new key that keeps her out.
func (l *Leavers) vaults(tx *gate.Tx, g *Leaving) (bool, error) {
	owners, err := tx.IDs(`select distinct v.owner_id from vault_grant g join vault v on v.id = g.vault_id where g.user_id = ? and v.owner_id <> g.user_id order by v.owner_id`, int64(g.User))
	if err != nil {
		return false, err
	}
	var n int
	if err := count(tx, &n, `select count(*) from vault_grant g join vault v on v.id = g.vault_id where g.user_id = ? and v.owner_id <> g.user_id`, int64(g.User)); err != nil {
		return false, err
	}
	g.add(Vaults, n)
	for part := range slices.Chunk(owners, 400) {
		_, err := notification.Send(tx, notification.Notice{Topic: "rotation", To: part, Href: "/vault", Own: true, Self: true, Key: "leaver/" + g.ID.String() + "/vault",
			Text: []notification.Part{notification.Words("End the access to your vaults, which makes a new key, of somebody who left:"), notification.Of(g.User)}})
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// hand gives somebody else what she answers for, field by field.
func (l *Leavers) hand(tx *gate.Tx, g *Leaving) (bool, error) {
	all := l.fields()
	if g.To == 0 || g.part >= len(all) {
		return false, nil
	}
	f := all[g.part]
	list, err := tx.IDs(`select r.id `+f.from+` and r.id > ? order by r.id limit ?`, int64(g.User), g.after, atOnce)
	if err != nil {
		return false, err
	}
	for _, rec := range list {
		g.after = int64(rec)
		err := tx.Try(func() error {
			_, err := l.Records.Update(tx, f.kind, rec, 0, record.Values{f.name: g.To})
			return err
		})
		switch k := fault.Of(err); {
		case err == nil:
			g.add(Handed, 1)
		case k == fault.Invalid || k == fault.Conflict || k == fault.NotFound:
			g.add(Left, 1)
		default:
			return false, err
		}
	}
	if len(list) < atOnce {
		g.part, g.after = g.part+1, 0
	}
	return true, nil
}

// personal asks for the handover of personal passwords, which another administrator
// agrees to.
func (l *Leavers) personal(tx *gate.Tx, g *Leaving) (bool, error) {
	var n int
	if err := count(tx, &n, `select count(*) from record where kind = 'personal_password' and trashed_at is null and parent_id = ? and parent_id <> 0`, int64(g.User)); err != nil || n == 0 {
		return false, err
	}
	g.add(Personal, n)
	if g.To == 0 || tx.Caller.User == 0 { // somebody asks in person, on the page of handovers
		return false, nil
	}
	err := tx.Try(func() error {
		e := &audit.Entry{Kind: identity.User, Object: g.User}
		tx.Also(e)
		_, err := l.Handover(tx, e, g.User, g.To, g.Reason)
		return err
	})
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		return false, nil // it was asked for already
	}
	return false, err
}

// seen counts the passwords whose present value she knows: they stand among the passwords
// at risk until they are changed.
func (l *Leavers) seen(tx *gate.Tx, g *Leaving) (bool, error) {
	list, err := l.Risks.SeenBy(tx, g.User)
	if err != nil {
		return false, err
	}
	g.add(Seen, len(list))
	if len(list) == 0 || g.By == 0 {
		return false, nil
	}
	_, err = notification.Send(tx, notification.Notice{Topic: "rotation", To: []id.ID{g.By}, Href: "/users/" + g.User.String() + "/seen", Own: true, Self: true, Key: "leaver/" + g.ID.String() + "/seen",
		Text: []notification.Part{notification.Words(fmt.Sprintf("%d passwords are to be changed, as they are known to", len(list))), notification.Of(g.User)}})
	return false, err
}

// shares ends what she has opened to people outside, and her check-outs.
func (l *Leavers) shares(tx *gate.Tx, g *Leaving) (bool, error) {
	n, err := l.Shares(tx, g.User, atOnce)
	if err != nil {
		return false, err
	}
	g.add(Links, n)
	if n == atOnce {
		return true, nil
	}
	n, err = l.Checkouts(tx, g.User)
	g.add(Links, n)
	return false, err
}

// lists gives the records of the whole tenant, such as teams, on whose list of people a
// user stands, each with the field and who else does.
func (l *Leavers) lists(tx *gate.Tx, user id.ID) (out []listed, err error) {
	for _, k := range l.Records.Kinds.Kinds() {
		for _, f := range k.Fields {
			if k.Scope != record.OfTenant || k.Name == identity.User || f.Type != record.Refs || f.Ref != identity.User || f.ReadOnly {
				continue
			}
			p, err := l.Records.List(tx, k.Name, record.Query{Limit: 500, NoTotal: true, Archived: "no", Only: []string{f.Name}})
			if err != nil {
				return nil, err
			}
			for _, r := range p.Records {
				if all := r.Values.IDs(f.Name); slices.Contains(all, user) {
					out = append(out, listed{k.Name, f.Name, r.ID, without(all, user)})
				}
			}
		}
	}
	return out, nil
}

// listed is a record with a list of people that somebody stands on.
type listed struct {
	kind, field string
	id          id.ID
	others      []id.ID
}

func (l *Leavers) teams(tx *gate.Tx, g *Leaving) (bool, error) {
	list, err := l.lists(tx, g.User)
	if err != nil {
		return false, err
	}
	for _, x := range list {
		if _, err := l.Records.Update(tx, x.kind, x.id, 0, record.Values{x.field: x.others}); err != nil {
			return false, err
		}
	}
	g.add(Teams, len(list))
	return false, nil
}
