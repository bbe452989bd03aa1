package gate

import (
	"maps"
	"slices"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
)

// FeedQuery asks what was done to records.
type FeedQuery struct {
	Actor   id.ID    // 0 is everybody
	Org     id.ID    // 0 is every organization
	Kind    string   // of the records; empty is every kind that is no matter of administrators
	Actions []string // at least one
	Before  int64    // only entries with a smaller number; 0 begins with the newest
	Limit   int      // at least 1
}

// A page of the feed looks through so many entries of the log at most, and no
// more however little of it the caller may see: what was not found by then is on
// the next page.
const (
	feedScan   = 3000
	feedRounds = 4
)

// Feed lists what was done, the newest first, to records that the caller sees now
// and that are not in the trash, with the number before which the next page
// begins; 0 ends it. Where somebody worked from is told only to who may inspect
// the tenant.
func (tx *Tx) Feed(q FeedQuery) (list []*audit.Entry, next int64, err error) {
	if _, err := tx.Allow(access.View, Thing{}); err != nil {
		return nil, 0, err
	}
	kinds := tx.told(q.Kind)
	if len(kinds) == 0 || len(q.Actions) == 0 {
		return nil, 0, nil
	}
	for range feedRounds {
		found, last, err := tx.feedPart(q, kinds, q.Limit-len(list))
		if err != nil {
			return nil, 0, err
		}
		list = append(list, found...)
		if next = last; next == 0 || len(list) >= q.Limit {
			break
		}
		q.Before = next
	}
	inspects := tx.Caller.May(access.Inspect)
	for _, e := range list {
		if !inspects && e.Actor != tx.Caller.User {
			e.Detail.Address = ""
		}
	}
	return list, next, nil
}

// told lists the kinds that the feed is about.
func (tx *Tx) told(kind string) (out []any) {
	for _, k := range slices.Sorted(maps.Keys(tx.gate.Kinds)) {
		if !tx.gate.Kinds[k].Admin && (kind == "" || kind == k) {
			out = append(out, k)
		}
	}
	return out
}

// feedPart looks through the next entries of the log.
func (tx *Tx) feedPart(q FeedQuery, kinds []any, limit int) ([]*audit.Entry, int64, error) {
	part, args := feedScanned(q)
	sees, who := tx.Visible("r")
	actions := make([]any, len(q.Actions))
	for i, a := range q.Actions {
		actions[i] = a
	}
	f := audit.Filter{Result: audit.OK, Limit: limit + 1, Args: slices.Concat(args, kinds, actions, who),
		Where: `seq in (` + part + `) and object <> 0 and kind in (` + access.Marks(len(kinds)) + `) and action in (` + access.Marks(len(actions)) + `)
			and exists (select 1 from record r where r.id = audit_entry.object and r.trashed_at is null and ` + sees + `)`}
	list, err := tx.Tenant.Audit.List(tx.sql, f)
	if err != nil {
		return nil, 0, err
	}
	if len(list) > limit {
		return list[:limit], list[limit-1].Seq, nil
	}
	last, err := tx.feedEnd(part, args)
	return list, last, err
}

// feedScanned is the statement that gives the numbers of the entries that a page
// looks through.
func feedScanned(q FeedQuery) (string, []any) {
	var cond []string
	var args []any
	add := func(on bool, c string, arg any) {
		if on {
			cond, args = append(cond, c), append(args, arg)
		}
	}
	add(q.Actor != 0, `s.actor = ?`, int64(q.Actor))
	add(q.Org != 0, `s.org = ?`, int64(q.Org))
	add(q.Before != 0, `s.seq < ?`, q.Before)
	where := ""
	if len(cond) > 0 {
		where = ` where ` + strings.Join(cond, ` and `)
	}
	return `select s.seq from audit_entry s` + where + ` order by s.seq desc limit ?`, append(args, feedScan)
}

// feedEnd is where the next part begins; 0 when this was the last one.
func (tx *Tx) feedEnd(part string, args []any) (int64, error) {
	var n, low int64
	err := tx.sql.QueryRow(`select count(*), coalesce(min(x.seq), 0) from (`+part+`) x`, args...).Scan(&n, &low)
	if err != nil || n < feedScan {
		return 0, err
	}
	return low, nil
}
