package hudu

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
)

// Hudu keeps networks, addresses and racks apart from its assets. Here each sort of them
// is a type of assets: the library's where it has one, so that they join what a tenant
// documents already.

// anything is what a tag refers to that may lead to assets of every layout.
const anything = "*"

// plan says how a sort of things becomes assets.
type plan struct {
	sort, typ string
	fields    []field // but the name, which comes first
	say       func(x *reading, t thing) map[string]any
	used      []string // what say reads; all else that a thing tells goes to the notes
}

func (p *plan) layout() string { return "sort:" + p.sort }

// plans are the sorts, those first that others refer to.
func plans() []plan {
	notes := field{label: "Notes", kind: flexibleasset.Textbox}
	place := field{label: "Place", kind: flexibleasset.Tag, linked: anything}
	return []plan{
		{"vlan_zones", "VLAN zone", []field{{label: "VLANs", kind: flexibleasset.Text}, notes}, func(_ *reading, t thing) map[string]any {
			return map[string]any{"VLANs": t.text("vlan_id_ranges")}
		}, []string{"vlan_id_ranges"}},
		{"vlans", "VLAN", []field{{label: "Number", kind: flexibleasset.Number}, {label: "Zone", kind: flexibleasset.Tag, linked: "sort:vlan_zones"}, notes}, func(_ *reading, t thing) map[string]any {
			return map[string]any{"Number": t.text("vlan_id"), "Zone": links(t.text("vlan_zone_id"))}
		}, []string{"vlan_id", "vlan_zone_id"}},
		{"networks", "LAN", []field{{label: "Subnet", kind: flexibleasset.Text}, {label: "VLAN", kind: flexibleasset.Number}, {label: "In VLAN", kind: flexibleasset.Tag, linked: "sort:vlans"}, place, notes}, func(x *reading, t thing) map[string]any {
			in, number := t.text("vlan_id"), t.text("vlan_id")
			if n, ok := x.vlans[in]; ok {
				number = n
			} else {
				in = "" // some versions say the number itself
			}
			return map[string]any{"Subnet": t.text("address"), "VLAN": number, "In VLAN": links(in), "Place": links(t.text("location_id"))}
		}, []string{"address", "vlan_id", "location_id"}},
		{"ip_addresses", "IP address", []field{{label: "Status", kind: flexibleasset.Text}, {label: "Host name", kind: flexibleasset.Text}, {label: "Network", kind: flexibleasset.Tag, linked: "sort:networks"},
			{label: "Device", kind: flexibleasset.Tag, linked: anything}, notes}, func(_ *reading, t thing) map[string]any {
			return map[string]any{"Status": t.text("status"), "Host name": t.text("fqdn"), "Network": links(t.text("network_id")), "Device": links(t.text("asset_id"))}
		}, []string{"address", "status", "fqdn", "network_id", "asset_id", "skip_dns_validation"}},
		{"rack_storages", "Rack", []field{{label: "Height, units", kind: flexibleasset.Number}, {label: "First unit", kind: flexibleasset.Number}, {label: "Power, W", kind: flexibleasset.Number}, {label: "Devices", kind: flexibleasset.Tag, linked: anything},
			{label: "Contents", kind: flexibleasset.Textbox}, place, notes}, (*reading).rack,
			[]string{"height", "starting_unit", "max_wattage", "location_id", "rack_storage_items", "front_items", "rear_items"}},
	}
}

// links are the things of some numbers, as an asset links to them.
func links(ids ...string) []any {
	var out []any
	for _, n := range ids {
		if n != "" {
			out = append(out, map[string]any{"id": n})
		}
	}
	return out
}

// planned gives the fields that a sort's assets have.
func (p *plan) planned() []field {
	out := []field{{foreign: p.layout() + ".name", label: "Name", kind: flexibleasset.Text}}
	for _, f := range p.fields {
		f.foreign = p.layout() + "." + same(f.label)
		out = append(out, f)
	}
	return out
}

// errEnough ends a list of which one thing says enough.
var errEnough = errors.New("enough")

