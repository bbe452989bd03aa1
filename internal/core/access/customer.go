package access

import (
	"slices"
	"strings"

	"strongroom/internal/core/id"
)

// SelfService is the role of customers: people who are contacts of an organization, and
// use the portal. It stands below all others; Roles, the roles of those who work here,
// does not name it. What somebody with it sees follows from the contact that she is,
// and from nothing that groups, grants and organizations give.
const SelfService Role = "Self-service"

// EveryRole lists the roles that a user can have, from most to least.
func EveryRole() []Role { return append(Roles(), SelfService) }

// Sight is of whom a customer sees the tickets besides her own.
type Sight int

// The sights of customers.
const (
	OfHerself Sight = iota
	OfOrganization
	OfDepartment
)

// Rank is the place of a role, 0 for the most powerful one; what is no role is behind all.
func (r Role) Rank() int {
	all := EveryRole()
	if i := slices.Index(all, r); i >= 0 {
		return i
	}
	return len(all)
}

// Customer tells whether the caller is a customer: somebody with the role SelfService, or
// the house that writes in her name, see gate.Tx.Desk.
func (c *Caller) Customer() bool { return c.Role == SelfService || c.Contact != 0 }

// theirs are what customers may do, by the kinds of which they see records at all. What
// they write besides is written by rules of the house, in their names.
var theirs = map[string][]Action{
	"user": {View}, "organization": {View}, "contact": {View}, "configuration": {View}, "configuration_type": {View}, "category": {View},
	"incident": {View, Create, Comment}, "service_request": {View, Create, Comment}, "change": {View, Comment},
	"journal": {View}, "request_answer": {View},
	"offering": {View}, "offering_question": {View}, "announcement": {View},
	"knowledge_article": {View, Comment}, "knowledge_feedback": {View},
}

// decideCustomer decides for a customer about what she sees.
func decideCustomer(c *Caller, a Action, t Target) (Verdict, string) {
	may := theirs[t.Kind]
	if t.Kind == "" {
		may = []Action{View}
	}
	if !slices.Contains(may, a) {
		return Denied, sentence(string(c.Role), a)
	}
	return Allowed, ""
}

// condition collects one with its arguments.
type condition struct {
	text strings.Builder
	args []any
}

func (b *condition) add(text string, args ...any) {
	b.text.WriteString(text)
	b.args = append(b.args, args...)
}

// Her contact, and its organization, as they are now: who is no contact any more, or not
// yet, sees nothing.
const (
	herself = `(select c.id from record c where c.id = ? and c.kind = 'contact' and c.archived = 0 and c.trashed_at is null)`
	herOrg  = `(select c.org_id from record c where c.id = ? and c.kind = 'contact' and c.archived = 0 and c.trashed_at is null)`
)

// shown is the condition on a row of the spine that a customer sees it, on rows of one
// kind or, with "", of any. It is the only place that says what customers see: nothing
// that is archived or restricted; the tickets that name her; of what is
// written there that which is public; of the rest what is published for her.
func (c *Caller) shown(alias, kind string) (string, []any) {
	if c.Role != SelfService || c.Contact == 0 || c.User == 0 || c.Custom != nil {
		return `1 = 0`, nil
	}
	if kind != "" {
		text, args := c.shownOf(alias, kind)
		return `(` + alias + `.archived = 0 and ` + alias + `.restricted = 0 and ` + text + `)`, args
	}
	var b condition
	b.add(`(` + alias + `.archived = 0 and ` + alias + `.restricted = 0 and (1 = 0`)
	for _, k := range customerKinds() {
		text, args := c.shownOf(alias, k)
		b.add(` or (`+alias+`.kind = ? and `, k)
		b.add(text+`)`, args...)
	}
	b.add(`))`)
	return b.text.String(), b.args
}

