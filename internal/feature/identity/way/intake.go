package way

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
)

// intake is one import of everybody in a directory. Each person is a transaction of
// her own that looks at what is there, so that it may be interrupted and done again:
// what was done is found done.
type intake struct {
	*Ways
	run    *job.Run
	x      *Way
	set    Import
	people []method.Listed
	report *ImportReport
	coming map[string]bool // the addresses of those who became users in this run

	known int        // users whom the way made and who work
	todo  []newcomer // who is not here as she is there
	gone  []id.ID    // whom the way made, and who is not there any more
}

// newcomer is somebody of the directory, with what is stored of her name and of how
// she is.
type newcomer struct {
	method.Listed
	subject, print []byte
}

// errDry undoes what was only tried.
var errDry = errors.New("only to see")

func (n *intake) do(ctx context.Context) error {
	if len(n.people) == 0 {
		return fault.New(fault.Conflict, "The directory lists nobody: nothing was changed.").WithHint("Test the way in: the account that looks people up may have lost its rights.")
	}
	n.report.People = len(n.people)
	if err := n.Gate.View(ctx, n.run.Caller, n.plan); err != nil {
		return err
	}
	for i, p := range n.todo {
		if n.run.Cancelled() {
			return job.ErrCancelled
		}
		n.run.Progress(int64(i), int64(len(n.todo)+len(n.gone)), label(&p.Claim))
		if err := n.one(ctx, func(tx *gate.Tx) (ImportChange, error) { return n.take(tx, p) }); err != nil {
			return err
		}
	}
	if most := max(3, n.known*n.set.Most/100); len(n.gone) > most {
		n.report.Stopped = fmt.Sprintf("%d of %d users would be archived because the directory does not list them any more. That is more than the settings allow at once, so none is.", len(n.gone), n.known)
	} else if err := n.archive(ctx); err != nil {
		return err
	}
	return errors.Join(n.note(ctx), n.run.Result(n.report))
}

// archive takes those out of use who are not in the directory any more.
func (n *intake) archive(ctx context.Context) error {
	for i, user := range n.gone {
		if n.run.Cancelled() {
			return job.ErrCancelled
		}
		n.run.Progress(int64(len(n.todo)+i), int64(len(n.todo)+len(n.gone)), "Who is missing")
		if err := n.one(ctx, func(tx *gate.Tx) (ImportChange, error) { return n.miss(tx, user) }); err != nil {
			return err
		}
	}
	return nil
}

