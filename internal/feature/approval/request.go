package approval

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/limit"
)

// What can be asked for.
const (
	See   = "see"   // to see the secrets of a password
	Lift  = "lift"  // that a password or folder does not demand approval any more
	Share = "share" // that it does not demand to be checked out any more
	Age   = "age"   // that a password, what lies in a folder, or what is of a category may become older
)

// The states of what was asked for.
const (
	Open      = "open"
	Granted   = "granted"
	Declined  = "refused"
	Withdrawn = "withdrawn" // by who asked or by an approver, before or after it was granted
	Lapsed    = "lapsed"    // nobody decided in time
	Over      = "over"      // its time is over
	Changed   = "changed"   // the secret is another since
)

// Request is something that was asked for.
type Request struct {
	ID         id.ID
	Record     id.ID
	Kind, Name string // of the record
	User       id.ID
	UserName   string
	What       string // See, Lift, Share or Age
	Days       int    // of Age: how old, as for limit.Set, or limit.None
	Reason     string
	Minutes    int    // for how long
	Needed     int    // approvals
	Given      int    // approvals so far
	State      string // as it is now
	At, Ends   int64  // Unix milliseconds; Ends is 0 until it is granted

	versions int64
	org      id.ID // of the record
}

// Vote is what somebody said to a request.
type Vote struct {
	User  id.ID
	Name  string
	Yes   bool
	Own   bool // an administrator for herself
	Words string
	At    int64
}

// Ask asks for an approval for the caller, and tells those who may give it. Fault
// kinds: Invalid for "reason" or "minutes", Conflict when she asked already.
func Ask(tx *gate.Tx, what, kind string, rec id.ID, reason string, minutes int) (id.ID, error) {
	return ask(tx, &Request{What: what, Kind: kind, Record: rec, Reason: reason, Minutes: minutes})
}

// AskAge asks, as Ask does, that something may become so many days old, with 0 as old
// as it likes, or with limit.None as a less specific policy says.
func AskAge(tx *gate.Tx, kind string, rec id.ID, reason string, days int) (id.ID, error) {
	if days < limit.None || days > limit.Longest {
		return 0, fault.Field("days", "Choose a number of days from 1 to %d, or 0 for no limit.", limit.Longest)
	}
	return ask(tx, &Request{What: Age, Kind: kind, Record: rec, Reason: reason, Minutes: int(Usual.Minutes()), Days: days})
}

func ask(tx *gate.Tx, r *Request) (id.ID, error) {
	what, kind, rec := r.What, r.Kind, r.Record
	e, err := mayAsk(tx, what, kind, rec)
	if err != nil {
		return 0, err
	}
	reason, minutes := strings.Join(strings.Fields(r.Reason), " "), r.Minutes
	switch {
	case tx.Caller.User == 0:
		return 0, fault.New(fault.Denied, "Only people ask for approval.")
	case reason == "":
		return 0, fault.Field("reason", "Say why you need it.")
	case utf8.RuneCountInString(reason) > longest:
		return 0, fault.Field("reason", "A reason has at most %d characters.", longest)
	case minutes < 1 || minutes > int(Most.Minutes()):
		return 0, fault.Field("minutes", "Choose a time of at most 24 hours.")
	}
	needed, err := r.needs(tx)
	if err != nil {
		return 0, err
	}
	if needed == 0 {
		return 0, fault.New(fault.Conflict, "This demands no approval.")
	}
	mine, err := requests(tx, `q.record_id = ? and q.user_id = ? and q.what = ?`, int64(rec), int64(tx.Caller.User), what)
	if err != nil {
		return 0, err
	}
	if slices.ContainsFunc(mine, func(r *Request) bool { return r.State == Open }) {
		return 0, fault.New(fault.Conflict, "You have asked already, and nobody has decided yet.")
	}
	rid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(`insert into approval_request (id, record_id, user_id, what, reason, minutes, needed, state, at, ends_at, versions, days) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)`,
		int64(rid), int64(rec), int64(tx.Caller.User), what, reason, minutes, needed, Open, tx.Now, r.Days)
	if err != nil {
		return 0, err
	}
	e.Action, e.Detail.Reason, e.Detail.Text = Asked, reason, "approval "+rid.String()
	return rid, tellDeciders(tx, rid, rec, what)
}

