package hudu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
)

// sorts are what files can hold, by the names that files have.
var sorts = map[string]string{
	"companies": "companies", "asset_layouts": "asset_layouts", "assets": "assets", "articles": "articles", "knowledge_base": "articles",
	"asset_passwords": "asset_passwords", "passwords": "asset_passwords", "websites": "websites", "folders": "folders", "password_folders": "password_folders",
	"relations": "relations", "procedures": "procedures", "procedure_tasks": "procedure_tasks", "uploads": "uploads", "photos": "photos", "public_photos": "public_photos",
	"networks": "networks", "ip_addresses": "ip_addresses", "vlans": "vlans", "vlan_zones": "vlan_zones", "rack_storages": "rack_storages", "rack_storage_items": "rack_storage_items", "flags": "flags", "flag_types": "flag_types", "labels": "labels", "expirations": "expirations", "users": "users",
}

// member is a file of the zip, or a list in one.
type member struct {
	entry  string
	list   string // the member of the object, of JSON
	layout string // of a table of assets: what they are called
}

// export is a zip of what Hudu holds: JSON as its API gives it, or tables.
type export struct {
	zip     *archive.Archive
	of      map[string][]member // by sort
	company string              // of rows that name none
	ids     map[string]string   // of companies, by folded name
	named   []string            // companies that rows name and no list has
	columns map[string][]string // of tables of assets, by layout
	files   map[string][]string // entries of the zip, by sort and what they can be known by
}

// most is how big a file of the zip may be, in bytes.
const most = 2 << 30

// openFile looks at what a file holds. Invalid for a zip that is none of Hudu's.
func openFile(r io.ReaderAt, size int64, password, company string) (*export, error) {
	z, err := archive.Open(r, size, archive.Options{Password: password})
	if err != nil {
		return nil, err
	}
	x := &export{zip: z, of: map[string][]member{}, company: company, ids: map[string]string{}, columns: map[string][]string{}, files: map[string][]string{}}
	for _, f := range z.Files() {
		if err := x.look(f.Name); err != nil {
			return nil, err
		}
	}
	if len(x.of) == 0 {
		return nil, fault.New(fault.Invalid, "The zip holds nothing that is known of Hudu.").WithHint("It holds JSON as Hudu's API gives it, such as companies.json, or tables, such as passwords.csv.")
	}
	return x, x.companies()
}

// Recognize tells whether a zip is of Hudu: it holds a list that no other product's
// export has.
func Recognize(r io.ReaderAt, size int64, password string) bool {
	x, err := openFile(r, size, password, "")
	return err == nil && (len(x.of["asset_layouts"]) > 0 || len(x.of["asset_passwords"]) > 0 && len(x.of["companies"]) > 0)
}

// look finds out what a file of the zip is.
func (x *export) look(entry string) error {
	base, ext := path.Base(entry), strings.ToLower(path.Ext(entry))
	name := strings.TrimSuffix(base, path.Ext(base))
	plain := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(name))
	switch {
	case x.keep(entry):
	case ext == ".json" && sorts[plain] != "":
		x.of[sorts[plain]] = append(x.of[sorts[plain]], member{entry: entry, list: sorts[plain]})
	case ext == ".json":
		lists, err := x.lists(entry)
		if err != nil {
			return err
		}
		for _, l := range lists {
			if sorts[l] != "" {
				x.of[sorts[l]] = append(x.of[sorts[l]], member{entry: entry, list: l})
			}
		}
	case ext == ".csv" && sorts[plain] != "" && sorts[plain] != "assets":
		x.of[sorts[plain]] = append(x.of[sorts[plain]], member{entry: entry})
	case ext == ".csv":
		x.of["assets"] = append(x.of["assets"], member{entry: entry, layout: name})
	}
	return nil
}

// contents are the folders of a zip that hold files, and the sorts that they are of.
var contents = []string{"uploads", "photos", "public_photos"}

// keep remembers an entry that is a file of such a folder: by the number that it, or the
// folder that it lies in, begins with, and by its name.
func (x *export) keep(entry string) bool {
	parts := strings.Split(entry, "/")
	for i, p := range parts[:len(parts)-1] {
		sort := strings.ToLower(p)
		if !slices.Contains(contents, sort) {
			continue
		}
		number := parts[i+1][:len(parts[i+1])-len(strings.TrimLeft(parts[i+1], "0123456789"))]
		for _, known := range []string{sort + "/" + number, sort + "/name/" + record.Fold(path.Base(entry))} {
			x.files[known] = append(x.files[known], entry)
		}
		return true
	}
	return false
}

// open gives the content of a file: that with its number, or the one of its name.
func (x *export) open(_ context.Context, sort string, t thing) (io.ReadCloser, error) {
	list := x.files[sort+"/"+t.text("numeric_id", "id")]
	if len(list) == 0 {
		list = x.files[sort+"/name/"+record.Fold(t.text("file_name", "name"))]
	}
	if len(list) != 1 {
		return nil, fault.New(fault.NotFound, "The zip does not hold it.").WithHint("Put it into the folder %s of the zip, with its number in front of its name; then import again.", sort)
	}
	return x.zip.Open(list[0])
}

// lists gives the names of the members of an object that are lists.
func (x *export) lists(entry string) (out []string, err error) {
	err = x.read(entry, func(r io.Reader) error {
		out, err = listsOf(r)
		return err
	})
	return out, err
}

func listsOf(r io.Reader) (out []string, err error) {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil //nolint:nilerr // it is no object, and not ours
	}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		var v json.RawMessage
		if err != nil || !ok || d.Decode(&v) != nil {
			return out, nil //nolint:nilerr // what stood before it is read
		}
		if v = bytes.TrimSpace(v); len(v) > 0 && v[0] == '[' {
			out = append(out, name)
		}
	}
	return out, nil
}

