// Package review lets those who answer for it look through who has access to what:
// a campaign writes down what there is, asks people about each line of it, and takes
// away what nobody stands for.
//
// Always true: a line says what was so when the campaign began and is never changed;
// it is answered once, by the person who is asked, who never is whom it is about, and
// with an entry of its own in the audit log; what is to be removed goes by the rights
// that the one who began the campaign has at that moment, exactly once; who is asked
// reads no line about a record that she may not see.
//
// Words: a campaign is one review; a line is one right of somebody; to keep and to
// remove are the answers; a line lapses that has none when the campaign ends.
package review

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// Kind is what audit entries about campaigns and their lines are about.
const Kind = "access_review"

// The actions of the audit entries. Kept, Removes and Lapsed are about a line and say
// how it was answered; Removed tells what came of it; the others are about a campaign.
const (
	Begun   = "review.begin"
	Kept    = "review.keep"
	Removes = "review.remove"
	Lapsed  = "review.lapse"
	Removed = "review.removed"
	Over    = "review.end"
	Taken   = "review.take"
)

// Topic is what notices of campaigns are about.
const Topic = "review"

// Limits.
const (
	MostLines = 20_000
	longest   = 500 // characters of a reason
	mostDays  = 365
)

// Feature is the tables of campaigns.
func Feature() record.Feature {
	return record.Feature{Name: "review", Schema: []string{
		`create table if not exists access_review (id id primary key, name text not null, scope json not null, removes int not null, remind_days int not null,
			by_id int not null, at int not null, ends_at int not null, ended_at int not null default 0)`,
		`create table if not exists access_review_line (id id primary key, review_id int not null, sort text not null, who int not null, object int not null, what text not null, asked int not null)`,
		`create index if not exists access_review_line_review on access_review_line (review_id, id)`,
		`create index if not exists access_review_line_asked on access_review_line (asked)`,
		`create table if not exists access_review_answer (line_id id primary key, review_id int not null, answer text not null, reason text not null, by_id int not null, at int not null)`,
		`create index if not exists access_review_answer_review on access_review_answer (review_id)`,
		`create table if not exists access_review_done (line_id id primary key, review_id int not null, result text not null, at int not null)`,
		`create index if not exists access_review_done_review on access_review_done (review_id)`,
	}}
}

// The sorts of lines.
const (
	Member = "member" // somebody is in a group
	Reach  = "reach"  // a group sees an organization, or all of them
	Role   = "role"   // what somebody may do
	Grant  = "grant"  // a record is open to somebody or a group by name
	Key    = "key"    // an API key
)

// Sorts lists the sorts of lines.
func Sorts() []string { return []string{Member, Reach, Role, Grant, Key} }

// Scope says what a campaign looks at. Empty lists of groups, organizations and people
// leave nothing out.
type Scope struct {
	Sorts  []string        `json:"sorts"`
	Groups []id.ID         `json:"groups,omitempty"`
	Orgs   []id.ID         `json:"organizations,omitempty"`
	People []id.ID         `json:"people,omitempty"`
	Owners map[id.ID]id.ID `json:"owners,omitempty"` // who is asked about a group, or about records of an organization
	Asked  id.ID           `json:"asked"`            // who is asked about everything else
}

// New is a campaign to be begun.
type New struct {
	Name    string
	Scope   Scope
	Days    int  // until it ends
	Remind  int  // days between reminders; 0 for none
	Removes bool // what nobody answered is removed at the end
}

// Review is a campaign.
type Review struct {
	ID      id.ID
	Name    string
	Scope   Scope
	Removes bool
	Remind  int
	By      id.ID // by whose rights things are removed
	At      int64 // Unix milliseconds, as the others
	Ends    int64
	Ended   int64 // 0 while it runs

	Lines, Kept, Removed, Lapsed int // how many, and how they were answered
	Waiting                      int // to be removed, and not removed yet
}

// Open is how many lines nobody has answered.
func (r *Review) Open() int { return r.Lines - r.Kept - r.Removed - r.Lapsed }

// Line is one right of somebody, as it was when the campaign began.
type Line struct {
	ID     id.ID
	Sort   string
	Who    id.ID  // a user or group; 0 for a key of nobody's
	Object id.ID  // group, organization, record or key; 0 for a role and for every organization
	What   string // it holds no name of a person
	Asked  id.ID

	Answer string // Kept, Removes, Lapsed, or "" for none
	Reason string
	By     id.ID
	At     int64
	Result string // what came of a removal; "" for nothing yet
	Done   int64
}

