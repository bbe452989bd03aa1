package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
)

// collector gathers the lines of a campaign.
type collector struct {
	tx     *gate.Tx
	scope  Scope
	in     map[id.ID][]id.ID // groups, by member
	reach  map[id.ID][]id.ID // organizations, by group
	all    map[id.ID]bool    // groups that see every organization
	admins []id.ID
	lines  []*Line
}

// collect writes down what there is to look at, in the caller's transaction: she sees
// everything.
func (s *Reviews) collect(tx *gate.Tx, scope Scope) ([]*Line, error) {
	if !tx.Caller.Everything() {
		return nil, fault.New(fault.Denied, "A campaign is begun by somebody who sees everything.").WithHint("Ask an administrator whose rights nothing narrows.")
	}
	c := &collector{tx: tx, scope: scope, in: map[id.ID][]id.ID{}, reach: map[id.ID][]id.ID{}, all: map[id.ID]bool{}}
	if err := c.people(); err != nil {
		return nil, err
	}
	for _, x := range []struct {
		sort string
		find func() error
	}{{Member, c.members}, {Reach, c.reaches}, {Role, c.roles}, {Grant, c.grants}, {Key, c.keys}} {
		if !slices.Contains(scope.Sorts, x.sort) {
			continue
		}
		if err := x.find(); err != nil {
			return nil, err
		}
	}
	if len(c.lines) == 0 {
		return nil, fault.Field("sorts", "There is nothing of this to look at.").WithHint("Choose other sorts, or more organizations, groups or people.")
	}
	if len(c.lines) > MostLines {
		return nil, fault.Field("sorts", "These are %d lines, and a campaign has at most %d: narrow it to some groups, organizations or people.", len(c.lines), MostLines)
	}
	return c.lines, c.unseen()
}

// pairs reads two ids from each row.
func (c *collector) pairs(q string, each func(a, b id.ID)) error {
	rows, err := c.tx.Query(q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b int64
		if err := rows.Scan(&a, &b); err != nil {
			return err
		}
		each(id.ID(a), id.ID(b))
	}
	return rows.Err()
}

// people reads who is in which group, what groups see, and checks who is asked.
func (c *collector) people() (err error) {
	if err = c.pairs(`select m.user_id, m.group_id from access_member m order by m.user_id, m.group_id`, func(u, g id.ID) { c.in[u] = append(c.in[u], g) }); err != nil {
		return err
	}
	if err = c.pairs(`select group_id, org_id from access_group_org order by group_id, org_id`, func(g, o id.ID) { c.reach[g] = append(c.reach[g], o) }); err != nil {
		return err
	}
	if err = c.pairs(`select group_id, all_orgs from access_group where all_orgs = 1 order by group_id`, func(g, _ id.ID) { c.all[g] = true }); err != nil {
		return err
	}
	active, err := c.tx.IDs(`select user_id from access_principal where active = 1 order by user_id`)
	if err != nil {
		return err
	}
	if c.admins, err = c.tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator)); err != nil {
		return err
	}
	if !slices.Contains(active, c.scope.Asked) {
		return fault.Field("asked", "Choose who is asked; it is somebody who may sign in.")
	}
	for _, who := range c.scope.Owners {
		if !slices.Contains(active, who) {
			return fault.Field("owners", "Who is asked is somebody who may sign in.")
		}
	}
	return nil
}

// chosen tells whether something is in a list that leaves nothing out when it is empty.
func chosen(list []id.ID, x id.ID) bool { return len(list) == 0 || slices.Contains(list, x) }

// about tells whether people of the scope are concerned by what a user or group has.
func (c *collector) about(who id.ID) bool {
	if len(c.scope.People) == 0 || slices.Contains(c.scope.People, who) {
		return true
	}
	return slices.ContainsFunc(c.scope.People, func(p id.ID) bool { return slices.Contains(c.in[p], who) })
}

// within tells whether a user or group belongs to the groups of the scope.
func (c *collector) within(who id.ID) bool {
	return chosen(c.scope.Groups, who) || slices.ContainsFunc(c.in[who], func(g id.ID) bool { return slices.Contains(c.scope.Groups, g) })
}

// sees tells whether a group leads to the organizations of the scope.
func (c *collector) sees(group id.ID) bool {
	return len(c.scope.Orgs) == 0 || c.all[group] || slices.ContainsFunc(c.reach[group], func(o id.ID) bool { return slices.Contains(c.scope.Orgs, o) })
}

// add adds a line and says who is asked about it: the owner of what it is about, and
// nobody about herself.
func (c *collector) add(l *Line, of id.ID) {
	l.Asked = c.scope.Owners[of]
	if l.Asked == 0 {
		l.Asked = c.scope.Asked
	}
	c.other(l)
	c.lines = append(c.lines, l)
}

// other asks an administrator where somebody would be asked about herself.
func (c *collector) other(l *Line) {
	if l.Asked != l.Who {
		return
	}
	l.Asked = 0
	for _, a := range append([]id.ID{c.scope.Asked, c.tx.Caller.User}, c.admins...) {
		if a != l.Who {
			l.Asked = a
			return
		}
	}
}

func (c *collector) members() error {
	return c.three(`select m.group_id, m.user_id, g.name from access_member m join record g on g.id = m.group_id join record u on u.id = m.user_id
		where g.trashed_at is null and u.trashed_at is null and u.archived = 0 order by g.name_fold, g.id, u.name_fold, u.id`, func(g, u id.ID, name string) {
		if chosen(c.scope.Groups, g) && chosen(c.scope.People, u) && c.sees(g) {
			c.add(&Line{Sort: Member, Who: u, Object: g, What: "is a member of the group " + name}, g)
		}
	})
}

