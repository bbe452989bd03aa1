package review

import (
	"database/sql"
	"errors"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

const reviewColumns = `select v.id, v.name, v.scope, v.removes, v.remind_days, v.by_id, v.at, v.ends_at, v.ended_at,
	(select count(*) from access_review_line l where l.review_id = v.id),
	(select count(*) from access_review_answer a where a.review_id = v.id and a.answer = 'review.keep'),
	(select count(*) from access_review_answer a where a.review_id = v.id and a.answer = 'review.remove'),
	(select count(*) from access_review_answer a where a.review_id = v.id and a.answer = 'review.lapse'),
	(select count(*) from access_review_answer a left join access_review_done d on d.line_id = a.line_id
		where a.review_id = v.id and d.line_id is null and (a.answer = 'review.remove' or a.answer = 'review.lapse' and v.removes = 1))
	from access_review v `

func reviews(tx *gate.Tx, where string, args ...any) ([]*Review, error) {
	rows, err := tx.Query(reviewColumns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Review
	for rows.Next() {
		r := &Review{}
		var n, by int64
		var scope string
		if err := rows.Scan(&n, &r.Name, &scope, &r.Removes, &r.Remind, &by, &r.At, &r.Ends, &r.Ended, &r.Lines, &r.Kept, &r.Removed, &r.Lapsed, &r.Waiting); err != nil {
			return nil, err
		}
		r.ID, r.By = id.ID(n), id.ID(by)
		if r.Scope, err = scopeOf(scope); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func one(tx *gate.Tx, review id.ID) (*Review, error) {
	list, err := reviews(tx, `where v.id = ?`, int64(review))
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// lines reads lines with their answers, in their order.
func lines(tx *gate.Tx, where string, args ...any) ([]*Line, error) {
	rows, err := tx.Query(`select l.id, l.sort, l.who, l.object, l.what, l.asked, coalesce(a.answer, ''), coalesce(a.reason, ''), coalesce(a.by_id, 0), coalesce(a.at, 0), coalesce(d.result, ''), coalesce(d.at, 0)
		from access_review_line l left join access_review_answer a on a.line_id = l.id left join access_review_done d on d.line_id = l.id where `+where+` order by l.id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Line
	for rows.Next() {
		l := &Line{}
		var n, who, object, asked, by int64
		if err := rows.Scan(&n, &l.Sort, &who, &object, &l.What, &asked, &l.Answer, &l.Reason, &by, &l.At, &l.Result, &l.Done); err != nil {
			return nil, err
		}
		l.ID, l.Who, l.Object, l.Asked, l.By = id.ID(n), id.ID(who), id.ID(object), id.ID(asked), id.ID(by)
		out = append(out, l)
	}
	return out, rows.Err()
}

// List gives the campaigns, the newest first: all to who administers the tenant, to
// others those in which they are asked.
func List(tx *gate.Tx) ([]*Review, error) {
	if administers(tx) {
		return reviews(tx, `order by v.id desc limit 200`)
	}
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return nil, nil
	}
	return reviews(tx, `where exists (select 1 from access_review_line l where l.review_id = v.id and l.asked = ?) order by v.id desc limit 200`, int64(tx.Caller.User))
}

func administers(tx *gate.Tx) bool {
	verdict, _ := access.Decide(tx.Caller, access.Administer, access.Target{Visible: true})
	return verdict == access.Allowed && tx.Caller.Everything()
}

// Mine gives a campaign in which the caller is asked, with the lines that she is asked
// about and may know of. NotFound where she is asked about nothing.
func (s *Reviews) Mine(tx *gate.Tx, review id.ID) (*Review, []*Line, error) {
	return s.mine(tx, review)
}

func (s *Reviews) mine(tx *gate.Tx, review id.ID) (*Review, []*Line, error) {
	r, err := one(tx, review)
	if err != nil {
		return nil, nil, err
	}
	list, err := lines(tx, `l.review_id = ? and l.asked = ? and l.asked <> 0`, int64(review), int64(tx.Caller.User))
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return nil, nil, gate.Missing()
	}
	seen, err := visible(tx, tx.Caller, list)
	list = slices.DeleteFunc(list, func(l *Line) bool { return (l.Sort == Grant || l.Sort == Reach) && l.Object != 0 && !seen[l.Object] })
	return r, list, err
}

// Evidence is all of a campaign: who answered what and when about which state, with the
// entries of the audit log that say the same.
type Evidence struct {
	*Review
	List    []*Line
	Entries map[id.ID]int64 // of each answered line, the number of its entry
	Differs []id.ID         // lines that do not agree with the audit log
}

// Look gives all of a campaign, compared with the audit log. It is for administrators.
func (s *Reviews) Look(tx *gate.Tx, review id.ID) (*Evidence, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	if !administers(tx) {
		return nil, gate.Missing()
	}
	r, err := one(tx, review)
	if err != nil {
		return nil, err
	}
	e := &Evidence{Review: r, Entries: map[id.ID]int64{}}
	if e.List, err = lines(tx, `l.review_id = ?`, int64(review)); err != nil {
		return nil, err
	}
	last := int64(0)
	for _, l := range e.List {
		last = max(last, l.At)
	}
	logged, err := tx.Activity(audit.Filter{Kind: Kind, From: r.At, To: last + 1, Limit: 1_000_000,
		Where: `action in (?, ?, ?) and object in (select id from access_review_line where review_id = ?)`, Args: []any{Kept, Removes, Lapsed, int64(review)}})
	if err != nil {
		return nil, err
	}
	e.compare(logged)
	return e, nil
}

// compare finds the lines whose answer the log does not tell alike: one entry each, of
// the same person at the same time. What the entry says of the state counts as long as it
// was not erased.
func (e *Evidence) compare(logged []*audit.Entry) {
	by := map[id.ID][]*audit.Entry{}
	for _, x := range logged {
		by[x.Object] = append(by[x.Object], x)
	}
	for _, l := range e.List {
		found := by[l.ID]
		if l.Answer == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Action != l.Answer || found[0].Actor != l.By || found[0].Time != l.At || !found[0].Erased && (found[0].Detail.Text != l.What || found[0].Detail.Reason != l.Reason) {
			e.Differs = append(e.Differs, l.ID)
			continue
		}
		e.Entries[l.ID] = found[0].Seq
	}
}

func none(err error) bool { return errors.Is(err, sql.ErrNoRows) || fault.Is(err, fault.NotFound) }
