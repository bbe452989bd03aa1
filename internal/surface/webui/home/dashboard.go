package home

import (
	"strconv"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/surface/webui/shell"
)

// homePage is the dashboard.
type homePage struct {
	Head     ui.Head
	Tiles    []ui.Tile
	Expiring *ui.Section
	Changed  []ui.Item
	Activity *ui.Section
	Starred  []ui.Item
	Empty    *ui.Empty
}

func (v *visit) home() error {
	var d homePage
	var totals map[string]int64
	var soon []expiry.Item
	var week int64
	err := v.View(func(tx *gate.Tx) (err error) {
		if totals, err = v.Records.Totals(tx, 0); err != nil {
			return err
		}
		if soon, err = expiry.List(tx, v.Records, 0, shell.Day(v.Today().AddDate(0, 0, -30)), shell.Day(v.Today().AddDate(0, 0, shell.SoonDays)), 1000); err != nil {
			return err
		}
		if week, err = v.changedSince(tx, v.Now().AddDate(0, 0, -7).UnixMilli()); err != nil {
			return err
		}
		if d.Changed, err = v.Changed(tx, 0, 8); err != nil {
			return err
		}
		if v.Caller.May(access.Inspect) {
			feed, err := v.Feed(tx, audit.Filter{Limit: 30}, 8)
			if err != nil {
				return err
			}
			d.Activity = &ui.Section{Title: "Activity", More: &ui.NavItem{Label: "Audit trail", Href: "/audit"}, Feed: feed}
		}
		d.Starred, err = v.starred(tx, 8)
		return err
	})
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(v.Caller.Name, " ")
	d.Head = ui.Head{Title: "Hello, " + first, Sub: []ui.Cell{{Text: v.Today().Format("Monday 2 January 2006")}, {Text: shell.Count(totals["organization"], v.Kind("organization"))}}}
	d.Tiles = v.tiles(totals, soon, week)
	d.Expiring = &ui.Section{Title: "Expiring soon", More: &ui.NavItem{Label: "All " + strconv.Itoa(len(soon)), Href: "/expirations"}, Items: v.ExpiryItems(soon[:min(len(soon), 7)], true)}
	if len(soon) == 0 {
		d.Expiring.More, d.Expiring.Empty = nil, "Nothing runs out within 90 days."
	}
	if totals["organization"] == 0 {
		d.Empty = v.startHere()
	}
	p, err := v.Page("Dashboard", ui.Crumb{Label: "Dashboard"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("home", p)
}

// startHere is what the dashboard of an empty tenant says.
func (v *visit) startHere() *ui.Empty {
	e := &ui.Empty{Icon: "building", Title: "There is nothing to see yet.", Text: "No organization is open to you. Ask an administrator to put you into a group, or to open one to you."}
	if k := v.Kind("organization"); v.Caller.AllOrgs && v.May(access.Create, k) { // else she would not see what she makes
		e.Title, e.Text = "Start with your first organization.", "Add a client or department, or bring in an IT Glue export."
		e.Actions = []ui.Action{{Label: "New organization", Icon: "plus", Href: shell.NewURL(k, 0), Primary: true}}
		if v.Caller.May(access.Import) {
			e.Actions = append(e.Actions, ui.Action{Label: "Import", Icon: "upload", Href: "/imports"})
		}
	}
	return e
}

func (v *visit) tiles(totals map[string]int64, soon []expiry.Item, week int64) []ui.Tile {
	var out []ui.Tile
	for _, name := range []string{"organization", "configuration", "password", "document", "contact", "location"} {
		if k := v.Kind(name); k != nil {
			out = append(out, ui.Tile{Label: k.Labels, Icon: k.Icon, Value: web.Number(totals[name]), Href: shell.ListURL(k)})
		}
	}
	over, month := 0, 0
	for _, x := range soon {
		switch left := v.DaysLeft(x.Date); {
		case left < 0:
			over++
		case left <= 30:
			month++
		}
	}
	t := ui.Tile{Label: "Expiring in 30 days", Icon: "calendar-due", Value: strconv.Itoa(month), Href: "/expirations?range=30", Delta: strconv.Itoa(len(soon)-over) + " in 90 days"}
	if month > 0 {
		t.Tone = "warn"
	}
	if over > 0 {
		t.Tone, t.Delta = "bad", strconv.Itoa(over)+" expired in the last 30 days"
	}
	return append(out, t, ui.Tile{Label: "Changed in 7 days", Icon: "activity", Value: web.Number(week)})
}

// changedSince counts the records that changed since then.
func (v *visit) changedSince(tx *gate.Tx, ms int64) (n int64, err error) {
	cond, args := tx.Visible("r")
	kinds := v.MenuNames()
	args = append(append(kinds, ms), args...)
	return n, tx.QueryRow(`select count(*) from (select 1 from record r where r.kind in (`+access.Marks(len(kinds))+`) and r.trashed_at is null and r.updated_at >= ? and `+cond+` limit 10000) q`,
		args...).Scan(&n)
}

// starred lists the caller's favourites.
func (v *visit) starred(tx *gate.Tx, most int) ([]ui.Item, error) {
	list, err := favourite.List(tx)
	if err != nil {
		return nil, err
	}
	var out []ui.Item
	for _, x := range list[:min(len(list), most)] {
		k := v.Kind(x.Kind)
		if k == nil {
			continue
		}
		it := ui.Item{Title: x.Name, Sub: k.Label, Href: shell.RecordURL(k, x.Record), Icon: k.Icon}
		if k.Scope == record.Organization {
			it.Icon, it.Badge = "", x.Name
		} else if x.OrgName != "" {
			it.Sub += " · " + x.OrgName
		}
		out = append(out, it)
	}
	return out, nil
}
