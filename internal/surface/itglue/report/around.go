package report

import (
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/relation/graph"
	"strongroom/internal/surface/itglue/value"
)

// MapQuery reads how far a map goes and along what. kind gives the kind that a
// name stands for, or "".
func MapQuery(asked jsonapi.Query, from id.ID, kind func(name string) string) (graph.Query, error) {
	q := graph.Query{From: from, Hops: 1}
	follow, _ := asked.Flag("follow")
	if q.Follow = graph.Follow(follow); q.Follow != graph.Any {
		q.Hops = 0
	}
	if s, ok := asked.Flag("hops"); ok && s != "" {
		n, err := strconv.Atoi(s)
		if s != "all" && (err != nil || n < 1) {
			return q, fault.Field("hops", "Say how many hops: 1, 2 and so on, or all.")
		}
		q.Hops = n
	}
	for _, l := range []struct {
		name string
		list *[]string
	}{{"kinds", &q.Only}, {"without", &q.Without}, {"also", &q.Also}} {
		s, _ := asked.Flag(l.name)
		parts, _ := jsonapi.Split(s)
		for _, p := range parts {
			if p == "" {
				continue
			}
			k := kind(p)
			if k == "" {
				return q, fault.Field(l.name, "There are no records of the sort %q.", p)
			}
			*l.list = append(*l.list, k)
		}
	}
	return q, nil
}

// Map appends a map as a document: its records as data, each as node writes it
// after its hops, and its links as included.
func Map(b []byte, m *graph.Map, node func(b []byte, n *graph.Node) []byte) []byte {
	b = append(b, `{"data":[`...)
	for i, n := range m.Nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, jsonapi.StartItem(n.ID.String(), "map-nodes")...)
		b = value.Text(jsonapi.Attr(b, "name"), n.Name)
		b = node(b, n)
		b = value.Plain(jsonapi.Attr(b, "organization-id"), n.Org)
		b = value.Text(jsonapi.Attr(b, "organization-name"), n.OrgName)
		b = value.Plain(jsonapi.Attr(b, "archived"), n.Archived)
		b = value.Plain(jsonapi.Attr(b, "hops"), int64(n.Hops))
		b = jsonapi.EndItem(value.Plain(jsonapi.Attr(b, "via-id"), n.Via))
	}
	b = append(b, `],"included":[`...)
	for i, e := range m.Edges {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, jsonapi.StartItem(strconv.Itoa(i+1), "map-links")...)
		b = value.Plain(jsonapi.Attr(b, "from-id"), e.From)
		b = value.Plain(jsonapi.Attr(b, "to-id"), e.To)
		b = value.Text(jsonapi.Attr(b, "reason"), e.Reason)
		b = value.Text(jsonapi.Attr(b, "notes"), e.Notes)
		b = value.Plain(jsonapi.Attr(b, "related-item-id"), e.Relation)
		b = jsonapi.EndItem(value.Plain(jsonapi.Attr(b, "needed-id"), e.Needed))
	}
	b = append(b, `],"meta":{"cut":`...)
	return append(strconv.AppendBool(b, m.Cut), "}}"...)
}
