package own

import (
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/search"
	"strongroom/internal/surface/itglue/value"
)

// mostFound is how many records a search gives at most.
const mostFound = 200

// findRecords finds records by words, the best first. What else programs send with a
// search, an order or what is related, is ignored.
func findRecords(c *Call) error {
	q := c.R.URL.Query()
	o := search.Options{}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fault.New(fault.Invalid, "The limit must be a number, 1 at least.")
		}
		o.Limit = min(n, mostFound)
	}
	if s := strings.TrimSpace(q.Get("filter_organization_id")); s != "" {
		n, ok := id.Parse(s)
		if !ok {
			n = id.Max
		}
		o.Org = n
	}
	for name := range strings.SplitSeq(q.Get("kind"), ",") {
		if name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(name))); name == "" {
			continue
		}
		if k := c.Records.Kinds.Plural(name); k != nil {
			name = k.Name
		}
		o.Kinds = append(o.Kinds, name)
	}
	var items [][]byte
	err := c.view(func(tx *gate.Tx) error {
		hits, err := search.Find(tx, q.Get("query"), o)
		items = nil
		for _, h := range hits {
			items = append(items, c.hit(h))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.all(items)
}

func (c *Call) hit(h search.Hit) []byte {
	b := jsonapi.StartItem(h.ID.String(), "search-results")
	b = value.Text(jsonapi.Attr(b, "name"), h.Name)
	b = value.Text(jsonapi.Attr(b, "resource-type"), jsonapi.Kebab(c.plural(h.Kind)))
	b = value.Plain(jsonapi.Attr(b, "organization-id"), h.Org)
	b = value.Text(jsonapi.Attr(b, "organization-name"), h.OrgName)
	b = c.URL(jsonapi.Attr(b, "resource-url"), h.Kind, h.Org, h.ID)
	return jsonapi.EndItem(value.Plain(jsonapi.Attr(b, "archived"), h.Archived))
}
