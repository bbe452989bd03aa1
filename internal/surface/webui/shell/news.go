package shell

import (
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Changed lists the records that changed last, of an organization or of all.
func (v *Visit) Changed(tx *gate.Tx, org id.ID, limit int) ([]ui.Item, error) {
	cond, args := tx.Visible("r")
	named, who := tx.Visible("o")
	args = append(who, args...)
	q := `select r.id, r.kind, r.name, coalesce(o.name, ''), r.updated_at, coalesce(u.name, '') from record r left join record o on o.id = r.org_id and ` + named + ` left join record u on u.id = r.updated_by
		where r.trashed_at is null and r.parent_id = 0 and ` + cond
	if org != 0 {
		q, args = q+` and r.org_id = ? and r.id <> r.org_id`, append(args, int64(org))
	}
	kinds := v.MenuNames()
	q, args = q+` and r.kind in (`+access.Marks(len(kinds))+`)`, append(args, kinds...)
	rows, err := tx.Query(q+` order by r.updated_at desc, r.id desc limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ui.Item
	for rows.Next() {
		var rid, ms int64
		var kind, name, orgName, by string
		if err := rows.Scan(&rid, &kind, &name, &orgName, &ms, &by); err != nil {
			return nil, err
		}
		k := v.Kind(kind)
		if k == nil || k.Admin {
			continue
		}
		it := ui.Item{Title: name, Sub: k.Label, Href: RecordURL(k, id.ID(rid)), Icon: k.Icon, Time: When(ms)}
		if org == 0 && k.Scope == record.OfOrganization {
			it.Sub += " · " + orgName
		}
		if by != "" {
			it.Sub += " · " + by
		}
		out = append(out, it)
	}
	return out, rows.Err()
}

// MenuNames are the names of the kinds in the navigation, for a query.
func (v *Visit) MenuNames() []any {
	var out []any
	for _, k := range v.Menu() {
		out = append(out, k.Name)
	}
	return out
}

// Feed says what was done, newest first, as far as the caller may see it.
func (v *Visit) Feed(tx *gate.Tx, f audit.Filter, most int) ([]ui.Event, error) {
	list, err := tx.Activity(f)
	if err != nil {
		return nil, err
	}
	var out []ui.Event
	for _, e := range list {
		words := deedWords[e.Action]
		if words == "" || e.Result != audit.OK || e.Kind == "" || len(out) == most {
			continue
		}
		x := ui.Event{Who: e.Detail.Actor, What: words, Object: e.Detail.Name, Detail: e.Detail.Reason, Time: When(e.Time)}
		if x.Who == "" {
			x.Who = "Somebody"
		}
		if k := v.Kind(e.Kind); k != nil && e.Object != 0 && !k.Admin {
			x.Href = RecordURL(k, e.Object)
		}
		if x.Object == "" {
			x.Object = Lower(v.kindLabel(e.Kind))
		}
		out = append(out, x)
	}
	return out, nil
}

func (v *Visit) kindLabel(kind string) string {
	if k := v.Kind(kind); k != nil {
		return k.Label
	}
	return "record"
}

var deedWords = map[string]string{
	"create": "created", "edit": "changed", "archive": "archived", "restore": "brought back", "delete": "deleted", "undelete": "brought back", "purge": "removed for good",
	"reveal": "revealed", "reveal.granted": "revealed", "restrict": "changed who may see", "comment": "commented on", "export": "exported", "import": "imported",
}

// SoonDays is how many days ahead lists and dashboards look for what runs out.
const SoonDays = 90

// ExpiryItems are lines of what runs out, with the organization where the page
// is not of one.
func (v *Visit) ExpiryItems(list []expiry.Item, withOrg bool) []ui.Item {
	var out []ui.Item
	for _, x := range list {
		p := v.PillOf(x.Kind, x.Date)
		it := ui.Item{Title: x.Name, Sub: x.Field.Title(), Href: RecordURL(x.Kind, x.Record), Icon: x.Kind.Icon, Pill: &p}
		if withOrg && x.OrgName != "" {
			it.Sub += " · " + x.OrgName
		}
		out = append(out, it)
	}
	return out
}

// Day is a time as a day, as dates are kept.
func Day(t time.Time) string { return t.Format(time.DateOnly) }