// three reads two ids and a name from each row.
func (c *collector) three(q string, each func(a, b id.ID, name string)) error {
	rows, err := c.tx.Query(q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b int64
		var name string
		if err := rows.Scan(&a, &b, &name); err != nil {
			return err
		}
		each(id.ID(a), id.ID(b), name)
	}
	return rows.Err()
}

func (c *collector) reaches() error {
	return c.three(`select x.group_id, x.org_id, coalesce(o.name, '') from (select group_id, org_id from access_group_org union all select group_id, 0 as org_id from access_group where all_orgs = 1) x
		join record g on g.id = x.group_id left join record o on o.id = x.org_id where g.trashed_at is null order by g.name_fold, g.id, x.org_id`, func(g, o id.ID, name string) {
		if !chosen(c.scope.Groups, g) || !c.about(g) || o != 0 && !chosen(c.scope.Orgs, o) {
			return
		}
		what := "sees every organization"
		if o != 0 {
			what = "sees the organization " + name
		}
		c.add(&Line{Sort: Reach, Who: g, Object: o, What: what}, g)
	})
}

func (c *collector) roles() error {
	rows, err := c.tx.Query(`select p.user_id, p.role, coalesce(x.name, '') from access_principal p join record u on u.id = p.user_id left join access_role x on x.role_id = p.custom_id
		where p.active = 1 and u.trashed_at is null order by u.name_fold, u.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u int64
		var role, custom string
		if err := rows.Scan(&u, &role, &custom); err != nil {
			return err
		}
		what := "has the role " + role
		if custom != "" {
			what += ", narrowed by " + custom
		}
		if who := id.ID(u); chosen(c.scope.People, who) && c.within(who) {
			c.add(&Line{Sort: Role, Who: who, What: what}, 0)
		}
	}
	return rows.Err()
}

func (c *collector) grants() error {
	rows, err := c.tx.Query(`select g.record_id, g.user_id + g.group_id, g.ends_at, r.name, r.kind, r.org_id from access_grant g join record r on r.id = g.record_id
		join record w on w.id = g.user_id + g.group_id where r.trashed_at is null and w.trashed_at is null and (g.ends_at = 0 or g.ends_at > ?) order by r.name_fold, r.id, w.name_fold, w.id`, c.tx.Now)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var rec, who, org, ends int64
		var name, kind string
		if err := rows.Scan(&rec, &who, &ends, &name, &kind, &org); err != nil {
			return err
		}
		if !chosen(c.scope.Orgs, id.ID(org)) || !c.about(id.ID(who)) || !c.within(id.ID(who)) || access.Personal(kind) {
			continue
		}
		what := "may see the " + strings.ReplaceAll(kind, "_", " ") + " " + name
		if ends != 0 {
			what += ", until " + date(ends)
		}
		c.add(&Line{Sort: Grant, Who: id.ID(who), Object: id.ID(rec), What: what}, id.ID(org))
	}
	return rows.Err()
}

func (c *collector) keys() error {
	list, err := apikey.Every(c.tx)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.Expires != 0 && k.Expires <= c.tx.Now || !chosen(c.scope.People, k.Owner) || !c.within(k.Owner) {
			continue
		}
		if len(c.scope.Orgs) > 0 && len(k.Orgs) > 0 && !slices.ContainsFunc(k.Orgs, func(o id.ID) bool { return slices.Contains(c.scope.Orgs, o) }) {
			continue
		}
		what := fmt.Sprintf("has the API key %s (%s…)", k.Name, k.Hint)
		if k.Provisions {
			what += " for provisioning"
		} else if k.Role != "" {
			what += " with the role " + string(k.Role)
		}
		if k.ReadOnly {
			what += ", for reading"
		}
		if k.Passwords {
			what += ", with passwords"
		}
		of := id.ID(0)
		if len(k.Orgs) == 1 {
			of = k.Orgs[0]
		}
		c.add(&Line{Sort: Key, Who: k.Owner, Object: k.ID, What: what}, of)
	}
	return nil
}

// unseen gives lines about records that who is asked may not see to an administrator.
func (c *collector) unseen() error {
	asked := map[id.ID][]*Line{}
	for _, l := range c.lines {
		if (l.Sort == Grant || l.Sort == Reach) && l.Object != 0 && l.Asked != 0 {
			asked[l.Asked] = append(asked[l.Asked], l)
		}
	}
	for who, list := range asked {
		caller, err := access.Load(c.tx.SQL(), who)
		if err != nil {
			return err
		}
		seen, err := visible(c.tx, caller, list)
		if err != nil {
			return err
		}
		for _, l := range list {
			if !seen[l.Object] {
				l.Asked = c.tx.Caller.User
				c.other(l)
			}
		}
	}
	return nil
}

// visible gives which of the records that lines are about somebody sees.
func visible(tx *gate.Tx, caller *access.Caller, list []*Line) (map[id.ID]bool, error) {
	seen := map[id.ID]bool{}
	var ask []id.ID
	for _, l := range list {
		if (l.Sort == Grant || l.Sort == Reach) && l.Object != 0 {
			ask = append(ask, l.Object)
		}
	}
	slices.Sort(ask)
	cond, args := access.Visible(caller, "r", tx.Now)
	for part := range slices.Chunk(slices.Compact(ask), 500) {
		found, err := tx.IDs(`select r.id from record r where r.trashed_at is null and r.id in (`+access.Marks(len(part))+`) and `+cond, slices.Concat(access.Args(part), args)...)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			seen[f] = true
		}
	}
	return seen, nil
}

// scopeOf reads a scope as it was written down.
func scopeOf(text string) (s Scope, err error) {
	err = json.Unmarshal([]byte(text), &s)
	return s, err
}
