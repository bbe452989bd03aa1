// Package hudu brings in what lies in Hudu, through its API or from a zip of files:
// companies, asset layouts with their assets, networks and racks, folders, passwords,
// articles, websites, procedures, relations, flags, people, files and pictures. doc/formats/hudu.md says what is read.
//
// Always true: everything is known by its id in Hudu, so that an import that broke off
// goes on, and one that is done again changes what changed; a value that finds no place
// stands in a field of text, and what has no kind here is listed; the API key is sent to
// no place but Hudu.
package hudu

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/staging"
)

// Name is what the layout is called.
const Name = "hudu"

// Layout reads Hudu's API, or a file. The API key, or the password of the zip, is the
// password of the options.
type Layout struct {
	Client *http.Client
	Pace   time.Duration // between two requests; what Hudu allows when 0
}

// Settings say where Hudu is.
type Settings struct {
	URL     string `json:"url,omitempty"`
	Company string `json:"company,omitempty"` // the name of the one that what belongs to none comes to
}

// Name is hudu.
func (Layout) Name() string { return Name }

// Recognizes tells whether a file is a zip of Hudu.
func (Layout) Recognizes(f *staging.File) bool { return Recognize(f, f.Size, "") }

// Open checks the address and the key by asking for the companies, or reads what the
// file holds.
func (l Layout) Open(in *importer.Run, file *staging.File) (importer.Reading, error) {
	var s Settings
	if len(in.Options.Settings) > 0 {
		if err := json.Unmarshal(in.Options.Settings, &s); err != nil {
			return nil, fault.Field("url", "The address of Hudu cannot be read.")
		}
	}
	from, err := l.from(in, file, s)
	if err != nil {
		return nil, err
	}
	in.Source = Name
	in.Tables = map[string]string{"organizations": "organization", "asset_layouts": flexibleasset.TypeKind, "asset_layout_fields": flexibleasset.FieldKind,
		"assets": flexibleasset.Kind, "folders": "document_folder", "articles": "document", "password_folders": "password_folder", "asset_passwords": "password", "websites": "domain",
		procedures: "checklist", templates: "checklist_template", tasksOf[procedures]: "checklist_task", tasksOf[templates]: "checklist_template_task", "users": "contact", "flag_types": flag.Kind}
	plannedTables(in.Tables)
	x := &reading{vlans: map[string]string{}, racks: map[string][]thing{}, names: map[string]string{}, Run: in, from: from, company: s.Company, fields: map[string][]field{}, pages: newPages(s.URL), photos: map[string]thing{}, made: map[string]procedure{}}
	return x, nil
}

func (l Layout) from(in *importer.Run, file *staging.File, s Settings) (source, error) {
	if s.URL == "" && file.Size > 0 {
		return openFile(file, file.Size, in.Options.Password, s.Company)
	}
	c, err := connect(l.Client, l.Pace, s.URL, in.Options.Password)
	if err != nil {
		return nil, err
	}
	_, err = c.page(in.Ctx, "companies", 1)
	if fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) { // nothing was begun: it is what was typed
		said := fault.Say(err)
		err = fault.Wrap(err, fault.Invalid, "%s", said.Text).WithHint("%s", said.Hint)
	}
	return c, err
}

// source is where things come from.
type source interface {
	// each calls f with all things of a sort. NotFound where there is no such sort.
	each(ctx context.Context, sort string, f func(raw json.RawMessage) error) error
	// open gives the content of a file of a sort. NotFound where it is not there.
	open(ctx context.Context, sort string, t thing) (io.ReadCloser, error)
}

type reading struct {
	*importer.Run
	from    source
	company string             // that takes what belongs to none
	taker   *importer.Known    // is that company
	fields  map[string][]field // of layouts, by id
	pages   pages
	photos  map[string]thing // in texts, by the word in their address
	texts   []text
	tags    []tagging
	made    map[string]procedure // by id
	tasks   []task

	planned []plan             // the sorts beside the assets that there are
	vlans   map[string]string  // their numbers, by id
	racks   map[string][]thing // what stands in them, by id
	names   map[string]string  // of assets that stand in racks, by id
}

