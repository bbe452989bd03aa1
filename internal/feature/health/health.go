// Package health tells how well organizations are documented, and why.
//
// Always true: a score is computed when it is asked for, from what its reader may
// see, in a number of statements that does not depend on how many records or
// organizations there are; each point that is lost is one of its findings.
package health

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
)

// Feature is the table of what is expected.
func Feature() record.Feature {
	return record.Feature{Name: "health", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists health_rule (org_id int not null, target text not null, expected int not null, days int not null, primary key (org_id, target))`,
}

// purge forgets the exceptions of an organization, and what is expected of a
// variant.
func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from health_rule where org_id = ? or target like ?`, int64(r.ID), "%/"+r.ID.String())
	return err
}

// Sort says what a finding is about.
type Sort string

// The sorts of findings.
const (
	Missing   Sort = "missing"   // nothing of what is expected
	Stale     Sort = "stale"     // not changed for longer than the rule says
	Unrotated Sort = "unrotated" // passwords that are older than the rule says
	Expired   Sort = "expired"   // what has run out
	Overdue   Sort = "overdue"   // documents that should have been reviewed
)

// Finding is a reason for a score that is not full.
type Finding struct {
	Sort   Sort
	Target Target // of Missing and Stale
	Count  int64  // records that it is about
	Of     int64  // of so many
	Days   int    // of the rule
	Lost   int    // points, rounded
	lost   float64
}

// Report is the health of one organization.
type Report struct {
	Org      id.ID
	Name     string
	Score    int // of 100
	Findings []Finding

	weight, got float64
}

// How much each part weighs beside the others.
const (
	weighsExpected = 10
	weighsFresh    = 6
	weighsRotated  = 10
	weighsExpired  = 10
	weighsOverdue  = 10
	eachOf         = 5 // so many that ran out take all of their points
)

// Health computes reports.
type Health struct{ Records *record.Engine }

