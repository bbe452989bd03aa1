package risk

import (
	"cmp"
	"slices"
	"time"

	"strongroom/internal/base/strength"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// Reason is why a password should be changed.
type Reason string

// The reasons, the most pressing first.
const (
	Breached Reason = "breached" // it was found in a breach
	Left     Reason = "left"     // somebody who left has seen it since it was changed
	Weak     Reason = "weak"     // it takes few guesses
	Reused   Reason = "reused"   // another password is the same
	Old      Reason = "old"      // it was not changed for long
)

// Reasons lists all reasons, the most pressing first.
func Reasons() []Reason { return []Reason{Breached, Left, Weak, Reused, Old} }

// Age is after how long a password is old: a year.
const Age = 365 * 24 * time.Hour

// Line is one password that should be changed.
type Line struct {
	Record  id.ID
	Name    string
	Org     id.ID
	OrgName string
	Changed int64 // Unix milliseconds
	Why     []Why
}

// Why is one reason with what it is about.
type Why struct {
	Reason Reason
	Count  int64    // of Breached: how often it was found; of Reused: how many others; of Left: people; of Weak: the score
	Names  []string // of Left, as far as the reader may know them
}

// Has tells whether a line has a reason.
func (l *Line) Has(r Reason) bool {
	return slices.ContainsFunc(l.Why, func(w Why) bool { return w.Reason == r })
}

// Report is what a reader is told.
type Report struct {
	Lines     []*Line // the most pressing first
	Passwords int64   // that have a value and that the reader may see
	Unchecked int64   // of which there is no mark, or none from breaches though there is a list
	Count     map[Reason]int64
}

// Report looks at all passwords that the caller may see; org narrows to an
// organization. It takes the same few statements for any number of them.
func (k *Risks) Report(tx *gate.Tx, org id.ID) (*Report, error) {
	left, err := k.seenByLeft(tx)
	if err != nil {
		return nil, err
	}
	rep := &Report{Count: map[Reason]int64{}}
	if err := k.read(tx, org, left, rep); err != nil {
		return nil, err
	}
	if err := k.names(tx, rep, left); err != nil {
		return nil, err
	}
	slices.SortStableFunc(rep.Lines, func(a, b *Line) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.Why), len(a.Why)), cmp.Compare(a.Changed, b.Changed))
	})
	return rep, nil
}

func rank(l *Line) int { return slices.Index(Reasons(), l.Why[0].Reason) }

// current joins the newest version of the password of the record r.
const current = ` join secret_version v on v.object = r.id and v.field = 'password' and v.empty = 0
	and v.version = (select max(w.version) from secret_version w where w.object = r.id and w.field = 'password')`

func (k *Risks) read(tx *gate.Tx, org id.ID, left map[id.ID][]id.ID, rep *Report) error {
	sees, args := tx.Visible("r")
	q := `select r.id, r.name, r.org_id, coalesce(p.password_updated_at, v.time), coalesce(m.score, -1), coalesce(m.breached, -1),
			case when m.same is null then 1 else count(*) over (partition by m.same) end
		from record r` + current + ` join k_password p on p.id = r.id left join secret_mark m on m.object = r.id and m.version = v.version
		where r.kind = 'password' and r.trashed_at is null and r.archived = 0 and ` + sees
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var rid, in, same, times int64
		var score int
		l := &Line{}
		if err := rows.Scan(&rid, &l.Name, &in, &l.Changed, &score, &times, &same); err != nil {
			return err
		}
		if l.Record, l.Org = id.ID(rid), id.ID(in); org != 0 && l.Org != org {
			continue // but it counts as a password that is the same
		}
		rep.Passwords++
		if score < 0 || times == unknown && k.source() != nil {
			rep.Unchecked++
		}
		l.why(tx, strength.Score(score), times, same-1, int64(len(left[l.Record])))
		if len(l.Why) == 0 {
			continue
		}
		for _, w := range l.Why {
			rep.Count[w.Reason]++
		}
		rep.Lines = append(rep.Lines, l)
	}
	return rows.Err()
}

// why collects the reasons, the most pressing first.
func (l *Line) why(tx *gate.Tx, score strength.Score, breached, others, people int64) {
	add := func(on bool, r Reason, n int64) {
		if on {
			l.Why = append(l.Why, Why{Reason: r, Count: n})
		}
	}
	add(breached > 0, Breached, breached)
	add(people > 0, Left, people)
	add(score >= 0 && score.Weak(), Weak, int64(score))
	add(others > 0, Reused, others)
	add(tx.Now-l.Changed > Age.Milliseconds(), Old, 0)
}

// gone is the condition on the spine row u of a user that the person left.
const gone = `u.kind = 'user' and (u.archived <> 0 or u.trashed_at is not null)`

// seenByLeft gives, for each password, the people who left and have seen the value
// that it has now, or set it.
func (k *Risks) seenByLeft(tx *gate.Tx) (map[id.ID][]id.ID, error) {
	out := map[id.ID][]id.ID{}
	err := pairs(tx, func(object, actor id.ID) { out[object] = append(out[object], actor) }, seen(`select u.id from record u where `+gone), secret.Granted)
	return out, err
}