type field struct {
	foreign, label, kind string

	linked string // of a Tag, the layout of what it refers to, or anything
}

// Total is not known: Hudu does not say.
func (x *reading) Total() (int64, error) { return 0, nil }

// Steps are the sorts of things, in the order in which they refer to each other.
func (x *reading) Steps() []func() error {
	return []func() error{x.companies, x.users, x.flagTypes, x.survey, x.layouts, x.layoutFields, x.assets, x.folders, x.articles, x.passwordFolders, x.passwords, x.websites, x.procedures, x.procedureTasks, x.relations, x.flags, x.tag, x.publicPhotos, x.uploads, x.write, x.others}
}

// thing is one thing as Hudu gives it.
type thing map[string]any

func (t thing) text(names ...string) string {
	for _, n := range names {
		switch v := t[n].(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number, bool:
			return fmt.Sprint(v)
		}
	}
	return ""
}

func (t thing) list(name string) []thing {
	var out []thing
	l, _ := t[name].([]any)
	for _, v := range l {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Has, Get and Each make a thing a row, of which the hash is taken.
func (t thing) Has(name string) bool { _, ok := t[name]; return ok }

// Get gives the first text that is not empty.
func (t thing) Get(names ...string) string { return t.text(names...) }

// Each calls f with everything, in the order of the names. What Hudu writes when it is
// only looked at does not count.
func (t thing) Each(f func(name, value string)) {
	var names []string
	for n := range t {
		if n != "updated_at" && n != "object_type" && n != "url" && n != "full_url" || n == "url" && t.Has("password") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		b, _ := json.Marshal(t[n])
		f(n, string(b))
	}
}

// each calls f with all things of a sort; there may be no such.
func (x *reading) each(sort string, f func(t thing) error) error {
	err := x.from.each(x.Ctx, sort, func(raw json.RawMessage) error {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		t := thing{}
		if err := d.Decode(&t); err != nil || t.text("id") == "" {
			return fault.New(fault.Invalid, "What Hudu answers for %s cannot be read.", sort).WithHint("Check that the address is that of Hudu.")
		}
		if x.Progress.Done++; x.Progress.Done%100 == 0 {
			x.Tell()
		}
		return f(t)
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// item makes the item of a thing. Line is the number of the thing.
func (x *reading) item(kind, tab string, t thing) *importer.Item {
	n, _ := strconv.Atoi(t.text("id"))
	it := x.Item(kind, tab, t.text("id"), "Hudu, "+strings.ReplaceAll(tab, "_", " "), n)
	it.Row = t
	if t.Has("archived") {
		it.Bool("archived", "archived")
	}
	return it
}

// decide lets the run decide of an item, and remembers the page of its thing, which
// texts may lead to.
func (x *reading) decide(it *importer.Item, t thing) error {
	err := x.Decide(it)
	x.pages.add(t, it.Known)
	return err
}

// placed gives an item the organization that it is of; false when it was skipped.
func (x *reading) placed(it *importer.Item, t thing) bool {
	k := x.Look.Table("organizations")[t.text("company_id")]
	if t.text("company_id") == "" {
		k = x.taker
	}
	if k == nil || k.Rec == 0 {
		_ = it.Skip("Put it under a company in Hudu, or say with -company which one takes what belongs to none.", "The thing %s of %s was skipped: it belongs to no company.", it.Foreign, it.File)
		return false
	}
	it.Org = k
	it.Values["organization_id"] = k.Rec
	return true
}

func (x *reading) companies() error {
	x.Stage("Companies")
	one := func(t thing) error {
		it := x.item("organization", "organizations", t)
		it.Named("Company")
		it.Put("short_name", "nickname")
		it.List("organization_type_id", "organization_type", "company_type")
		it.Rich("quick_notes", "notes")
		for _, n := range []string{"address_line_1", "address_line_2", "city", "state", "zip", "country_name", "phone_number", "fax_number", "website", "id_number"} {
			if s := t.text(n); s != "" {
				it.Notes = append(it.Notes, label(n)+": "+s)
			}
		}
		err := x.decide(it, t)
		if x.company != "" && record.Fold(t.text("name")) == record.Fold(x.company) {
			x.taker = it.Known
		}
		return err
	}
	if err := x.each("companies", one); err != nil || x.company == "" || x.taker != nil {
		return err
	}
	return one(thing{"id": "name:" + record.Fold(x.company), "name": x.company})
}

func label(name string) string {
	s := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// kinds are Hudu's sorts of fields that are more than a text here.
var kinds = map[string]string{"RichText": flexibleasset.Textbox, "Embed": flexibleasset.Textbox, "Heading": flexibleasset.Header, "CheckBox": flexibleasset.Checkbox,
	"Password": flexibleasset.Password, "ConfidentialText": flexibleasset.Password, "Number": flexibleasset.Number, "Date": flexibleasset.Date,
	"AssetTag": flexibleasset.Tag, "AssetLink": flexibleasset.Tag}

// built are what every asset can say besides the fields of its layout.
var built = [][2]string{{"primary_serial", "Serial number"}, {"primary_model", "Model"}, {"primary_manufacturer", "Manufacturer"}, {"primary_mail", "Mail"}}

// layouts become types of assets.
func (x *reading) layouts() error {
	x.Stage("Asset layouts")
	said, err := x.builtSaid()
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	err = x.each("asset_layouts", func(t thing) error {
		id := t.text("id")
		taken[same(t.text("name"))] = true
		it := x.item(flexibleasset.TypeKind, "asset_layouts", thing{"id": t["id"], "name": t["name"]})
		it.Named("Layout")
		list := []field{{foreign: id + ".name", label: "Name", kind: flexibleasset.Text}}
		for _, f := range t.list("fields") {
			kind := kinds[f.text("field_type")]
			if kind == "" || kind == flexibleasset.Tag && f.text("linkable_id") == "" {
				kind = flexibleasset.Text
			}
			if l := f.text("label"); l != "" && record.Fold(l) != "name" && f.text("is_destroyed") != "true" {
				list = append(list, field{foreign: id + "." + f.text("id"), label: l, kind: kind, linked: f.text("linkable_id")})
			}
		}
		for _, b := range built {
			if said[id+"."+b[0]] && !slices.ContainsFunc(list, func(f field) bool { return same(f.label) == same(b[1]) }) {
				list = append(list, field{foreign: id + "." + b[0], label: b[1], kind: flexibleasset.Text})
			}
		}
		x.fields[id] = list
		return x.Decide(it)
	})
	if err != nil {
		return err
	}
	return x.plannedLayouts(taken)
}

// builtSaid tells which of the built things the assets of each layout say.
func (x *reading) builtSaid() (map[string]bool, error) {
	out := map[string]bool{}
	err := x.each("assets", func(t thing) error {
		for _, b := range built {
			if t.text(b[0]) != "" {
				out[t.text("asset_layout_id")+"."+b[0]] = true
			}
		}
		return nil
	})
	return out, err
}

// same is a label as it is compared: Hudu writes some in small letters and underscores.
func same(label string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(record.Fold(label), "_", " ")), " ")
}

// layoutFields become the fields of the types. The name of an asset is one, too.
func (x *reading) layoutFields() error {
	for layout, list := range sorted(x.fields) {
		typ := x.Look.Table("asset_layouts")[layout]
		if typ == nil || typ.Rec == 0 {
			continue
		}
		for i := range list {
			f := &list[i]
			tag := ""
			if f.kind == flexibleasset.Tag {
				text, err := x.isText(f.foreign)
				if err != nil {
					return err
				}
				switch to := x.Look.Table("asset_layouts")[f.linked]; {
				case text || f.linked != anything && (to == nil || to.Rec == 0):
					f.kind = flexibleasset.Text
				case f.linked != anything:
					tag = "FlexibleAssetType: " + to.Rec.String()
				}
			}
			it := x.Item(flexibleasset.FieldKind, "asset_layout_fields", f.foreign, "Hudu, asset layouts", i+1)
			it.Row = thing{"label": f.label, "kind": f.kind}
			it.Values = record.Values{flexibleasset.TypeField: typ.Rec, "name": f.label, "name_key": flexibleasset.Key(f.label), "kind": f.kind, "order": int64(i + 1), "use_for_title": i == 0, "show_in_list": i < 4}
			if tag != "" {
				it.Values["tag_type"] = tag
			}
			if err := x.Decide(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// isText tells whether a field that links to assets came in as a text once, which it stays.
func (x *reading) isText(foreign string) (text bool, err error) {
	k := x.Look.Table("asset_layout_fields")[foreign]
	if k == nil || k.Rec <= 0 {
		return false, nil
	}
	err = x.Importer.Gate.View(x.Ctx, x.Caller, func(tx *gate.Tx) error {
		f, err := x.Importer.Records.Get(tx, flexibleasset.FieldKind, k.Rec)
		if err == nil {
			text = f.Values.Text("kind") != flexibleasset.Tag
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return text, err
}

func (x *reading) assets() error {
	x.Stage("Assets")
	err := x.each("assets", func(t thing) error {
		x.sees(t)
		return x.asset("assets", t.text("asset_layout_id"), t)
	})
	if err != nil {
		return err
	}
	x.Stage("Networks and racks")
	return x.plannedAssets()
}

// asset makes one, of a layout.
func (x *reading) asset(tab, layout string, t thing) error {
	it := x.item(flexibleasset.Kind, tab, t)
	typ := x.Look.Table("asset_layouts")[layout]
	if !x.placed(it, t) {
		return nil
	}
	if typ == nil || typ.Rec == 0 {
		return it.Skip("Import again when its layout can be read.", "The asset %s was skipped: its layout was not imported.", it.Foreign)
	}
	it.Values[flexibleasset.TypeField], it.Shown = typ.Rec, t.text("name")
	said := saidOf(t)
	var texts []text
	var tags []tagging
	for _, f := range x.fields[layout] {
		v, ok := said[same(f.label)]
		have := x.Look.Table("asset_layout_fields")[f.foreign]
		if !ok || have == nil || have.Rec <= 0 || f.kind == flexibleasset.Header {
			continue
		}
		trait := record.TraitName(have.Rec)
		switch f.kind {
		case flexibleasset.Tag:
			tags = append(tags, tagging{trait: trait, file: it.File, line: it.Line, table: f.tableOf(), ids: v.ids})
			continue
		case flexibleasset.Password:
			it.Secret = append(it.Secret, trait)
		case flexibleasset.Textbox:
			texts = append(texts, text{kind: it.Kind, field: trait, html: v.text})
		}
		it.Values[trait] = value(f.kind, v.text)
	}
	err := x.decide(it, t)
	x.later(it, texts...)
	if it.Known != nil && it.What != importer.Conflict {
		for _, g := range tags {
			g.known = it.Known
			x.tags = append(x.tags, g)
		}
	}
	return err
}

// content is what a field of an asset says: a text, or the assets that it links to.
type content struct {
	text string
	ids  []string
}

// saidOf gives what an asset says, by label as same writes it.
func saidOf(t thing) map[string]content {
	out := map[string]content{"name": {text: t.text("name")}}
	for _, b := range built {
		if s := t.text(b[0]); s != "" {
			out[same(b[1])] = content{text: s}
		}
	}
	for _, c := range t.list("custom_fields") { // as older versions write them
		for label, v := range c {
			out[same(label)] = contentOf(v)
		}
	}
	for _, f := range t.list("fields") {
		out[same(f.text("label", "caption"))] = contentOf(f["value"])
	}
	return out
}

// contentOf reads a value: a text, or a list of assets, which may be written as JSON.
func contentOf(v any) content {
	out := content{text: thing{"v": v}.text("v")}
	list, ok := v.([]any)
	if !ok && strings.HasPrefix(out.text, "[{") {
		d := json.NewDecoder(strings.NewReader(out.text))
		d.UseNumber()
		ok = d.Decode(&list) == nil
	}
	if !ok {
		return out
	}
	var names []string
	for _, t := range (thing{"v": list}).list("v") {
		if t.text("id") != "" {
			out.ids = append(out.ids, t.text("id"))
		}
		if n := t.text("name", "id"); n != "" {
			names = append(names, n)
		}
	}
	if len(names) > 0 {
		out.text = strings.Join(names, ", ")
	}
	return out
}

// value reads what a field says.
func value(kind, text string) any {
	if text == "" {
		return nil
	}
	switch kind {
	case flexibleasset.Date:
		if day, err := table.ParseDate(text); err == nil {
			return day
		}
	case flexibleasset.Checkbox:
		if on, err := table.ParseBool(text); err == nil {
			return on
		}
	}
	return text
}

// articles become documents. Those of no company are for all in Hudu; here they belong to
// the company that takes what belongs to none.
func (x *reading) articles() error {
	x.Stage("Articles")
	return x.each("articles", func(t thing) error {
		it := x.item("document", "articles", t)
		if !x.placed(it, t) {
			return nil
		}
		it.Named("Article")
		it.Rich("content", "content")
		it.Values["published"] = t.text("draft") != "true"
		x.within(it, "document_folder_id", "folders", t.text("folder_id"))
		err := x.decide(it, t)
		x.later(it, text{kind: it.Kind, field: "content", html: it.Values.Text("content")})
		return err
	})
}

func (x *reading) passwords() error {
	x.Stage("Passwords")
	return x.each("asset_passwords", func(t thing) error {
		it := x.item("password", "asset_passwords", t)
		if !x.placed(it, t) {
			return nil
		}
		it.Secret = []string{"password", "otp_secret"}
		it.Named("Password", "username")
		it.Put("username", "username")
		if x.pages.isOurs(t.text("url")) { // its page in Hudu, not where to sign in
			it.Put("url", "login_url")
		} else {
			it.Put("url", "login_url", "url")
		}
		it.Lines("notes", "description")
		it.List("password_category_id", "password_category", "password_type")
		x.within(it, "password_folder_id", "password_folders", t.text("password_folder_id"))
		it.Values["password"], it.Values["otp_secret"] = t.text("password"), strings.TrimSpace(t.text("otp_secret"))
		if k := x.Look.Table("assets")[t.text("passwordable_id")]; t.text("passwordable_type") == "Asset" && k != nil && k.Rec != 0 {
			it.Values["resource_type"], it.Values["resource_id"] = "Flexible Asset", int64(k.Rec)
		}
		return x.decide(it, t)
	})
}

// others counts what has no place here.
func (x *reading) others() error {
	for _, o := range [][2]string{{"expirations", "The dates come in with what has them; the board of expirations shows them."}, {"labels", "These are not brought in. They stay in Hudu."}} {
		var n int64
		if err := x.perhaps(o[0], true, func(thing) error { n++; return nil }); err != nil {
			return err
		}
		if n > 0 {
			x.Report.Unknown = append(x.Report.Unknown, importer.Unknown{File: "Hudu, " + o[0], Rows: n, Note: o[1]})
		}
	}
	return nil
}

// perhaps is each for a sort that some versions, or keys, do not give: that is said,
// unless quiet, and the rest goes on.
func (x *reading) perhaps(sort string, quiet bool, f func(t thing) error) error {
	var failed error
	err := x.each(sort, func(t thing) error {
		failed = f(t)
		return failed
	})
	if failed != nil || err == nil || !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Invalid) {
		return err
	}
	if !quiet {
		x.Problem("Hudu, "+strings.ReplaceAll(sort, "_", " "), 0, problem.Warning, "Look whether the key may read them; then import again.", "Hudu did not give its %s: %s", strings.ReplaceAll(sort, "_", " "), fault.Say(err).Text)
	}
	return nil
}

// sorted gives layouts in the order of their ids.
func sorted(m map[string][]field) func(func(string, []field) bool) {
	return func(yield func(string, []field) bool) {
		var ids []string
		for id := range m {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			if !yield(id, m[id]) {
				return
			}
		}
	}
}