// Reviews runs campaigns. Fill the fields.
type Reviews struct {
	Gate    *gate.Gate
	Records *record.Engine
	// Resolve gives a user as she is now; NotFound when she may not sign in any more.
	Resolve func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error)
}

func (n *New) check() error {
	n.Name = strings.Join(strings.Fields(n.Name), " ")
	bad := map[string]string{}
	if n.Name == "" || utf8.RuneCountInString(n.Name) > 100 {
		bad["name"] = "Give it a name of up to 100 characters."
	}
	if n.Days < 1 || n.Days > mostDays {
		bad["days"] = fmt.Sprintf("It lasts between 1 and %d days.", mostDays)
	}
	if n.Remind < 0 || n.Remind > mostDays {
		bad["remind"] = "Say after how many days to remind, or 0 for never."
	}
	if len(n.Scope.Sorts) == 0 || slices.ContainsFunc(n.Scope.Sorts, func(s string) bool { return !slices.Contains(Sorts(), s) }) {
		bad["sorts"] = "Choose what is looked at."
	}
	return fault.Fields(bad)
}

// Begin writes down what a campaign looks at and asks those who answer for it. It is for
// administrators in person. Fault kinds: Invalid with fields, also where there is nothing to
// look at, or too much; Denied.
func (s *Reviews) Begin(ctx context.Context, c *access.Caller, n New) (made id.ID, err error) {
	err = s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := person(tx); err != nil {
			return err
		}
		if err := n.check(); err != nil {
			return err
		}
		list, err := s.collect(tx, n.Scope)
		if err != nil {
			return err
		}
		if made, err = tx.NewID(); err != nil {
			return err
		}
		r := &Review{ID: made, Name: n.Name, Ends: tx.Now + int64(n.Days)*day}
		scope, err := json.Marshal(n.Scope)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`insert into access_review (id, name, scope, removes, remind_days, by_id, at, ends_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(made), n.Name, string(scope), n.Removes, n.Remind, int64(tx.Caller.User), tx.Now, r.Ends)
		if err != nil {
			return err
		}
		for _, l := range list {
			if l.ID, err = tx.NewID(); err != nil {
				return err
			}
			_, err = tx.Exec(`insert into access_review_line (id, review_id, sort, who, object, what, asked) values (?, ?, ?, ?, ?, ?, ?)`,
				int64(l.ID), int64(made), l.Sort, int64(l.Who), int64(l.Object), l.What, int64(l.Asked))
			if err != nil {
				return err
			}
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Text = Begun, Kind, made, n.Name, fmt.Sprintf("%d lines, until %s", len(list), date(r.Ends))
		return s.ask(tx, r, "")
	})
	return made, err
}

const day = int64(24 * time.Hour / time.Millisecond)

func date(ms int64) string { return time.UnixMilli(ms).UTC().Format("2 January 2006") }

// person refuses what is nobody in person.
func person(tx *gate.Tx) error {
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return fault.New(fault.Denied, "People answer for who has access, each in person.").WithHint("Sign in to do this; an API key cannot.")
	}
	return nil
}

// ask tells those who have open lines of a campaign; again is part of the key under which
// each is told once.
func (s *Reviews) ask(tx *gate.Tx, r *Review, again string) error {
	people, err := tx.IDs(`select distinct l.asked from access_review_line l left join access_review_answer a on a.line_id = l.id
		where l.review_id = ? and a.line_id is null and l.asked <> 0 order by l.asked`, int64(r.ID))
	if err != nil || len(people) == 0 {
		return err
	}
	words := fmt.Sprintf("You are asked who may keep access: %s. Answer until %s.", r.Name, date(r.Ends))
	if again != "" {
		words = fmt.Sprintf("There are lines that you have not answered: %s. It ends on %s.", r.Name, date(r.Ends))
	}
	for part := range slices.Chunk(people, 400) {
		_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: part, Href: Path(r.ID), Own: true, Self: true, Key: "review/" + r.ID.String() + again,
			Text: []notification.Part{notification.Words(words)}})
		if err != nil {
			return err
		}
	}
	return nil
}

// Path is the page of a campaign.
func Path(r id.ID) string { return "/reviews/" + r.String() }

// Answer is how somebody answers a line.
type Answer struct {
	Line   id.ID
	Keep   bool
	Reason string
}

// Answer keeps the answers of the caller to lines that she is asked about; those that
// were answered already stay as they were. What is to be removed is removed by Settle. It
// tells how many were new. Fault kinds: Invalid with the fields "reason-LINE", NotFound,
// Conflict where the campaign has ended.
func (s *Reviews) Answer(ctx context.Context, c *access.Caller, review id.ID, answers []Answer) (n int, err error) {
	err = s.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		n = 0
		if err := person(tx); err != nil {
			return err
		}
		r, list, err := s.mine(tx, review)
		if err != nil {
			return err
		}
		if r.Ended != 0 || r.Ends <= tx.Now {
			return fault.New(fault.Conflict, "This campaign has ended.").WithHint("What was answered before is kept. Ask an administrator for a new one.")
		}
		if err := reasons(answers); err != nil {
			return err
		}
		for _, a := range answers {
			i := slices.IndexFunc(list, func(l *Line) bool { return l.ID == a.Line })
			if i < 0 {
				return gate.Missing()
			}
			if list[i].Answer != "" {
				continue
			}
			action := Kept
			if !a.Keep {
				action = Removes
			}
			if err := answer(tx, r, list[i], action, strings.TrimSpace(a.Reason)); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func reasons(answers []Answer) error {
	bad := map[string]string{}
	for _, a := range answers {
		switch n := utf8.RuneCountInString(strings.TrimSpace(a.Reason)); {
		case n > longest:
			bad["reason-"+a.Line.String()] = fmt.Sprintf("A reason has at most %d characters.", longest)
		case n == 0 && !a.Keep:
			bad["reason-"+a.Line.String()] = "Say why it is removed."
		}
	}
	return fault.Fields(bad)
}

// answer writes an answer and its entry: the evidence.
func answer(tx *gate.Tx, r *Review, l *Line, action, reason string) error {
	n, err := tx.Exec(`insert into access_review_answer (line_id, review_id, answer, reason, by_id, at) values (?, ?, ?, ?, ?, ?) on conflict (line_id) do nothing`,
		int64(l.ID), int64(r.ID), action, reason, int64(tx.Caller.User), tx.Now)
	if err != nil || n == 0 {
		return err
	}
	tx.Also(&audit.Entry{Action: action, Kind: Kind, Object: l.ID, Detail: audit.Detail{Name: r.Name, Text: l.What, Reason: reason}})
	return nil
}

// End ends a campaign before its time, as at its time: see Run.
func (s *Reviews) End(ctx context.Context, c *access.Caller, review id.ID) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := person(tx); err != nil {
			return err
		}
		r, err := one(tx, review)
		if err != nil {
			return err
		}
		return s.over(tx, r)
	})
}

// over ends a campaign, inside a change allowed as Administer. What was not answered
// lapses; where the campaign says so, it is to be removed.
func (s *Reviews) over(tx *gate.Tx, r *Review) error {
	e := tx.Entry()
	e.Action, e.Kind, e.Object, e.Detail.Name = Over, Kind, r.ID, r.Name
	if r.Ended != 0 {
		tx.Withdraw(e)
		return nil
	}
	list, err := lines(tx, `l.review_id = ? and a.line_id is null`, int64(r.ID))
	if err != nil {
		return err
	}
	for _, l := range list {
		if err := answer(tx, r, l, Lapsed, "not answered by the end"); err != nil {
			return err
		}
	}
	e.Detail.Text = fmt.Sprintf("%d lines were not answered", len(list))
	if _, err := tx.Exec(`update access_review set ended_at = ? where id = ?`, tx.Now, int64(r.ID)); err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: []id.ID{r.By}, Href: Path(r.ID), Own: true, Self: true, Key: "review/" + r.ID.String() + "/over",
		Text: []notification.Part{notification.Words(fmt.Sprintf("%s has ended; %d of its lines were not answered.", r.Name, len(list)))}})
	return err
}

// Take makes the caller, an administrator, the one by whose rights a campaign removes
// what is to be removed: where who began it has left.
func (s *Reviews) Take(ctx context.Context, c *access.Caller, review id.ID) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := person(tx); err != nil {
			return err
		}
		r, err := one(tx, review)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = Taken, Kind, r.ID, r.Name
		if r.By == tx.Caller.User {
			tx.Withdraw(e)
			return nil
		}
		_, err = tx.Exec(`update access_review set by_id = ? where id = ?`, int64(tx.Caller.User), int64(r.ID))
		return err
	})
}