// survey learns which of the sorts there are, and what some tell of others.
func (x *reading) survey() error {
	for _, p := range plans() {
		err := x.perhaps(p.sort, false, func(t thing) error {
			switch p.sort {
			case "vlans":
				x.vlans[t.text("id")] = t.text("vlan_id")
			case "rack_storages":
				for _, list := range [][]thing{t.list("rack_storage_items"), t.list("front_items"), t.list("rear_items")} {
					for _, item := range list {
						x.inRack(t.text("id"), item)
					}
				}
			default:
				x.planned = append(x.planned, p)
				return errEnough
			}
			if len(x.planned) == 0 || x.planned[len(x.planned)-1].sort != p.sort {
				x.planned = append(x.planned, p)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	if !slices.ContainsFunc(x.planned, func(p plan) bool { return p.sort == "rack_storages" }) {
		return nil
	}
	return x.perhaps("rack_storage_items", false, func(t thing) error {
		x.inRack(t.text("rack_storage_id"), t)
		return nil
	})
}

// inRack remembers what stands in a rack. Hudu may tell it with the rack and apart.
func (x *reading) inRack(rack string, item thing) {
	if n := item.text("id"); !slices.ContainsFunc(x.racks[rack], func(have thing) bool { return n != "" && have.text("id") == n }) {
		x.racks[rack] = append(x.racks[rack], item)
	}
	if n := item.text("asset_id"); n != "" {
		x.names[n] = item.text("asset_name")
	}
}

// plannedLayouts make a type of each sort that there is. One of Hudu's layouts that is
// called like it keeps its name.
func (x *reading) plannedLayouts(taken map[string]bool) error {
	for i := range x.planned {
		p := &x.planned[i]
		if taken[same(p.typ)] {
			p.typ += " of Hudu"
		}
		it := x.item(flexibleasset.TypeKind, "asset_layouts", thing{"id": p.layout(), "name": p.typ})
		it.Named("Layout")
		for _, y := range flexibleasset.Library() {
			if y.Name == p.typ {
				it.Values["icon"], it.Values["description"] = y.Icon, y.Description
			}
		}
		x.fields[p.layout()] = p.planned()
		if err := x.Decide(it); err != nil {
			return err
		}
	}
	return nil
}

// plannedAssets makes an asset of each thing of the sorts.
func (x *reading) plannedAssets() error {
	for _, p := range x.planned {
		err := x.perhaps(p.sort, true, func(t thing) error {
			var fields []any
			for label, v := range p.say(x, t) {
				fields = append(fields, map[string]any{"label": label, "value": v})
			}
			slices.SortFunc(fields, func(a, b any) int {
				return strings.Compare(thing(a.(map[string]any)).text("label"), thing(b.(map[string]any)).text("label"))
			})
			fields = append(fields, map[string]any{"label": "Notes", "value": t.rest(p.used)})
			asset := t.only("id", "company_id", "archived", "url", "full_url")
			asset["name"], asset["fields"] = t.text("name", "address"), fields
			if asset.text("name") == "" {
				asset["name"] = p.typ + " " + t.text("id")
			}
			return x.asset(p.sort, p.layout(), asset)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// known are what a thing tells of itself that has its place, or says nothing to people.
var known = []string{"id", "name", "address", "company_id", "company_name", "archived", "archived_at", "discarded_at", "url", "full_url", "slug", "object_type", "created_at", "updated_at", "description", "notes"}

// rest is the description of a thing and what else it says, as a text.
func (t thing) rest(used []string) string {
	var text strings.Builder
	for _, n := range []string{"description", "notes"} {
		s := strings.TrimSpace(t.text(n))
		switch {
		case s == "":
		case strings.HasPrefix(s, "<"):
			text.WriteString(s)
		default:
			text.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(s), "\n", "<br>") + "</p>")
		}
	}
	for _, n := range keys(t) {
		if s := t.text(n); s != "" && !slices.Contains(known, n) && !slices.Contains(used, n) && !strings.HasSuffix(n, "_id") {
			text.WriteString("<p>" + html.EscapeString(label(n)+": "+s) + "</p>")
		}
	}
	return text.String()
}

// rack says what stands in a rack and where.
func (x *reading) rack(t thing) map[string]any {
	list := x.racks[t.text("id")]
	slices.SortStableFunc(list, func(a, b thing) int { return b.number("start_unit") - a.number("start_unit") })
	var devices []string
	var text strings.Builder
	for _, item := range list {
		n := item.text("asset_id")
		if n != "" && !slices.Contains(devices, n) {
			devices = append(devices, n)
		}
		text.WriteString("<li>" + html.EscapeString(x.stands(item)) + "</li>")
	}
	out := map[string]any{"Height, units": t.text("height"), "First unit": t.text("starting_unit"), "Power, W": t.text("max_wattage"), "Devices": links(devices...), "Place": links(t.text("location_id"))}
	if text.Len() > 0 {
		out["Contents"] = "<ul>" + text.String() + "</ul>"
	}
	return out
}

// stands is a line of what stands in a rack.
func (x *reading) stands(item thing) string {
	what := item.text("asset_name", "name", "reserved_message")
	if s := x.names[item.text("asset_id")]; s != "" {
		what = s
	}
	if what == "" {
		what = "Reserved"
	}
	where := fmt.Sprintf("Unit %s", item.text("start_unit"))
	if to := item.text("end_unit"); to != "" && to != item.text("start_unit") {
		where = fmt.Sprintf("Units %s to %s", item.text("start_unit"), to)
	}
	switch strings.ToLower(item.text("side")) {
	case "0", "front":
		where += ", front"
	case "1", "rear":
		where += ", rear"
	}
	if w := item.text("power_draw"); w != "" {
		what += ", " + w + " W"
	}
	if s := item.text("reserved_message"); s != "" && !strings.HasPrefix(what, s) {
		what += ", " + s
	}
	return where + ": " + what
}

func (t thing) number(name string) int {
	n, _ := strconv.Atoi(t.text(name))
	return n
}

// tableOf is the table of the things that a field links to.
func (f *field) tableOf() string {
	if sort, ok := strings.CutPrefix(f.linked, "sort:"); ok {
		return sort
	}
	return "assets"
}

// plannedTables are the tables of the sorts, with what they become.
func plannedTables(to map[string]string) {
	for _, p := range plans() {
		to[p.sort] = flexibleasset.Kind
	}
}

// sees remembers the name of an asset that stands in a rack.
func (x *reading) sees(t thing) {
	if _, ok := x.names[t.text("id")]; ok {
		x.names[t.text("id")] = t.text("name")
	}
}

// warnOfPeople says who of Hudu's own users was there, so that they can be invited.
func (x *reading) warnOfPeople(list []string) {
	if len(list) == 0 {
		return
	}
	x.Report.Unknown = append(x.Report.Unknown, importer.Unknown{File: "Hudu, users", Rows: int64(len(list)), Note: "Nobody is let in by an import. Invite them under Settings, Users: " + strings.Join(list[:min(len(list), mostPeople)], ", ") + more(len(list)-mostPeople) + "."})
}

// mostPeople is how many users a report names.
const mostPeople = 50

func more(n int) string {
	if n > 0 {
		return " and " + strconv.Itoa(n) + " more"
	}
	return ""
}

// users that are of a company become contacts of it: they are its people, who looked at
// its documentation. Those of the house are told of.
func (x *reading) users() error {
	x.Stage("Users")
	var own []string
	err := x.perhaps("users", false, func(t thing) error {
		name := strings.Join(strings.Fields(t.text("first_name")+" "+t.text("last_name")), " ")
		company := t.text("portal_member_company_id")
		if k := x.Look.Table("organizations")[company]; company == "" || k == nil || k.Rec == 0 {
			if t.text("archived") != "true" {
				own = append(own, strings.TrimSpace(name+" "+t.text("email")))
			}
			return nil
		}
		row := t.only("id", "first_name", "last_name", "email", "phone_number", "archived")
		row["company_id"] = company
		it := x.item("contact", "users", row)
		if !x.placed(it, row) {
			return nil
		}
		it.Put("first_name", "first_name")
		it.Put("last_name", "last_name")
		if name == "" {
			it.Values["first_name"] = row.text("email")
		}
		if s := row.text("email"); s != "" {
			it.Values["contact_emails"] = []any{map[string]any{"value": s, "label_name": "Work", "primary": true}}
		}
		if s := row.text("phone_number"); s != "" {
			it.Values["contact_phones"] = []any{map[string]any{"value": s, "label_name": "Work", "primary": true}}
		}
		return x.Decide(it)
	})
	x.warnOfPeople(own)
	return err
}
