package hudu

import (
	"net/url"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/state"
)

// Texts of articles and fields show pictures that lie in Hudu and lead to pages there.
// When everything is here, the pictures come into their records, and the texts get the
// addresses that both have here. A text that somebody changed here is left alone.

// text is one with addresses of Hudu in it.
type text struct {
	known       *importer.Known
	kind, field string
	html        string
}

// pages are the addresses of Hudu's pages and files, by their paths.
type pages struct {
	hosts map[string]bool
	of    map[string]*importer.Known
	files map[string]id.ID
}

func newPages(address string) pages {
	p := pages{map[string]bool{}, map[string]*importer.Known{}, map[string]id.ID{}}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		p.hosts[strings.ToLower(u.Host)] = true
	}
	return p
}

// words begin the paths of Hudu's pages and files.
var words = []string{"/a/", "/c/", "/kba/", "/passwords/", "/websites/", "/procedures/", "/shared/", "/file/", "/public_photo/", "/public_photos/"}

// pathOf gives the path of an address; "" when it is none of a page or file of Hudu.
func pathOf(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	for _, w := range words {
		if strings.HasPrefix(u.Path, w) && len(u.Path) > len(w) {
			return strings.TrimSuffix(u.Path, "/")
		}
	}
	return ""
}

// add remembers the page of a thing.
func (p *pages) add(t thing, k *importer.Known) {
	for _, name := range []string{"url", "full_url"} {
		at := pathOf(t.text(name))
		if at == "" || k == nil {
			continue
		}
		p.of[at] = k
		if u, err := url.Parse(t.text(name)); err == nil && u.Host != "" {
			p.hosts[strings.ToLower(u.Host)] = true
		}
	}
}

// isOurs tells whether an address is that of a page or file of this Hudu.
func (p *pages) isOurs(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	return err == nil && pathOf(address) != "" && (u.Host == "" || p.hosts[strings.ToLower(u.Host)])
}

// later remembers the texts of an item that have addresses of Hudu in them.
func (x *reading) later(it *importer.Item, list ...text) {
	if it.Known == nil || it.What == importer.Conflict || it.Link {
		return
	}
	for _, t := range list {
		found := false
		richtext.Rewrite(t.html, func(_, _, v string) string {
			found = found || pathOf(v) != ""
			return v
		})
		if t.known = it.Known; found {
			x.texts = append(x.texts, t)
		}
	}
}

// publicPhotos learns which pictures texts can show.
func (x *reading) publicPhotos() error {
	if len(x.texts) == 0 {
		return nil
	}
	x.Stage("Pictures")
	return x.perhaps("public_photos", false, func(t thing) error {
		for _, at := range []string{pathOf(t.text("url")), "/public_photo/" + t.text("id"), "/public_photo/" + t.text("numeric_id")} {
			if at != "" && !strings.HasSuffix(at, "/") {
				x.photos[strings.Replace(at, "/public_photos/", "/public_photo/", 1)] = t
			}
		}
		return nil
	})
}

// photo finds the picture that an image of a text shows.
func (x *reading) photo(src string) (thing, bool) {
	if !x.pages.isOurs(src) {
		return nil, false
	}
	t, ok := x.photos[strings.Replace(pathOf(src), "/public_photos/", "/public_photo/", 1)]
	return t, ok
}