// Of gives the report of one organization that the caller may see.
func (h *Health) Of(tx *gate.Tx, org id.ID) (*Report, error) {
	list, err := h.reports(tx, org)
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// All gives the reports of all organizations that the caller may see and that are
// not archived, the worst first.
func (h *Health) All(tx *gate.Tx) ([]*Report, error) {
	list, err := h.reports(tx, 0)
	slices.SortStableFunc(list, func(a, b *Report) int { return cmp.Compare(a.Score, b.Score) })
	return list, err
}

func (h *Health) reports(tx *gate.Tx, org id.ID) ([]*Report, error) {
	list, err := organizations(tx, org)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	targets, err := h.Targets(tx)
	if err != nil {
		return nil, err
	}
	rules, err := readRules(tx, org)
	if err != nil {
		return nil, err
	}
	known := &facts{counts: map[place]count{}, expired: map[id.ID]int64{}, overdue: map[id.ID]int64{}, rotated: map[id.ID]count{}}
	for _, read := range []func(*gate.Tx, id.ID, *facts) error{h.readCounts, h.readRotation, h.readExpired} {
		if err := read(tx, org, known); err != nil {
			return nil, err
		}
	}
	for _, r := range list {
		r.judge(targets, rules, known)
	}
	return list, nil
}

func organizations(tx *gate.Tx, org id.ID) ([]*Report, error) {
	cond, args := tx.Visible("r")
	q := `select r.id, r.name from record r where r.kind = 'organization' and r.trashed_at is null and r.archived = 0 and ` + cond
	if org != 0 {
		q, args = `select r.id, r.name from record r where r.kind = 'organization' and r.trashed_at is null and `+cond+` and r.id = ?`, append(args, int64(org))
	}
	rows, err := tx.Query(q+` order by r.name_fold, r.id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Report
	for rows.Next() {
		var n int64
		r := &Report{}
		if err := rows.Scan(&n, &r.Name); err != nil {
			return nil, err
		}
		r.Org = id.ID(n)
		out = append(out, r)
	}
	return out, rows.Err()
}

// place is a target in an organization.
type place struct {
	org    id.ID
	target string
}

// count is how many records there are, and how many are older than each of
// Choices.
type count struct {
	all int64
	old [6]int64
}

// facts are what was read for all organizations in question.
type facts struct {
	counts           map[place]count
	rotated          map[id.ID]count
	expired, overdue map[id.ID]int64
}

// Choices are the numbers of days that a rule may say.
func Choices() []int { return []int{30, 60, 90, 180, 365, 730} }

// older is the columns that count what is older than each of Choices, by an
// expression of Unix milliseconds.
func older(tx *gate.Tx, at string) (string, []any) {
	var cols []string
	var args []any
	for _, days := range Choices() {
		cols, args = append(cols, `sum(case when `+at+` < ? then 1 else 0 end)`), append(args, tx.Now-int64(days)*24*int64(time.Hour/time.Millisecond))
	}
	return strings.Join(cols, `, `), args
}

// readCounts counts the records of each organization by kind and variant.
func (h *Health) readCounts(tx *gate.Tx, org id.ID, f *facts) error {
	cols, args := older(tx, `r.updated_at`)
	sees, who := tx.Visible("r")
	var kinds []any
	for _, k := range h.kinds() {
		kinds = append(kinds, k.Name)
	}
	args = slices.Concat(args, kinds, who)
	q := `select r.org_id, r.kind, r.variant_id, count(*), ` + cols + ` from record r where r.kind in (` + access.Marks(len(kinds)) + `) and r.org_id <> 0 and r.trashed_at is null and r.archived = 0 and ` + sees
	if org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(org))
	}
	rows, err := tx.Query(q+` group by r.org_id, r.kind, r.variant_id`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o, variant int64
		var kind string
		var c count
		if err := rows.Scan(&o, &kind, &variant, &c.all, &c.old[0], &c.old[1], &c.old[2], &c.old[3], &c.old[4], &c.old[5]); err != nil {
			return err
		}
		f.counts[place{id.ID(o), tally.Variant(kind, id.ID(variant))}] = c
	}
	return rows.Err()
}

// readRotation counts the passwords of each organization by their age.
func (h *Health) readRotation(tx *gate.Tx, org id.ID, f *facts) error {
	k := h.Records.Kinds.Kind("password")
	if k == nil || k.Field("password_updated_at") == nil {
		return nil
	}
	cols, args := older(tx, `coalesce(k.password_updated_at, r.created_at)`)
	sees, who := tx.Visible("r")
	args = slices.Concat(args, who)
	q := `select r.org_id, count(*), ` + cols + ` from record r join ` + k.Table() + ` k on k.id = r.id where r.kind = 'password' and r.org_id <> 0 and r.trashed_at is null and r.archived = 0 and ` + sees
	if org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(org))
	}
	rows, err := tx.Query(q+` group by r.org_id`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o int64
		var c count
		if err := rows.Scan(&o, &c.all, &c.old[0], &c.old[1], &c.old[2], &c.old[3], &c.old[4], &c.old[5]); err != nil {
			return err
		}
		f.rotated[id.ID(o)] = c
	}
	return rows.Err()
}

// readExpired counts what has run out, and the documents of which the review is
// overdue, in one statement for the dates of all kinds.
func (h *Health) readExpired(tx *gate.Tx, org id.ID, f *facts) error {
	sees, who := tx.Visible("r")
	today := time.UnixMilli(tx.Now).UTC().Format(time.DateOnly)
	var parts []string
	var args []any
	for _, k := range h.Records.Kinds.Kinds() {
		for i := range k.Fields {
			x := &k.Fields[i]
			if !x.Expires || x.Trait != 0 {
				continue
			}
			review := 0
			if k.Name == "document" {
				review = 1
			}
			q := `select ` + strconv.Itoa(review) + ` as review, r.org_id as org, count(*) as n from ` + k.Table() + ` k join record r on r.id = k.id
				where k."` + x.Name + `" < ? and r.org_id <> 0 and r.trashed_at is null and r.archived = 0 and ` + sees
			args = slices.Concat(args, []any{today}, who)
			if k.Ended != "" {
				q += ` and coalesce(k."` + k.Ended + `", 0) = 0`
			}
			if org != 0 {
				q, args = q+` and r.org_id = ?`, append(args, int64(org))
			}
			parts = append(parts, q+` group by r.org_id`)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	rows, err := tx.Query(`select x.review, x.org, cast(sum(x.n) as bigint) from (`+strings.Join(parts, ` union all `)+`) x group by x.review, x.org`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var review int
		var o, n int64
		if err := rows.Scan(&review, &o, &n); err != nil {
			return err
		}
		if review == 1 {
			f.overdue[id.ID(o)] = n
		} else {
			f.expired[id.ID(o)] = n
		}
	}
	return rows.Err()
}

// judge computes the score of an organization and says why.
func (r *Report) judge(targets []Target, rules *ruleSet, f *facts) {
	for _, t := range targets {
		rule, c := rules.of(r.Org, t.Name), f.counts[place{r.Org, t.Name}]
		if rule.Expected {
			r.part(weighsExpected, fraction(c.all == 0), Finding{Sort: Missing, Target: t})
		}
		if i := slices.Index(Choices(), rule.Days); i >= 0 && c.all > 0 {
			r.part(weighsFresh, float64(c.old[i])/float64(c.all), Finding{Sort: Stale, Target: t, Count: c.old[i], Of: c.all, Days: rule.Days})
		}
	}
	if c, i := f.rotated[r.Org], slices.Index(Choices(), rules.of(r.Org, Rotation).Days); i >= 0 && c.all > 0 {
		r.part(weighsRotated, float64(c.old[i])/float64(c.all), Finding{Sort: Unrotated, Count: c.old[i], Of: c.all, Days: Choices()[i]})
	}
	r.part(weighsExpired, min(1, float64(f.expired[r.Org])/eachOf), Finding{Sort: Expired, Count: f.expired[r.Org]})
	r.part(weighsOverdue, min(1, float64(f.overdue[r.Org])/eachOf), Finding{Sort: Overdue, Count: f.overdue[r.Org]})
	r.Score = int(math.Floor(100 * r.got / r.weight)) // full only when nothing is lost
	for i := range r.Findings {
		x := &r.Findings[i]
		x.Lost = max(1, int(math.Round(100*x.lost/r.weight)))
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.lost, a.lost) })
}

func fraction(all bool) float64 {
	if all {
		return 1
	}
	return 0
}

// part adds a part of the score, of which a fraction is lost.
func (r *Report) part(weight, lost float64, x Finding) {
	r.weight += weight
	r.got += weight * (1 - lost)
	if lost > 0 {
		x.lost = weight * lost
		r.Findings = append(r.Findings, x)
	}
}