// plan finds who is not here as in the directory.
func (n *intake) plan(tx *gate.Tx) error {
	var err error
	if n.set, err = n.ImportOf(tx, n.x.ID); err != nil {
		return err
	}
	type row struct {
		print []byte
		user  id.ID
		works bool // made by the way, and neither archived nor deleted
	}
	rows, err := tx.Query(`select l.subject, l.print, l.user_id, case when l.made = 1 and r.archived = 0 and r.trashed_at is null then 1 else 0 end
		from sign_in_link l join record r on r.id = l.user_id where l.way_id = ?`, int64(n.x.ID))
	if err != nil {
		return err
	}
	defer rows.Close()
	here := map[string]row{}
	for rows.Next() {
		var subject []byte
		var user int64
		var r row
		if err := rows.Scan(&subject, &r.print, &user, &r.works); err != nil {
			return err
		}
		r.user = id.ID(user)
		here[string(subject)] = r
		if r.works {
			n.known++
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, p := range n.people {
		c := newcomer{Listed: p}
		if c.subject, err = subjectOf(tx, n.x.ID, p.Subject); err != nil {
			return err
		}
		if c.print, err = n.printOf(tx, p); err != nil {
			return err
		}
		r, ok := here[string(c.subject)]
		delete(here, string(c.subject))
		if ok && bytes.Equal(r.print, c.print) {
			n.report.Same++
			continue
		}
		n.todo = append(n.todo, c)
	}
	for _, r := range here {
		if r.works {
			n.gone = append(n.gone, r.user)
		}
	}
	slices.Sort(n.gone)
	return nil
}

// printOf is another one when somebody, or what becomes of her here, has changed.
func (n *intake) printOf(tx *gate.Tx, p method.Listed) ([]byte, error) {
	groups := slices.Sorted(slices.Values(p.Groups))
	return digest(tx, "person", append([]string{n.x.ID.String(), fmt.Sprint(n.x.Version, n.set.Create, n.set.Groups), p.Email, p.FirstName, p.LastName}, groups...)...)
}

// one does something with one person in a transaction of its own; in a dry run it is
// undone. What cannot be done with her is reported, and the next is done.
func (n *intake) one(ctx context.Context, f func(tx *gate.Tx) (ImportChange, error)) error {
	var out ImportChange
	err := n.Gate.Change(ctx, n.run.Caller, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // what is changed has its own entries
		err := tx.Try(func() (err error) {
			if out, err = f(tx); err == nil && n.report.Dry {
				err = errDry
			}
			return err
		})
		switch {
		case errors.Is(err, errDry):
			return nil
		case fault.Is(err, fault.Denied), fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
			out = ImportChange{Skipped, out.Who, fault.Say(err).Text}
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if out.Sort == "" {
		n.report.Same++
	} else {
		n.report.add(out.Sort, out.Who, out.Text)
	}
	return nil
}

// take makes a user of somebody, or gives the user that she is what she has there.
func (n *intake) take(tx *gate.Tx, p newcomer) (out ImportChange, err error) {
	out.Who = label(&p.Claim)
	c := p.Claim
	c.Method, c.Way = n.x.Kind, n.x.ID
	var user int64
	var made, gone, archived, trashed bool
	err = tx.QueryRow(`select l.user_id, l.made, l.gone, r.archived, case when r.trashed_at is null then 0 else 1 end
		from sign_in_link l join record r on r.id = l.user_id where l.way_id = ? and l.subject = ?`, int64(n.x.ID), p.subject).Scan(&user, &made, &gone, &archived, &trashed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return n.newUser(tx, out, p, &c)
	case err != nil:
		return out, err
	case trashed:
		return ImportChange{Skipped, out.Who, "She was deleted here."}, nil
	case !made:
		return ImportChange{}, n.printed(tx, p) // an administrator or she herself connected her: only that is taken from there
	case archived && !gone:
		return ImportChange{Skipped, out.Who, "She was archived here."}, nil
	}
	c.User = id.ID(user)
	before, err := stateOf(tx, c.User)
	if err != nil {
		return out, err
	}
	if archived {
		if err := n.Records.SetArchived(tx, identity.User, c.User, false); err != nil {
			return out, err
		}
	}
	if err := n.rename(tx, &c); err != nil {
		return out, err
	}
	if err := n.settle(tx, p, &c); err != nil {
		return out, err
	}
	after, err := stateOf(tx, c.User)
	if err != nil {
		return out, err
	}
	if out.Text = after.since(before); archived {
		out.Sort = Back
	} else if out.Text != "" {
		out.Sort = Changed
	}
	return out, nil
}

func (n *intake) newUser(tx *gate.Tx, out ImportChange, p newcomer, c *method.Claim) (ImportChange, error) {
	if !n.set.Create {
		return ImportChange{Skipped, out.Who, "Nobody here is connected with her."}, nil
	}
	if !strings.Contains(c.Email, "@") {
		return ImportChange{Skipped, out.Who, "The directory shows no e-mail address, which a user needs."}, nil
	}
	if who := strings.ToLower(c.Email); n.report.Dry && n.coming[who] { // the first of them is not there to meet
		return ImportChange{Skipped, out.Who, "There is already a user with this e-mail address."}, nil
	}
	people := n.x.People
	people.Create = true
	err := people.admits(n.x, c)
	if err == nil {
		c.User, err = n.make(tx, n.x, c, p.subject)
		if why, ok := errors.AsType[*fault.Error](errors.Unwrap(err)); ok { // what she would be told is not for who reads the report
			err = why
		}
	}
	if err == nil {
		err = n.settle(tx, p, c)
	}
	if err != nil {
		return out, err
	}
	n.coming[strings.ToLower(c.Email)] = true
	s, err := stateOf(tx, c.User)
	out.Sort, out.Text = Made, s.since(state{})
	return out, err
}

// rename gives a user the name and address that she has in the directory.
func (n *intake) rename(tx *gate.Tx, c *method.Claim) error {
	r, err := n.Records.Get(tx, identity.User, c.User)
	if err != nil {
		return err
	}
	v := record.Values{}
	for field, text := range map[string]string{"email": c.Email, "first_name": c.FirstName, "last_name": c.LastName} {
		if text != r.Values.Text(field) && (text != "" || field != "email") {
			v[field] = text
		}
	}
	if len(v) == 0 {
		return nil
	}
	_, err = n.Records.Update(tx, identity.User, c.User, 0, v)
	return err
}

// settle gives a user her groups and role, and notes that she is as in the directory.
func (n *intake) settle(tx *gate.Tx, p newcomer, c *method.Claim) error {
	if err := n.mapped(tx, n.x, c); err != nil {
		return err
	}
	if n.set.Groups {
		if err := n.teams(tx, p, c.User); err != nil {
			return err
		}
	}
	return n.printed(tx, p)
}

func (n *intake) printed(tx *gate.Tx, p newcomer) error {
	_, err := tx.Exec(`update sign_in_link set print = ?, gone = 0, label = ? where way_id = ? and subject = ?`, p.print, label(&p.Claim), int64(n.x.ID), p.subject)
	return err
}

// miss takes a user out of use who is not in the directory any more.
func (n *intake) miss(tx *gate.Tx, user id.ID) (ImportChange, error) {
	r, err := n.Records.Get(tx, identity.User, user)
	if err != nil {
		return ImportChange{}, err
	}
	out := ImportChange{Off, r.Name, ""}
	if err := n.Records.SetArchived(tx, identity.User, user, true); err != nil {
		return out, err
	}
	_, err = tx.Exec(`update sign_in_link set gone = 1, print = null where way_id = ? and user_id = ?`, int64(n.x.ID), int64(user))
	return out, err
}

// note records the import with what came of it.
func (n *intake) note(ctx context.Context) error {
	r := n.report
	text := fmt.Sprintf("%d people: %d made, %d changed, %d back, %d archived, %d skipped", r.People, r.Counts[Made], r.Counts[Changed], r.Counts[Back], r.Counts[Off], r.Counts[Skipped])
	if r.Dry {
		text = "would be: " + text
	}
	return n.Gate.Note(ctx, n.run.Caller, &audit.Entry{Action: "sign-in-way.imported", Kind: thing, Object: n.x.ID, Count: int64(r.People), Detail: audit.Detail{Name: n.x.Name, Text: text}})
}

// state is what an import changes of a user.
type state struct {
	email, name, role string
	groups            []string
}

func stateOf(tx *gate.Tx, user id.ID) (s state, err error) {
	if err := tx.QueryRow(`select u.email, r.name, u.role_name from k_user u join record r on r.id = u.id where u.id = ?`, int64(user)).Scan(&s.email, &s.name, &s.role); err != nil {
		return s, err
	}
	rows, err := tx.Query(`select r.name from access_member m join record r on r.id = m.group_id where m.user_id = ? order by r.name, r.id`, int64(user))
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return s, err
		}
		s.groups = append(s.groups, name)
	}
	return s, rows.Err()
}

// since says what is other than before.
func (s state) since(before state) string {
	var out []string
	if before.name != "" && s.name != before.name {
		out = append(out, "name: "+s.name)
	}
	if before.email != "" && s.email != before.email {
		out = append(out, "e-mail address: "+s.email)
	}
	if s.role != before.role {
		out = append(out, "role: "+s.role)
	}
	for _, g := range s.groups {
		if !slices.Contains(before.groups, g) {
			out = append(out, "joins "+g)
		}
	}
	for _, g := range before.groups {
		if !slices.Contains(s.groups, g) {
			out = append(out, "leaves "+g)
		}
	}
	return strings.Join(out, ", ")
}
