package documents

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/crossref"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/webui/shell"
)

// mostImage is how large an image inside a document may be, in bytes.
const mostImage = 32 << 20

type documentView struct {
	Head     ui.Head
	Notice   *ui.Notice
	Body     []part
	Empty    *ui.Empty
	Contents []contentsLine
	Sections []sectionLine
	Add      []ui.NavItem
	Files    *shell.FilesCard
	Talk     *shell.TalkCard
	Rail     []*ui.Section
}

// contentsLine is a heading of the document; Level counts from 0.
type contentsLine struct {
	Text, Href string
	Level      int
}

type sectionLine struct {
	Name, Sort string
	Actions    []ui.Action
	Images     *ui.Drop
}

func (v *visit) documentPage(r *record.Record) error {
	view := &documentView{Notice: v.ArchivedNotice(r)}
	err := v.View(func(tx *gate.Tx) (err error) {
		if view.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		folder, err := v.FolderPath(tx, r.Values.ID("document_folder_id"), document.Ancestors)
		if err != nil {
			return err
		}
		if folder != "" {
			view.Head.Sub = append(view.Head.Sub, ui.Cell{Icon: "folder", Text: folder, Href: shell.FoldersURL(r.Org, r.Kind, r.Values.ID("document_folder_id"))})
		}
		if err := v.documentBody(tx, r, view); err != nil {
			return err
		}
		if view.Files, err = v.FilesOf(tx, r); err != nil {
			return err
		}
		if view.Talk, err = v.TalkOf(tx, r); err != nil {
			return err
		}
		view.Rail, err = v.RailOf(tx, r)
		view.Rail = append(view.Rail, downloads(r))
		return err
	})
	if err != nil {
		return err
	}
	publish := ui.Action{Label: "Make it a draft", Icon: "writing", Href: shell.RecordURL(r.Kind, r.ID) + "/draft", Post: true, Quiet: true}
	if !r.Values.Bool("published") {
		view.Head.Sub = append(view.Head.Sub, ui.Cell{Type: "pill", Text: "Draft", Tone: "warn"})
		publish = ui.Action{Label: "Publish", Icon: "check", Href: shell.RecordURL(r.Kind, r.ID) + "/publish", Post: true}
	}
	if r.Values.Bool("template") {
		view.Head.Sub = append(view.Head.Sub, ui.Cell{Type: "pill", Text: "Template"})
	}
	if v.May(access.Edit, r.Kind) {
		view.Head.Actions = append([]ui.Action{publish}, view.Head.Actions...)
		if r.Values["review_days"] != nil || r.Values["expires_on"] != nil {
			view.Head.Actions = append([]ui.Action{{Label: "Reviewed", Icon: "checks", Href: shell.RecordURL(r.Kind, r.ID) + "/reviewed", Post: true, Quiet: true}}, view.Head.Actions...)
		}
	}
	if day := r.Values.Text("expires_on"); day != "" {
		view.Head.Sub = append(view.Head.Sub, ui.Cell{Text: "Review by"}, v.DateCell(r.Kind.Field("expires_on"), day))
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, r.Org, r.OrgName, ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), view
	return v.Render("document", p)
}

func (v *visit) documentBody(tx *gate.Tx, r *record.Record, view *documentView) error {
	body, err := document.Body(tx, v.Records, r)
	if err == nil {
		body, err = crossref.Resolve(tx, v.Records, body)
	}
	if err != nil {
		return err
	}
	root, contents, err := readable(body)
	if err != nil {
		return err
	}
	view.Contents = contents
	if view.Body, err = v.parts(tx, root); err != nil {
		return err
	}
	list, err := document.Sections(tx, v.Records, r.ID)
	if err != nil {
		return err
	}
	edit := v.May(access.Edit, r.Kind)
	if strings.TrimSpace(body) == "" {
		view.Empty = &ui.Empty{Icon: "file-text", Title: "Nothing is written here yet"}
		if edit {
			view.Empty.Actions = []ui.Action{{Label: "Write", Icon: "edit", Href: shell.RecordURL(r.Kind, r.ID) + "/edit", Primary: true}}
		}
	}
	section := v.Kind("document_section")
	if !edit || section == nil || !v.May(access.Edit, section) {
		return nil
	}
	for i, s := range list {
		view.Sections = append(view.Sections, v.sectionLine(s, i > 0, i < len(list)-1))
	}
	for _, sort := range []struct{ value, label, icon string }{{document.Text, "Text", "writing"}, {document.Heading, "Heading", "h-2"}, {document.Step, "Step", "list-numbers"}, {document.Gallery, "Gallery", "photo"}} {
		view.Add = append(view.Add, ui.NavItem{Label: sort.label, Href: shell.ListURL(section) + "/new?document_id=" + r.ID.String() + "&resource_type=" + template.URLQueryEscaper(sort.value), Icon: sort.icon})
	}
	return nil
}

