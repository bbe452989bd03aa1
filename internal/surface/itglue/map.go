package itglue

import (
	"net/http"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/relation/graph"
	"strongroom/internal/surface/itglue/report"
	"strongroom/internal/surface/itglue/value"
)

// showMap answers with what is around a record; with to it is the shortest way to
// another record.
func showMap(c *call, res *resource) error {
	from, err := c.id("id")
	if err != nil {
		return err
	}
	q, err := report.MapQuery(c.query, from, func(name string) string {
		if res := c.named(name); res != nil {
			return res.kind.Name
		}
		return ""
	})
	if err != nil {
		return err
	}
	to, way := c.query.Flag("to")
	var m *graph.Map
	err = c.view(func(tx *gate.Tx) (err error) {
		if _, err := c.Records.Get(tx, res.kind.Name, from); err != nil {
			return err
		}
		x := &graph.Explorer{Relations: c.Relations}
		if !way {
			m, err = x.Map(tx, q)
			return err
		}
		goal, ok := id.Parse(to)
		if !ok {
			return gate.Missing()
		}
		m, err = x.Path(tx, q, goal)
		return err
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, report.Map(nil, m, func(b []byte, n *graph.Node) []byte {
		res := c.resources[n.Kind]
		b = value.Text(jsonapi.Attr(b, "resource-type"), res.typ)
		b = value.Text(jsonapi.Attr(b, "resource-type-name"), value.TypeName(res.kind))
		return res.appendURL(jsonapi.Attr(b, "resource-url"), c.host, n.Org, n.ID)
	}))
}