// write brings in the pictures of the texts, and writes the addresses that are known now.
func (x *reading) write() error {
	list := x.texts
	x.texts = nil
	for _, t := range list {
		if t.known.Rec == 0 {
			continue
		}
		to := map[string]string{}
		for _, src := range richtext.Images(t.html) {
			photo, ok := x.photo(src)
			if !ok {
				if x.pages.isOurs(src) {
					x.Problem("Hudu, public photos", 0, problem.Warning, "Add it by hand.", "A picture of a text was left out: Hudu does not list %s.", importer.Short(pathOf(src)))
				}
				continue
			}
			name := photo.text("file_name", "name")
			if name == "" {
				name = "picture"
			}
			made, err := x.bring(file{sort: "public_photos", t: photo, on: t.known, name: name, role: attachment.Image})
			if err != nil {
				return err
			}
			if made != 0 {
				to[src] = "/documents/images/" + made.String()
			}
		}
		if x.Dry || t.known.Rec < 0 {
			continue
		}
		err := x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error {
			err := tx.Try(func() error { return x.rewrite(tx, t, to) })
			if importer.RowFault(err) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite gives a text the addresses that are known now.
func (x *reading) rewrite(tx *gate.Tx, t text, images map[string]string) error {
	rec, err := x.Importer.Records.Get(tx, t.kind, t.known.Rec)
	if err != nil {
		return err
	}
	was := richtext.Clean(t.html)
	if rec.Values.Text(t.field) != was {
		return nil
	}
	to := richtext.Clean(richtext.Rewrite(t.html, func(_, attr, v string) string {
		if images[v] != "" && attr == "src" {
			return images[v]
		}
		if attr == "href" && x.pages.isOurs(v) {
			if k := x.pages.of[pathOf(v)]; k != nil && k.Rec > 0 {
				return "/records/" + k.Rec.String()
			}
			if f := x.pages.files[pathOf(v)]; f != 0 {
				return "/files/" + f.String() + "/content"
			}
		}
		return v
	}))
	if to == was {
		return nil
	}
	if _, err := x.Importer.Records.Update(tx, t.kind, rec.ID, 0, record.Values{t.field: to}); err != nil {
		return err
	}
	if err := x.Wrote(tx, rec.ID, rec.Version); err != nil {
		return err
	}
	return state.Next(tx, rec)
}

// tagging is what a field of an asset links to.
type tagging struct {
	known *importer.Known
	trait string
	file  string // and line: where it was said
	line  int
	table string   // of what it links to
	ids   []string // there
}

// tag sets what assets link to, once all are here. Of an asset that somebody changed
// here nothing is set.
func (x *reading) tag() error {
	list := x.tags
	x.tags = nil
	for len(list) > 0 && !x.Dry {
		part := list[:min(len(list), 200)]
		list = list[len(part):]
		err := x.Importer.Quietly(x.Ctx, x.Caller, func(tx *gate.Tx) error {
			for _, g := range part {
				if err := x.tagOne(tx, g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *reading) tagOne(tx *gate.Tx, g tagging) error {
	if g.known.Rec <= 0 {
		return nil
	}
	here, err := state.Untouched(tx, g.known.Rec)
	if err != nil || !here {
		return err
	}
	var ids []id.ID
	for _, n := range g.ids {
		if k := x.Look.Table(g.table)[n]; k != nil && k.Rec > 0 {
			ids = append(ids, k.Rec)
			continue
		}
		x.Problem(g.file, g.line, problem.Warning, "Set it by hand.", "A link was left out: %s of %s, to which it leads, was not imported.", importer.Short(n), strings.ReplaceAll(g.table, "_", " "))
	}
	rec, err := x.Importer.Records.Get(tx, flexibleasset.Kind, g.known.Rec)
	if err != nil {
		return err
	}
	have, _ := rec.Values[g.trait].([]id.ID)
	if slices.Equal(have, ids) {
		return nil
	}
	err = tx.Try(func() error {
		_, err := x.Importer.Records.Update(tx, flexibleasset.Kind, g.known.Rec, 0, record.Values{g.trait: ids})
		return err
	})
	if importer.RowFault(err) {
		x.Problem(g.file, g.line, problem.Warning, "Set it by hand.", "A link of the asset was left out: %s", importer.Sentence(fault.Say(err)))
		return nil
	}
	if err != nil {
		return err
	}
	if err := x.Wrote(tx, rec.ID, rec.Version); err != nil {
		return err
	}
	return state.Renew(tx, g.known.Rec)
}