func (v *visit) sectionLine(s *record.Record, up, down bool) sectionLine {
	at := shell.RecordURL(s.Kind, s.ID)
	line := sectionLine{Name: s.Name, Sort: strings.TrimPrefix(s.Values.Text("resource_type"), "Document::")}
	move := func(icon, label, dir string) ui.Action {
		return ui.Action{Icon: icon, Href: at + "/move", Post: true, Fields: []ui.Hidden{{Name: "to", Value: dir}}, Quiet: true, IconOnly: true, Label: label}
	}
	if up {
		line.Actions = append(line.Actions, move("arrow-up", "Up", "up"))
	}
	if down {
		line.Actions = append(line.Actions, move("arrow-down", "Down", "down"))
	}
	line.Actions = append(line.Actions, ui.Action{Label: "Edit", Icon: "edit", Href: at + "/edit", Quiet: true, IconOnly: true},
		ui.Action{Label: "Remove", Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, IconOnly: true})
	if line.Sort == "Gallery" {
		line.Images = &ui.Drop{Action: at + "/images", Accept: "image/png,image/jpeg,image/gif,image/webp", Most: mostImage, Text: "Add images"}
	}
	return line
}

// readable cleans the HTML of a document, gives its headings anchors and lists
// them. Headings stand below the page's own: the first level is the second.
func readable(body string) (*html.Node, []contentsLine, error) {
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(richtext.Clean(body)), root)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	var list []contentsLine
	least := 6
	for n := range root.Descendants() {
		level := headingLevel(n)
		if level == 0 {
			continue
		}
		text := strings.Join(strings.Fields(textOf(n)), " ")
		if text == "" {
			continue
		}
		anchor := "part-" + strconv.Itoa(len(list)+1)
		n.Attr = append(n.Attr, html.Attribute{Key: "id", Val: anchor})
		least = min(least, level)
		list = append(list, contentsLine{Text: text, Href: "#" + anchor, Level: level})
	}
	shift(root, least)
	for n := range root.Descendants() {
		if n.DataAtom == atom.Pre { // it may scroll: by keys too
			n.Attr = append(n.Attr, html.Attribute{Key: "tabindex", Val: "0"})
		}
	}
	for i := range list {
		list[i].Level = min(list[i].Level-least, 2)
	}
	if len(list) < 3 {
		list = nil // one sees them all at once
	}
	return root, list, nil
}

// shift renames the headings so that the highest is an h2.
func shift(root *html.Node, least int) {
	for n := range root.Descendants() {
		if level := headingLevel(n); level != 0 {
			n.Data = "h" + strconv.Itoa(min(level-least+2, 6))
			n.DataAtom = atom.Lookup([]byte(n.Data))
		}
	}
}

func headingLevel(n *html.Node) int {
	if n.Type == html.ElementNode && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
		return int(n.Data[1] - '0')
	}
	return 0
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// documentForm lets images be put into the body of a document that exists, and
// fills in a new one that begins with a template.
func (v *visit) documentForm(f *ui.Form, r *record.Record) error {
	if err := v.begin(f, r); err != nil {
		return err
	}
	f.Fields = slices.DeleteFunc(f.Fields, func(x ui.Field) bool { // what programs say of documents
		return (x.Name == "is_uploaded" || x.Name == "sop_generator") && !x.Checked
	})
	for i := range f.Fields {
		x := &f.Fields[i]
		if x.Name != "content" {
			continue
		}
		x.Rows = 22
		if r != nil {
			x.Upload = shell.RecordURL(r.Kind, r.ID) + "/images"
		} else {
			x.Hint = "Images can be put in once the document is saved."
		}
	}
	return nil
}

