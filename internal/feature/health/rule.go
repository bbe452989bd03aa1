package health

import (
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
)

// Rotation is the target of the rule that says how old passwords may be.
const Rotation = "rotation"

// Target is what may be expected of an organization: records of a kind, or of a
// variant of one.
type Target struct {
	Name    string // as tally.Variant
	Label   string
	Icon    string
	Kind    *record.Kind // with its Variant
	Variant id.ID
}

// Rule says what is expected of a target.
type Rule struct {
	Expected bool // an organization has at least one
	Days     int  // one of Choices after which it is stale without a change; 0 for never
}

// Exception is a rule of one organization. What is nil is as everywhere.
type Exception struct {
	Expected *bool
	Days     *int
}

// kinds are those that may be expected, and those of which variants may.
func (h *Health) kinds() []*record.Kind {
	var out []*record.Kind
	for _, k := range h.Records.Kinds.Kinds() {
		if k.Scope == record.OfOrganization && !k.Admin && (k.Menu > 0 || k.Variants != nil) {
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b *record.Kind) int { return a.Menu - b.Menu })
	return out
}

// mostVariants is how many variants of a kind are targets.
const mostVariants = 500

// Targets lists what may be expected: kinds in the order of the navigation, then
// variants by name.
func (h *Health) Targets(tx *gate.Tx) ([]Target, error) {
	var out, variants []Target
	for _, k := range h.kinds() {
		if k.Variants == nil {
			out = append(out, Target{Name: k.Name, Label: k.Labels, Icon: k.Icon, Kind: k})
			continue
		}
		p, err := h.Records.List(tx, k.Field(k.Variants.By).Ref, record.Query{Archived: "no", Limit: mostVariants, NoTotal: true, Only: []string{"name"}})
		if err != nil {
			return nil, err
		}
		for _, r := range p.Records {
			shape := *k
			shape.Variant = r.ID
			variants = append(variants, Target{Name: tally.Variant(k.Name, r.ID), Label: r.Name, Icon: k.Icon, Kind: &shape, Variant: r.ID})
		}
	}
	return append(out, variants...), nil
}

// ruleSet is what is expected everywhere, and of single organizations.
type ruleSet struct {
	all  map[string]Rule
	only map[place]Exception
}

func (s *ruleSet) of(org id.ID, target string) Rule {
	r := s.all[target]
	x := s.only[place{org, target}]
	if x.Expected != nil {
		r.Expected = *x.Expected
	}
	if x.Days != nil {
		r.Days = *x.Days
	}
	return r
}

// unsaid is how an exception says that it is as everywhere.
const unsaid = -1

func readRules(tx *gate.Tx, org id.ID) (*ruleSet, error) {
	q, args := `select org_id, target, expected, days from health_rule`, []any(nil)
	if org != 0 {
		q, args = q+` where org_id in (0, ?)`, []any{int64(org)}
	}
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := &ruleSet{all: map[string]Rule{}, only: map[place]Exception{}}
	for rows.Next() {
		var o int64
		var target string
		var expected, days int
		if err := rows.Scan(&o, &target, &expected, &days); err != nil {
			return nil, err
		}
		if o == 0 {
			out.all[target] = Rule{expected == 1, days}
			continue
		}
		var x Exception
		if on := expected == 1; expected != unsaid {
			x.Expected = &on
		}
		if days != unsaid {
			x.Days = &days
		}
		out.only[place{id.ID(o), target}] = x
	}
	return out, rows.Err()
}

// Rules gives what is expected everywhere, by target.
func Rules(tx *gate.Tx) (map[string]Rule, error) {
	s, err := readRules(tx, 0)
	if err != nil {
		return nil, err
	}
	return s.all, nil
}

// Exceptions gives what is expected of one organization otherwise, by target.
func Exceptions(tx *gate.Tx, org id.ID) (map[string]Exception, error) {
	s, err := readRules(tx, org)
	if err != nil {
		return nil, err
	}
	out := map[string]Exception{}
	for p, x := range s.only {
		out[p.target] = x
	}
	return out, nil
}

// SetRules says what is expected everywhere. Only who administers the tenant may.
// Invalid for a number of days that is none of Choices.
func (h *Health) SetRules(tx *gate.Tx, rules map[string]Rule) error {
	e, err := tx.Allow(access.Administer, gate.Thing{})
	if err != nil {
		return err
	}
	e.Detail.Text = "what documentation is expected"
	if _, err := tx.Exec(`delete from health_rule where org_id = 0`); err != nil {
		return err
	}
	return h.each(tx, func(target string) error {
		r := rules[target]
		if r.Days != 0 && !slices.Contains(Choices(), r.Days) {
			return fault.New(fault.Invalid, "These are no days to choose.")
		}
		if r == (Rule{}) {
			return nil
		}
		return put(tx, 0, target, number(&r.Expected), r.Days)
	})
}

// SetExceptions says what is expected of one organization otherwise.
func (h *Health) SetExceptions(tx *gate.Tx, org id.ID, list map[string]Exception) error {
	e, err := tx.Allow(access.Administer, gate.Thing{Kind: "organization", ID: org})
	if err != nil {
		return err
	}
	e.Detail.Text = "what documentation is expected of it"
	if _, err := tx.Exec(`delete from health_rule where org_id = ?`, int64(org)); err != nil {
		return err
	}
	return h.each(tx, func(target string) error {
		x := list[target]
		days := unsaid
		if x.Days != nil {
			if days = *x.Days; days != 0 && !slices.Contains(Choices(), days) {
				return fault.New(fault.Invalid, "These are no days to choose.")
			}
		}
		if x.Expected == nil && x.Days == nil {
			return nil
		}
		return put(tx, org, target, number(x.Expected), days)
	})
}

// each goes through the targets there are.
func (h *Health) each(tx *gate.Tx, do func(target string) error) error {
	targets, err := h.Targets(tx)
	if err != nil {
		return err
	}
	for _, t := range append(targets, Target{Name: Rotation}) {
		if err := do(t.Name); err != nil {
			return err
		}
	}
	return nil
}

func number(on *bool) int {
	switch {
	case on == nil:
		return unsaid
	case *on:
		return 1
	}
	return 0
}

func put(tx *gate.Tx, org id.ID, target string, expected, days int) error {
	_, err := tx.Exec(`insert into health_rule (org_id, target, expected, days) values (?, ?, ?, ?)`, int64(org), target, expected, days)
	return err
}