// customerKinds are the kinds of which customers see records, in one order.
func customerKinds() []string {
	out := make([]string, 0, len(theirs))
	for k := range theirs {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// shownOf is shown without what goes for every kind.
func (c *Caller) shownOf(alias, kind string) (string, []any) {
	contact, row := int64(c.Contact), alias+`.id`
	hers := alias + `.org_id = 0 or ` + alias + `.org_id = ` + herOrg
	switch kind {
	case "user":
		return row + ` = ?`, []any{int64(c.User)}
	case "organization":
		return row + ` = ` + herOrg, []any{contact}
	case "contact":
		if c.Wide {
			return alias + `.org_id = ` + herOrg, []any{contact}
		}
		if c.Unit {
			text, args := c.unit(alias, row)
			return `(` + row + ` = ` + herself + ` or ` + text + `)`, append([]any{contact}, args...)
		}
		return row + ` = ` + herself, []any{contact}
	case "configuration":
		return `exists (select 1 from k_configuration p where p.id = ` + row + ` and p.contact_id = ` + herself + `)`, []any{contact}
	case "incident", "service_request":
		return c.ticket(alias, kind)
	case "change":
		return asked(row), []any{int64(c.User)}
	case "journal":
		return c.within(alias, `exists (select 1 from k_journal p where p.id = `+row+` and p.publish_to_web = 1)`, "incident", "service_request")
	case "request_answer":
		return c.within(alias, `1 = 1`, "service_request")
	case "offering", "announcement":
		return `(` + hers + `) and exists (select 1 from k_` + kind + ` p where p.id = ` + row + ` and p.status = 'Published')`, []any{contact}
	case "offering_question":
		return c.within(alias, `1 = 1`, "offering")
	case "knowledge_article":
		return `(` + hers + `) and exists (select 1 from k_knowledge_article p where p.id = ` + row + ` and p.status = 'Published' and p.audience = 'Customers')`, []any{contact}
	case "knowledge_feedback":
		return alias + `.created_by = ?`, []any{int64(c.User)}
	case "category", "configuration_type":
		return alias + `.org_id = 0`, nil
	}
	return `1 = 0`, nil
}

// ticket is the condition on a ticket: it is about her or was asked for by her, or she
// decides on its approval; who speaks for her organization sees all of its tickets, and who
// does for her department those of its people.
func (c *Caller) ticket(alias, kind string) (string, []any) {
	var b condition
	contact := int64(c.Contact)
	b.add(`(exists (select 1 from k_`+kind+` p where p.id = `+alias+`.id and (p.contact_id = `+herself+` or p.reported_by_id = `+herself+`))`, contact, contact)
	if c.Wide {
		b.add(` or `+alias+`.org_id = `+herOrg, contact)
	}
	if c.Unit {
		text, args := c.unit(alias, `u.contact_id`)
		b.add(` or exists (select 1 from k_`+kind+` u where u.id = `+alias+`.id and `+text+`)`, args...)
	}
	if kind == "service_request" {
		b.add(` or `+asked(alias+`.id`), int64(c.User))
	}
	b.add(`)`)
	return b.text.String(), b.args
}

// unit is the condition that a contact is of her department, or of one that she manages, on
// rows of her organization: a department of another one gives her nothing.
func (c *Caller) unit(alias, contact string) (string, []any) {
	return `(` + alias + `.org_id = ` + herOrg + ` and ` + contact + ` in (select q.id from k_contact q join record d on d.id = q.department_id
		where d.kind = 'department' and d.archived = 0 and d.trashed_at is null and d.org_id = ` + alias + `.org_id
		and (d.id = (select o.department_id from k_contact o where o.id = ?) or exists (select 1 from k_department m where m.id = d.id and m.manager_id = ?))))`,
		[]any{int64(c.Contact), int64(c.Contact), int64(c.User)}
}

// asked is the condition that the caller decides on the approval of a ticket now.
func asked(row string) string {
	return row + ` in (select b.record_id from ballot b join ballot_voter v on v.ballot_id = b.id where v.user_id = ? and b.state = 'Pending')`
}

// within is a condition on what lies in a record of one of some kinds, which she must see.
func (c *Caller) within(alias, also string, kinds ...string) (string, []any) {
	var b condition
	outer := alias + `x`
	b.add(also + ` and exists (select 1 from record ` + outer + ` where ` + outer + `.id = ` + alias + `.parent_id and ` + outer + `.trashed_at is null and ` + outer + `.archived = 0 and ` + outer + `.restricted = 0 and (1 = 0`)
	for _, k := range kinds {
		text, args := c.shownOf(outer, k)
		b.add(` or (`+outer+`.kind = ? and `, k)
		b.add(text+`)`, args...)
	}
	b.add(`))`)
	return b.text.String(), b.args
}

// Mates are the customers among some users who are of an organization: who is asked to
// approve what one of its people wants sees it by being asked.
const Mates = `select p.user_id from access_principal p join record c on c.id = p.contact_id where p.active = 1 and p.role = 'Self-service' and c.org_id = ? and c.kind = 'contact' and c.archived = 0 and c.trashed_at is null`

// customer fills in who a customer is.
func (c *Caller) customer(contact int64, sight Sight) {
	if c.Role != SelfService {
		return
	}
	c.Contact, c.Wide, c.Unit, c.AllOrgs, c.Granted = id.ID(contact), sight == OfOrganization, sight == OfDepartment, false, false
}