// sectionForm shows only the fields that a section of its sort has.
func (v *visit) sectionForm(f *ui.Form, r *record.Record) error {
	sort := v.R.URL.Query().Get("resource_type")
	if r != nil {
		sort = r.Values.Text("resource_type")
	}
	f.Fields = slices.DeleteFunc(f.Fields, func(x ui.Field) bool {
		switch x.Name {
		case "level":
			return sort != "" && sort != document.Heading
		case "duration", "reset_count":
			return sort != "" && sort != document.Step
		}
		return false
	})
	for i := range f.Fields {
		x := &f.Fields[i]
		switch {
		case x.Name == "content" && r != nil:
			x.Upload = shell.RecordURL(v.Kind("document"), r.Parent) + "/images"
		case x.Name == "sort":
			x.Hint = "Empty puts it at the end."
		}
	}
	return nil
}

// image shows an image of a document: never SVG, which could run.
func (v *visit) image() error {
	if v.R.PathValue("id") != "images" {
		return gate.Missing()
	}
	fid, err := v.ID("image")
	if err != nil {
		return err
	}
	f, o, err := v.Attachments.Open(v.R.Context(), v.Caller, fid)
	if err != nil {
		return err
	}
	defer o.Close()
	if f.Role != attachment.Image {
		return gate.Missing()
	}
	v.Stream(f.Name, f.Type, attachment.Viewable(f.Type), o)
	return nil
}

// addImage takes an image from the editor and answers where it is.
func (v *visit) addImage() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var f *attachment.File
	_, err = web.ParseUpload(v.R, func(up *web.File) error {
		if f != nil || up.Name == "" {
			return nil
		}
		f, err = v.Attachments.AddImage(v.R.Context(), v.Caller, rid, up.Name, up)
		return err
	})
	if err != nil {
		return err
	}
	if f == nil {
		return fault.Field("file", "No image was chosen.")
	}
	return web.JSON(v.W, http.StatusCreated, map[string]string{"url": document.ImageURL(f.ID)})
}

// addGalleryImages takes images for a gallery.
func (v *visit) addGalleryImages() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var s *record.Record
	err = v.View(func(tx *gate.Tx) (err error) { s, err = v.Records.Get(tx, "document_section", rid); return err })
	if err != nil {
		return err
	}
	n := 0
	_, err = web.ParseUpload(v.R, func(up *web.File) error {
		if up.Name == "" {
			return nil
		}
		_, err := v.Attachments.AddImage(v.R.Context(), v.Caller, rid, up.Name, up)
		n++
		return err
	})
	if err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusCreated, map[string]int{"images": n})
	}
	return v.Done(v.HomeOf(s), "%d images added.", n)
}

// publish changes whether a document is a draft; words say what it is then.
func (v *visit) publish(set func(*gate.Tx, *record.Engine, id.ID) (*record.Record, error), words string) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var r *record.Record
	err = v.Change(access.Edit, gate.Thing{Kind: "document", ID: rid}, func(tx *gate.Tx) (err error) {
		r, err = set(tx, v.Records, rid)
		return err
	})
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, rid), "%s %s.", r.Name, words)
}

// moveSection changes places with the section above or below.
func (v *visit) moveSection() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	step := 1
	if form.Text("to") == "up" {
		step = -1
	}
	var s *record.Record
	err = v.Change(access.Edit, gate.Thing{Kind: "document_section", ID: rid}, func(tx *gate.Tx) error {
		if s, err = v.Records.Get(tx, "document_section", rid); err != nil {
			return err
		}
		list, err := document.Sections(tx, v.Records, s.Parent)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(x *record.Record) bool { return x.ID == rid })
		if i+step < 0 || i+step >= len(list) {
			return nil
		}
		list[i], list[i+step] = list[i+step], list[i]
		for place, x := range list {
			want := int64(place + 1)
			if have, ok := x.Values["sort"].(int64); ok && have == want {
				continue
			}
			if _, err := v.Records.Update(tx, "document_section", x.ID, 0, record.Values{"sort": want}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Done(v.HomeOf(s)+"#sections", "Moved.")
}