func (x *export) read(entry string, f func(io.Reader) error) error {
	in, err := x.zip.Open(entry)
	if err != nil {
		return err
	}
	defer in.Close()
	return f(io.LimitReader(in, most))
}

// companies learns the ids of companies by their names, and which are named only.
func (x *export) companies() error {
	for _, m := range x.of["companies"] {
		err := x.things(m, func(t thing) error {
			x.ids[record.Fold(t.text("name"))] = t.text("id")
			return nil
		})
		if err != nil {
			return err
		}
	}
	if x.company != "" {
		x.name(x.company)
	}
	for _, sort := range []string{"assets", "articles", "asset_passwords", "websites", "folders", "password_folders"} {
		for _, m := range x.of[sort] {
			err := x.things(m, func(t thing) error {
				if t.text("company_id") == "" {
					x.name(t.text("company_name", "company"))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *export) name(company string) {
	if key := record.Fold(company); company != "" && x.ids[key] == "" {
		x.ids[key] = "name:" + key
		x.named = append(x.named, company)
	}
}

// each calls f with all things of a sort, as the API would give them.
func (x *export) each(ctx context.Context, sort string, f func(raw json.RawMessage) error) error {
	give := func(t thing) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		x.complete(sort, t)
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		return f(b)
	}
	for _, m := range x.of[sort] {
		if err := x.things(m, give); err != nil {
			return err
		}
	}
	switch sort {
	case "companies":
		for _, n := range x.named {
			if err := give(thing{"id": x.ids[record.Fold(n)], "name": n}); err != nil {
				return err
			}
		}
	case "asset_layouts":
		return x.layouts(give)
	}
	return nil
}

// complete gives a thing the id and the company that a table says by names.
func (x *export) complete(sort string, t thing) {
	if t.text("company_id") == "" && !slices.Contains([]string{"companies", "asset_layouts", "procedures", "relations"}, sort) {
		company := t.text("company_name", "company")
		if company == "" {
			company = x.company
		}
		if n := x.ids[record.Fold(company)]; company != "" && n != "" {
			t["company_id"] = n
		}
	}
	if t.text("id") == "" {
		t["id"] = "row:" + external.Hash(t.text("company_id"), t.text("asset_layout_id"), t.text("name"), t.text("username"), t.text("url"), t.text("fromable_type"), t.text("fromable_id"), t.text("toable_type"), t.text("toable_id"))
	}
}

// things calls f with what a member holds.
func (x *export) things(m member, f func(thing) error) error {
	err := x.read(m.entry, func(r io.Reader) error {
		if strings.EqualFold(path.Ext(m.entry), ".json") {
			return readJSON(r, m.list, f)
		}
		return x.table(r, m, f)
	})
	if err != nil && fault.Of(err) == fault.Internal && !errors.Is(err, context.Canceled) {
		return fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", m.entry).WithHint("Export it again.")
	}
	return err
}

// readJSON calls f with the objects of a list: the whole text, or a member of an object.
func readJSON(r io.Reader, list string, f func(thing) error) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t == json.Delim('{') {
		for found := false; !found; {
			if !d.More() {
				return nil
			}
			if t, err = d.Token(); err != nil {
				return err
			}
			if found = t == list; !found {
				var skip json.RawMessage
				if err := d.Decode(&skip); err != nil {
					return err
				}
			}
		}
		if t, err = d.Token(); err != nil {
			return err
		}
	}
	if t != json.Delim('[') {
		return nil
	}
	for d.More() {
		v := thing{}
		if err := d.Decode(&v); err != nil {
			return err
		}
		if v == nil {
			continue
		}
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

// own are the columns of an asset that are no fields of its layout.
var own = []string{"id", "name", "company_id", "company_name", "company", "archived", "created_at", "updated_at", "slug", "url", "asset_layout_id", "asset_layout_name"}

// table calls f with the rows of a table.
func (x *export) table(r io.Reader, m member, f func(thing) error) error {
	t, err := table.Read(r, m.entry, table.Options{})
	if err != nil {
		return err
	}
	headings := t.Header()
	if m.layout != "" {
		x.columns[m.layout] = headings
	}
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		v := thing{}
		var fields []any
		for i, h := range headings {
			name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(h)), " ", "_")
			switch {
			case i >= len(row.Cells):
			case m.layout != "" && !slices.Contains(own, name):
				fields = append(fields, map[string]any{"label": h, "value": row.Cells[i]})
			case row.Cells[i] != "":
				v[name] = row.Cells[i]
			}
		}
		if m.layout != "" {
			v["fields"], v["asset_layout_id"] = fields, "table:"+m.layout
		}
		if err := f(v); err != nil {
			return err
		}
	}
}

// layouts gives a layout for each table of assets. A column that is called a password
// is one; of all others the table does not say what they are.
func (x *export) layouts(give func(thing) error) error {
	for _, name := range keys(x.columns) {
		var fields []any
		for _, h := range x.columns[name] {
			plain := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(h)), " ", "_")
			if slices.Contains(own, plain) {
				continue
			}
			kind := "Text"
			if strings.Contains(plain, "password") || strings.Contains(plain, "passphrase") {
				kind = "Password"
			}
			fields = append(fields, map[string]any{"id": h, "label": h, "field_type": kind})
		}
		if err := give(thing{"id": "table:" + name, "name": strings.TrimPrefix(name, "assets-"), "fields": fields}); err != nil {
			return err
		}
	}
	return nil
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
