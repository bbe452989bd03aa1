package hudu

import (
	"fmt"
	"net/url"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
)

// folders become folders of documents, those above first. A folder of pictures, or of
// no company, has no place here.
func (x *reading) folders() error {
	x.Stage("Folders")
	return x.tree("folders", "document_folder", func(t thing) bool { return t.text("folder_type") != "photo" })
}

// passwordFolders become folders of passwords. Those of no company are for all in Hudu.
func (x *reading) passwordFolders() error {
	return x.tree("password_folders", "password_folder", func(thing) bool { return true })
}

// tree makes folders in rounds: those whose folder above is made. One whose folder above
// is none, or below itself, goes to the top.
func (x *reading) tree(sort, kind string, wanted func(thing) bool) error {
	waiting, global := map[string]thing{}, int64(0)
	var order []string
	err := x.each(sort, func(t thing) error {
		switch {
		case !wanted(t):
		case t.text("company_id") == "" && x.taker == nil:
			global++
		default:
			waiting[t.text("id")] = t
			order = append(order, t.text("id"))
		}
		return nil
	})
	if global > 0 {
		x.Problem("Hudu, "+sort, 0, problem.Info, "What lies in them comes in without a folder.", "%d folders of no company have no place here.", global)
	}
	for err == nil && len(waiting) > 0 {
		var now []string
		for _, n := range order {
			if t, ok := waiting[n]; ok && (waiting[t.text("parent_folder_id")] == nil || t.text("parent_folder_id") == n) {
				now = append(now, n)
			}
		}
		if len(now) == 0 { // in a ring: one of them goes to the top
			for _, n := range order {
				if t := waiting[n]; t != nil {
					delete(t, "parent_folder_id")
					break
				}
			}
			continue
		}
		for _, n := range now {
			t := waiting[n]
			delete(waiting, n)
			if err = x.folder(sort, kind, t); err != nil {
				return err
			}
		}
		err = x.Flush()
	}
	return err
}

func (x *reading) folder(sort, kind string, t thing) error {
	it := x.item(kind, sort, t)
	if !x.placed(it, t) {
		return nil
	}
	it.Named("Folder")
	if above := x.Look.Table(sort)[t.text("parent_folder_id")]; above != nil && above.Rec != 0 && above != x.Look.Table(sort)[it.Foreign] {
		it.Values["parent_id"] = above.Rec
	}
	return x.Decide(it)
}

// within puts an item into its folder.
func (x *reading) within(it *importer.Item, field, sort, folder string) {
	if k := x.Look.Table(sort)[folder]; k != nil && k.Rec != 0 {
		it.Values[field] = k.Rec
		it.Marks = append(it.Marks, "folder "+folder)
	}
}

// websites become domains, which the trackers follow; several of one host are one.
func (x *reading) websites() error {
	x.Stage("Websites")
	hosts := map[string]*importer.Known{}
	return x.each("websites", func(t thing) error {
		it := x.item("domain", "websites", t)
		if !x.placed(it, t) {
			return nil
		}
		address := t.text("name")
		if h := hostOf(address); !strings.Contains(h, ".") && !x.pages.isOurs(t.text("url")) && strings.Contains(t.text("url"), "//") {
			address = t.text("url")
		}
		host := hostOf(address)
		if host == "" {
			return it.Skip("Add it by hand.", "The website %s was skipped: its address has no host.", it.Foreign)
		}
		key := t.text("company_id") + " " + host
		if k := hosts[key]; k != nil {
			x.Look.Table("websites")[it.Foreign] = k
			x.Problem(it.File, it.Line, problem.Info, "", "The website %s is the domain %s, which was brought in already.", it.Foreign, importer.Short(host))
			return nil
		}
		it.Values["name"] = host
		it.Rich("notes", "notes")
		it.Notes = append(it.Notes, "Address: "+address)
		err := x.decide(it, t)
		hosts[key] = it.Known
		return err
	})
}

func hostOf(address string) string {
	if !strings.Contains(address, "//") {
		address = "//" + address
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

// ends are the tables of what Hudu relates.
var ends = map[string][]string{"company": {"organizations"}, "asset": {"assets"}, "assetpassword": {"asset_passwords"}, "article": {"articles"}, "website": {"websites"}, "procedure": {procedures, templates},
	"network": {"networks"}, "ipaddress": {"ip_addresses"}, "vlan": {"vlans"}, "vlanzone": {"vlan_zones"}, "rackstorage": {"rack_storages"}}

// pair is a relation whose ends are here.
type pair struct {
	from, to *importer.Known
	notes    string
}

// relations relates what was related. Hudu tells each from both ends.
func (x *reading) relations() error {
	x.Stage("Relations")
	var list []pair
	seen := map[[2]*importer.Known]bool{}
	lost := map[string]int{}
	err := x.each("relations", func(t thing) error {
		p := pair{x.end(t, "fromable"), x.end(t, "toable"), t.text("description")}
		switch {
		case p.from == nil || p.to == nil:
			lost[strings.Join([]string{t.text("fromable_type"), t.text("toable_type")}, " and ")]++
		case p.from == p.to || seen[[2]*importer.Known{p.from, p.to}] || seen[[2]*importer.Known{p.to, p.from}]:
		default:
			seen[[2]*importer.Known{p.from, p.to}] = true
			list = append(list, p)
		}
		return nil
	})
	for _, what := range keys(lost) {
		x.Problem("Hudu, relations", 0, problem.Warning, "Relate them by hand.", "%d relations of %s were left out: one of the two was not imported.", lost[what], what)
		x.Report.Count("relation", importer.Skipped)
	}
	for len(list) > 0 && err == nil {
		part := list[:min(len(list), 200)]
		list = list[len(part):]
		err = x.relate(part)
	}
	return err
}

func (x *reading) end(t thing, which string) *importer.Known {
	for _, table := range ends[strings.ToLower(strings.ReplaceAll(t.text(which+"_type"), "_", ""))] {
		if k := x.Look.Table(table)[t.text(which+"_id")]; k != nil && k.Rec != 0 {
			return k
		}
	}
	return nil
}

func (x *reading) relate(list []pair) error {
	count := func(made bool) {
		if made {
			x.Report.Count("relation", importer.Created)
		} else {
			x.Report.Count("relation", importer.Unchanged)
		}
	}
	if x.Dry {
		return x.Importer.Gate.View(x.Ctx, x.Caller, func(tx *gate.Tx) error {
			for _, p := range list {
				here, err := importer.Related(tx, p.from.Rec, p.to.Rec)
				if err != nil {
					return err
				}
				count(!here)
			}
			return nil
		})
	}
	made := make([]bool, len(list))
	err := x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		n := int64(0)
		for i, p := range list {
			var err error
			if made[i], err = x.Relate(tx, p.from.Rec, p.to.Rec, p.notes, record.Independent); err != nil {
				return fmt.Errorf("relation %d: %w", i, err)
			}
			if made[i] {
				n++
			}
		}
		return x.Note(tx, "relation", importer.Created, n)
	})
	if err != nil {
		return err
	}
	for _, m := range made {
		count(m)
	}
	return nil
}
