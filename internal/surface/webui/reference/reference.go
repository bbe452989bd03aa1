// Package reference holds the pages on which people read what the API takes and
// gives.
//
// Always true: they show the document that programs fetch, and nothing else: what
// stands here is what is answered.
package reference

import (
	"embed"
	"io/fs"
	"strings"
	"sync"

	"strongroom/internal/base/openapi"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	API func() *openapi.Document // asked once
}

// home is the address of the first page, and what the others lie under.
const home = "/help/api"

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages.
func (p *Pages) Mount(s *shell.Shell) {
	read := sync.OnceValue(func() *reader { return newReader(p.API()) })
	s.Manage(shell.ToPrograms, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "API reference", Sub: "Every call of the API, what it takes and gives", Href: home, Icon: "api"}}
	})
	s.Get(home, func(v *shell.Visit) error { return (&visit{v, read()}).index() })
	s.Get(home+"/{resource}", func(v *shell.Visit) error { return (&visit{v, read()}).resource() })
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*reader
}

// index is the first page.
type index struct {
	Head   ui.Head
	About  []string
	Host   string
	Groups []group
}

// group are the resources of one letter.
type group struct {
	Title string
	Items []ui.Item
}

func (v *visit) index() error {
	host := "https://"
	if v.R.TLS == nil {
		host = "http://"
	}
	d := &index{
		Head: ui.Head{Title: "API reference", Icon: "api", Sub: []ui.Cell{{Text: "Every call, what it takes and gives"}}, Actions: []ui.Action{
			{Label: "API keys", Icon: "key", Href: "/keys"}, {Label: "OpenAPI document", Icon: "download", Href: "/api/v1/openapi.json"},
		}},
		About: strings.Split(v.doc.Info.Description, "\n\n"), Host: host + v.R.Host,
	}
	for _, t := range v.tags {
		letter := strings.ToUpper(t.Name[:1])
		if n := len(d.Groups); n == 0 || d.Groups[n-1].Title != letter {
			d.Groups = append(d.Groups, group{Title: letter})
		}
		g := &d.Groups[len(d.Groups)-1]
		g.Items = append(g.Items, ui.Item{Title: t.Name, Sub: t.about(), Href: home + "/" + t.Name})
	}
	p, err := v.Page("API reference", ui.Crumb{Label: "API reference"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("api", p)
}

// view is the page of a resource.
type view struct {
	Head   ui.Head
	About  string
	Calls  []call
	Below  []below
	Fields []field
	Words  []words
	Sample string
	Others []ui.NavItem
}

// words are names that a list can be asked by.
type words struct {
	Title, Text string
	List        []string
}

func (v *visit) resource() error {
	t := v.tag(v.R.PathValue("resource"))
	if t == nil {
		return gate.Missing()
	}
	d := &view{
		Head:  ui.Head{Title: t.Name, Icon: "api", Sub: []ui.Cell{{Text: "API reference", Href: home}, {Text: t.about()}}},
		Calls: t.calls, Below: t.below, Fields: v.fields(t.Name), Words: v.words(t.Name), Sample: v.sample(t.Name),
	}
	for _, o := range v.tags {
		d.Others = append(d.Others, ui.NavItem{Label: o.Name, Href: home + "/" + o.Name, Current: o == t})
	}
	p, err := v.Page(t.Name+" in the API", ui.Crumb{Label: "API reference", Href: home}, ui.Crumb{Label: t.Name})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("resource", p)
}