// needs tells how many approvals a request takes by what is demanded now: 0 when it
// takes none. To loosen what is no demand for approvals takes what a new demand would.
func (r *Request) needs(tx *gate.Tx) (int, error) {
	if r.What == Age {
		looser, err := limit.Loosens(tx, r.Kind, r.Record, r.Days)
		if err != nil || !looser {
			return 0, err
		}
		s, err := Setting(tx)
		return s.Needed, err
	}
	d, err := demand.Of(tx, r.Kind, r.Record)
	switch {
	case err != nil || r.What == See:
		return d.Needed, err
	case r.What == Lift:
		return d.Own, nil
	case !d.OwnExclusive:
		return 0, nil
	}
	s, err := Setting(tx)
	return s.Needed, err
}

// decider is demand.Decider, also for categories.
func decider(tx *gate.Tx, kind string, rec id.ID) (*audit.Entry, error) {
	if kind != limit.Category {
		return demand.Decider(tx, kind, rec)
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: kind, ID: rec})
	if err == nil && !demand.MayDecide(tx.Caller) {
		tx.Refuse(e)
		err = fault.New(fault.Denied, "Only managers and administrators decide how old passwords may become.")
	}
	return e, err
}

func mayAsk(tx *gate.Tx, what, kind string, rec id.ID) (*audit.Entry, error) {
	switch {
	case what == Age, (what == Lift || what == Share) && kind != limit.Category:
		return decider(tx, kind, rec)
	case what != See || kind != filed.Password:
		return nil, fault.New(fault.Invalid, "This cannot be asked for.")
	}
	return tx.Allow(access.Reveal, gate.Thing{Kind: kind, ID: rec})
}

