package records

import (
	"strongroom/internal/base/web/ui"
	"strongroom/internal/surface/webui/shell"
)

// chooseNew is the New button's menu as a page.
func (v *visit) chooseNew() error {
	s := &ui.Section{Title: "What is it?"}
	for _, o := range v.Offers() {
		s.Items = append(s.Items, ui.Item{Title: o.Label, Href: o.Href, Icon: o.Icon})
	}
	if len(s.Items) == 0 {
		s.Empty = "Your role may not create anything."
	}
	p, err := v.Page("New", ui.Crumb{Label: "New"})
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: "New"}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}
