package records

import (
	"net/http"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/surface/webui/shell"
)

// refs answers what a reference may point to: records of a kind whose names
// hold what was typed.
func (v *visit) refs() error {
	k := v.Kind(v.R.PathValue("kind"))
	if k == nil {
		return gate.Missing()
	}
	q := v.R.URL.Query()
	org, _ := id.Parse(q.Get("organization_id"))
	query := record.Query{Text: q.Get("q"), Limit: 20, Archived: "no", NoTotal: true}
	if k.Scope == record.OfOrganization || k.Scope == record.OfParent {
		query.Org = org
	}
	if k.Variants != nil {
		query.Variant, _ = id.Parse(q.Get(k.Variants.By))
	}
	var page *record.Page
	err := v.View(func(tx *gate.Tx) (err error) {
		page, err = v.Records.List(tx, k.Name, query)
		return err
	})
	if err != nil {
		return err
	}
	items := []refItem{}
	for _, r := range page.Records {
		x := refItem{ID: r.ID.String(), Label: r.Name, Icon: shell.IconOf(r)}
		if org == 0 && k.Scope != record.Organization {
			x.Sub = r.OrgName
		}
		items = append(items, x)
	}
	return web.JSON(v.W, http.StatusOK, map[string]any{"items": items})
}

type refItem struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Sub   string `json:"sub,omitempty"`
	Icon  string `json:"icon,omitempty"`
}

// anyRefs answers a combobox that looks for a record of any kind.
func (v *visit) anyRefs() error {
	items := []refItem{}
	q := v.R.URL.Query().Get("q")
	err := v.View(func(tx *gate.Tx) error {
		if strings.TrimSpace(q) == "" {
			return nil
		}
		hits, err := search.Find(tx, q, search.Options{Limit: 20})
		for _, h := range hits {
			it := refItem{ID: h.ID.String(), Label: h.Name, Sub: v.Where(h.Kind, h.OrgName, "")}
			if k := v.Records.Kinds.Kind(h.Kind); k != nil {
				it.Icon = k.Icon
			}
			items = append(items, it)
		}
		return err
	})
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, map[string]any{"items": items})
}