// Decide says yes or no to a request, in the caller's words. What has all its
// approvals holds from now on, for the shortest time that somebody chose. Fault
// kinds: NotFound, Denied for who may not decide or asked herself, Conflict when it
// is decided, Invalid for "words" and "minutes".
func Decide(tx *gate.Tx, rid id.ID, yes bool, words string, minutes int) (*Request, error) {
	r, err := one(tx, rid)
	if err != nil {
		return nil, err
	}
	e, err := decider(tx, r.Kind, r.Record)
	if err != nil {
		return nil, err
	}
	words = strings.Join(strings.Fields(words), " ")
	switch {
	case r.State != Open:
		return nil, fault.New(fault.Conflict, "This is decided already, or nobody decided in time.")
	case !yes && words == "":
		return nil, fault.Field("words", "Say why not.")
	case utf8.RuneCountInString(words) > longest:
		return nil, fault.Field("words", "A sentence has at most %d characters.", longest)
	case yes && (minutes < 1 || minutes > int(Most.Minutes())):
		return nil, fault.Field("minutes", "Choose a time of at most 24 hours.")
	}
	own := r.User == tx.Caller.User
	if own {
		if err := mayOwn(tx, e); err != nil {
			return nil, err
		}
	}
	fresh, err := tx.Exec(`insert into approval_vote (request_id, user_id, yes, own, words, minutes, at) values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
		int64(rid), int64(tx.Caller.User), yes, own, words, minutes, tx.Now)
	if err != nil {
		return nil, err
	}
	if fresh == 0 {
		return nil, fault.New(fault.Conflict, "You have said yes already; somebody else decides too.")
	}
	e.Detail.Text, e.Detail.Reason = "approval "+rid.String(), words
	switch {
	case !yes:
		e.Action, r.State = Refused, Declined
		_, err = tx.Exec(`update approval_request set state = ? where id = ?`, Declined, int64(rid))
	case own:
		e.Action, r.Given = BrokeOpen, max(r.Given+1, r.Needed) // her word alone opens it
		err = errors.Join(hold(tx, r), tellBroken(tx, r))
	default:
		e.Action, r.Given = Approved, r.Given+1
		err = hold(tx, r)
	}
	if err != nil {
		return nil, err
	}
	return r, tellAsker(tx, r, yes)
}

// mayOwn lets an administrator approve for herself where the tenant says so.
func mayOwn(tx *gate.Tx, e *audit.Entry) error {
	s, err := Setting(tx)
	if err != nil {
		return err
	}
	if s.Own && tx.Caller.Role == access.Administrator {
		return nil
	}
	tx.Refuse(e)
	return fault.New(fault.Denied, "Nobody approves what she asked for herself.").WithHint("Another manager or administrator decides.")
}

// hold makes a request hold when it has all its approvals.
func hold(tx *gate.Tx, r *Request) error {
	now, err := r.needs(tx)
	if err != nil {
		return err
	}
	var shortest, own int64
	err = tx.QueryRow(`select coalesce(min(minutes), 0), coalesce(max(own), 0) from approval_vote where request_id = ? and yes = 1`, int64(r.ID)).Scan(&shortest, &own)
	if err != nil || own == 0 && r.Given < max(now, r.Needed) {
		return err
	}
	if r.versions, err = versions(tx, r.Record); err != nil {
		return err
	}
	r.State, r.Ends = Granted, tx.Now+shortest*time.Minute.Milliseconds()
	if r.What != See {
		r.Ends = tx.Now
		if err := r.loosen(tx); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`update approval_request set state = ?, ends_at = ?, versions = ? where id = ?`, Granted, r.Ends, r.versions, int64(r.ID))
	return err
}

// loosen does what was approved.
func (r *Request) loosen(tx *gate.Tx) error {
	switch r.What {
	case Age:
		return limit.Apply(tx, r.Kind, r.Record, r.Days)
	case Share:
		h, err := held.Holding(tx, r.Record)
		if err != nil {
			return err
		}
		if h != nil {
			return fault.New(fault.Conflict, "%s has it until %s UTC.", h.UserName, time.UnixMilli(h.Ends).UTC().Format("2 January, 15:04")).WithHint("Decide when it is checked in.")
		}
		tx.Also(&audit.Entry{Action: Shared, Kind: r.Kind, Object: r.Record, Org: r.org, Detail: audit.Detail{Name: r.Name}})
		return demand.Share(tx, r.Record)
	}
	return demand.Lift(tx, r.Record)
}

// versions counts the versions of a record's secrets: it grows when one changes. A next
// value that is only kept is no change.
func versions(tx *gate.Tx, rec id.ID) (n int64, err error) {
	now, err := secret.Current(tx, rec)
	for field, v := range now {
		if field != filed.Pending {
			n += int64(v.Number)
		}
	}
	return n, err
}

// End takes back what was asked for or granted: who asked may, and who may decide.
func End(tx *gate.Tx, rid id.ID) error {
	r, err := one(tx, rid)
	if err != nil {
		return err
	}
	var e *audit.Entry
	if r.User == tx.Caller.User {
		e, err = tx.Allow(access.Reveal, gate.Thing{Kind: r.Kind, ID: r.Record})
	} else {
		e, err = decider(tx, r.Kind, r.Record)
	}
	if err != nil {
		return err
	}
	if r.State != Open && r.State != Granted {
		return fault.New(fault.Conflict, "This is over already.")
	}
	e.Action, e.Detail.Text = Ended, "approval "+rid.String()
	if _, err := tx.Exec(`update approval_request set state = ? where id = ?`, Withdrawn, int64(rid)); err != nil || r.User == tx.Caller.User {
		return err
	}
	return tellEnded(tx, r)
}

// Holding gives the approval by which the caller may see a password now; nil when
// there is none.
func Holding(tx *gate.Tx, rec id.ID) (*Request, error) {
	if tx.Caller.User == 0 {
		return nil, nil
	}
	list, err := requests(tx, `q.record_id = ? and q.user_id = ? and q.what = ? and q.state = ? and q.ends_at > ?`, int64(rec), int64(tx.Caller.User), See, Granted, tx.Now)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	now, err := versions(tx, rec)
	for _, r := range list {
		if err == nil && r.versions == now {
			return r, nil
		}
	}
	return nil, err
}

const columns = `select q.id, q.record_id, r.kind, r.name, q.user_id, coalesce(u.name, ''), q.what, q.reason, q.minutes, q.needed,
		(select count(*) from approval_vote v where v.request_id = q.id and v.yes = 1), q.state, q.at, q.ends_at, q.versions, q.days, r.org_id
	from approval_request q join record r on r.id = q.record_id left join record u on u.id = q.user_id where r.trashed_at is null and `

// requests reads what the caller may see of, newest first.
func requests(tx *gate.Tx, cond string, args ...any) ([]*Request, error) {
	seen, who := tx.Visible("r")
	rows, err := tx.Query(columns+seen+` and `+cond+` order by q.at desc, q.id desc limit 200`, slices.Concat(who, args)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Request
	for rows.Next() {
		r := &Request{}
		var rid, rec, user, org int64
		err := rows.Scan(&rid, &rec, &r.Kind, &r.Name, &user, &r.UserName, &r.What, &r.Reason, &r.Minutes, &r.Needed, &r.Given, &r.State, &r.At, &r.Ends, &r.versions, &r.Days, &org)
		if err != nil {
			return nil, err
		}
		r.ID, r.Record, r.User, r.org = id.ID(rid), id.ID(rec), id.ID(user), id.ID(org)
		r.age(tx.Now)
		out = append(out, r)
	}
	return out, rows.Err()
}

// age gives a request the state that time brought it into.
func (r *Request) age(now int64) {
	switch {
	case r.State == Open && now-r.At > Wait.Milliseconds():
		r.State = Lapsed
	case r.State == Granted && now >= r.Ends:
		r.State = Over
	}
}

// one gives a request that the caller asked, or may decide about; Changed when the
// secret is another since. The caller of it has to be allowed what she does.
func one(tx *gate.Tx, rid id.ID) (*Request, error) {
	list, err := requests(tx, `q.id = ?`, int64(rid))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].User != tx.Caller.User && !demand.MayDecide(tx.Caller) {
		return nil, gate.Missing()
	}
	r := list[0]
	if r.State == Granted && r.What == See {
		now, err := versions(tx, r.Record)
		if err != nil {
			return nil, err
		}
		if now != r.versions {
			r.State = Changed
		}
	}
	return r, nil
}

// Get gives a request with what was said to it. NotFound when there is none, or it
// is not the caller's to know.
func Get(tx *gate.Tx, rid id.ID) (*Request, []Vote, error) {
	r, err := one(tx, rid)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.Query(`select v.user_id, coalesce(u.name, ''), v.yes, v.own, v.words, v.at from approval_vote v left join record u on u.id = v.user_id where v.request_id = ? order by v.at, v.user_id`, int64(rid))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var votes []Vote
	for rows.Next() {
		var v Vote
		var user int64
		if err := rows.Scan(&user, &v.Name, &v.Yes, &v.Own, &v.Words, &v.At); err != nil {
			return nil, nil, err
		}
		v.User = id.ID(user)
		votes = append(votes, v)
	}
	return r, votes, rows.Err()
}

// Mine gives what the caller asked for, newest first.
func Mine(tx *gate.Tx) ([]*Request, error) {
	return requests(tx, `q.user_id = ?`, int64(tx.Caller.User))
}

// Due gives what waits for a decision that the caller may take: what others ask for,
// and did not get her word yet.
func Due(tx *gate.Tx) ([]*Request, error) {
	if !demand.MayDecide(tx.Caller) {
		return nil, nil
	}
	return requests(tx, `q.state = ? and q.at > ? and q.user_id <> ? and not exists (select 1 from approval_vote v where v.request_id = q.id and v.user_id = ?)`,
		Open, tx.Now-Wait.Milliseconds(), int64(tx.Caller.User), int64(tx.Caller.User))
}

// Standing gives what was granted to others and holds now, to who may end it.
func Standing(tx *gate.Tx) ([]*Request, error) {
	if !demand.MayDecide(tx.Caller) {
		return nil, nil
	}
	return requests(tx, `q.state = ? and q.ends_at > ? and q.user_id <> ?`, Granted, tx.Now, int64(tx.Caller.User))
}

// On gives what is asked and holds about one record: all to who may decide, and to
// the others their own.
func On(tx *gate.Tx, rec id.ID) ([]*Request, error) {
	cond, args := `q.record_id = ? and (q.state = ? and q.at > ? or q.state = ? and q.ends_at > ?)`, []any{int64(rec), Open, tx.Now - Wait.Milliseconds(), Granted, tx.Now}
	if !demand.MayDecide(tx.Caller) {
		cond, args = cond+` and q.user_id = ?`, append(args, int64(tx.Caller.User))
	}
	return requests(tx, cond, args...)
}