// seen selects the passwords and people of whom some have seen the present value:
// it was revealed to them since it was set, or they set it. The one bound argument
// is the action of a reveal.
func seen(people string) string {
	return `select e.object, e.actor from audit_entry e where e.actor in (` + people + `) and e.action = ? and e.result = 'ok' and e.kind = 'password'
			and e.time >= (select max(w.time) from secret_version w where w.object = e.object and w.field = 'password')
		union select v.object, v.author from secret_version v where v.author in (` + people + `) and v.field = 'password' and v.empty = 0 and v.kind = 'password'
			and v.version = (select max(w.version) from secret_version w where w.object = v.object and w.field = 'password')`
}

func pairs(tx *gate.Tx, give func(object, actor id.ID), q string, args ...any) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var object, actor int64
		if err := rows.Scan(&object, &actor); err != nil {
			return err
		}
		give(id.ID(object), id.ID(actor))
	}
	return rows.Err()
}

// names reads the names of organizations and of people who left.
func (k *Risks) names(tx *gate.Tx, rep *Report, left map[id.ID][]id.ID) error {
	people, err := People(tx)
	if err != nil {
		return err
	}
	names, err := k.orgNames(tx, len(rep.Lines), func(i int) id.ID { return rep.Lines[i].Org })
	if err != nil {
		return err
	}
	for _, l := range rep.Lines {
		l.OrgName = names[l.Org]
		for i := range l.Why {
			if l.Why[i].Reason != Left {
				continue
			}
			for _, p := range left[l.Record] {
				if n := people[p].Name; n != "" {
					l.Why[i].Names = append(l.Why[i].Names, n)
				}
			}
		}
	}
	return nil
}

// Person is a user, here or gone.
type Person struct {
	Name string
	Left bool
}

// People gives all users, those too who left: their names stand beside what they
// did, so who may see a password's history knows them.
func People(tx *gate.Tx) (map[id.ID]Person, error) {
	out := map[id.ID]Person{}
	rows, err := tx.Query(`select u.id, u.name, case when ` + gone + ` then 1 else 0 end from record u where u.kind = 'user'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var p Person
		if err := rows.Scan(&n, &p.Name, &p.Left); err != nil {
			return nil, err
		}
		out[id.ID(n)] = p
	}
	return out, rows.Err()
}

// Look is what one person has seen of one password.
type Look struct {
	Record  id.ID
	Name    string
	Org     id.ID
	OrgName string
	Person  id.ID
	Who     Person
	Times   int64 // reveals since the value was set; 0 for who set it and never looked
	Last    int64 // Unix milliseconds of the last one, or of the setting
	Set     bool  // the person set the value
}

// SeenOf gives who has seen the present value of a password, the latest first.
// The organization has no name there.
func (k *Risks) SeenOf(tx *gate.Tx, password id.ID) ([]*Look, error) {
	return k.looks(tx, `e.object = ?`, `s.object = ?`, password)
}

// SeenBy gives the passwords of which a person has seen the present value, as far
// as the caller may see them: what has to be changed when the person leaves.
func (k *Risks) SeenBy(tx *gate.Tx, person id.ID) ([]*Look, error) {
	list, err := k.looks(tx, `e.actor = ?`, `s.author = ?`, person)
	if err != nil {
		return nil, err
	}
	return list, k.orgs(tx, list)
}

// looks lists who has seen what, the latest first, by one condition on the entry e
// of a reveal and the like on a version s, about the same id.
func (k *Risks) looks(tx *gate.Tx, entry, version string, of id.ID) ([]*Look, error) {
	sees, who := tx.Visible("r")
	rows, err := tx.Query(`select r.id, r.name, r.org_id, x.actor, sum(x.times), max(x.time), max(x.author), coalesce(u.name, ''), coalesce(max(case when `+gone+` then 1 else 0 end), 0)
		from (select e.object as object, e.actor as actor, e.time as time, e.count as times, 0 as author from audit_entry e
				where `+entry+` and e.action = ? and e.result = 'ok' and e.kind = 'password'
			union all select s.object, s.author, s.time, 0, 1 from secret_version s where `+version+` and s.field = 'password' and s.kind = 'password') x
		join record r on r.id = x.object`+current+` left join record u on u.id = x.actor
		where x.time >= v.time and x.actor <> 0 and r.trashed_at is null and `+sees+` group by r.id, r.name, r.org_id, x.actor, u.name order by 6 desc`,
		slices.Concat([]any{int64(of), secret.Granted, int64(of)}, who)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Look
	for rows.Next() {
		var rid, org, actor, set int64
		l := &Look{}
		if err := rows.Scan(&rid, &l.Name, &org, &actor, &l.Times, &l.Last, &set, &l.Who.Name, &l.Who.Left); err != nil {
			return nil, err
		}
		l.Record, l.Org, l.Person, l.Set = id.ID(rid), id.ID(org), id.ID(actor), set != 0
		out = append(out, l)
	}
	return out, rows.Err()
}

func (k *Risks) orgs(tx *gate.Tx, list []*Look) error {
	names, err := k.orgNames(tx, len(list), func(i int) id.ID { return list[i].Org })
	for _, l := range list {
		l.OrgName = names[l.Org]
	}
	return err
}

// orgNames gives the names of the organizations of n lines, each once.
func (k *Risks) orgNames(tx *gate.Tx, n int, of func(int) id.ID) (map[id.ID]string, error) {
	ids := make([]id.ID, n)
	for i := range ids {
		ids[i] = of(i)
	}
	slices.Sort(ids)
	return k.Records.Names(tx, slices.Compact(ids)...)
}
