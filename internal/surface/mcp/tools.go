package mcp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/relation/graph"
)

// offer adds what the caller may use.
func (v *visit) offer(to *sdk.Server) {
	tool(v, to, "search", "Find records by words in their names and texts: devices, passwords (without their values), documents, contacts and so on.", true, v.search)
	tool(v, to, "get_record", "Read one record by its id: every field, the text of a document, what it is related to. Secret values are not in it.", true, v.getRecord)
	tool(v, to, "list_records", "List records of one kind, of one organization or all, filtered and sorted.", true, v.listRecords)
	tool(v, to, "list_organizations", "List the organizations (clients or departments) that are documented.", true, v.listOrganizations)
	tool(v, to, "list_kinds", "List the kinds of records and designed types of assets; with a kind, its fields.", true, v.listKinds)
	tool(v, to, "related", "What belongs to a record: one hop, several or all; what breaks if it fails; what it needs; or the shortest way to another record.", true, v.related)
	tool(v, to, "expirations", "What runs out: warranties, certificates, contracts and reviews, the soonest first.", true, v.expirations)
	if verdict, _ := access.Decide(v.caller, access.Reveal, access.Target{Kind: "password", Visible: true}); verdict == access.Allowed {
		tool(v, to, "reveal_password", "Show the value of one password. Only when the person you work for asked for it. The reason, in their words, is recorded with their name.", true, v.reveal)
	}
	to.AddResourceTemplate(&sdk.ResourceTemplate{Name: "record", Title: "Record", Description: "A record by its kind and id", MIMEType: "text/plain", URITemplate: scheme + "{kind}/{id}"}, v.resource)
}

// found is a line of a list.
type found struct {
	ID           string            `json:"id"`
	Kind         string            `json:"kind"`
	Name         string            `json:"name"`
	Organization string            `json:"organization,omitempty"`
	URI          string            `json:"uri"`
	Archived     bool              `json:"archived,omitempty"`
	Fields       map[string]string `json:"fields,omitempty"`
}

// listed is the data of a list.
type listed struct {
	Records []found `json:"records"`
	Total   int64   `json:"total,omitempty"`
	More    bool    `json:"more"`
}

func (l *listed) text(head string) string {
	var b strings.Builder
	b.WriteString(head + "\n")
	for _, r := range l.Records {
		fmt.Fprintf(&b, "- %s (%s, id %s", r.Name, r.Kind, r.ID)
		if r.Organization != "" {
			b.WriteString(", " + r.Organization)
		}
		if r.Archived {
			b.WriteString(", archived")
		}
		b.WriteString(")")
		for _, k := range slices.Sorted(mapsKeys(r.Fields)) {
			b.WriteString("; " + k + ": " + r.Fields[k])
		}
		b.WriteString("\n")
	}
	if l.More {
		b.WriteString("There are more.\n")
	}
	return b.String()
}

type searchIn struct {
	Query        string `json:"query" jsonschema:"words to find"`
	Organization string `json:"organization_id,omitempty" jsonschema:"only in the organization with this id"`
	Kind         string `json:"kind,omitempty" jsonschema:"only this kind, such as configuration or document"`
	Limit        int    `json:"limit,omitempty" jsonschema:"how many, 20 unless said, at most 50"`
}

func (v *visit) search(ctx context.Context, in searchIn) (*answer, error) {
	if strings.TrimSpace(in.Query) == "" {
		return nil, fault.New(fault.Invalid, "Say what to search for.")
	}
	o := search.Options{Limit: limited(in.Limit, 20, 50)}
	if in.Kind != "" {
		k, err := v.kind(in.Kind)
		if err != nil {
			return nil, err
		}
		o.Kinds = []string{k.Name}
	}
	out, limit := &listed{Records: []found{}}, o.Limit
	o.Limit++
	err := v.view(ctx, func(tx *gate.Tx) (err error) {
		if o.Org, err = v.organization(tx, in.Organization); err != nil {
			return err
		}
		hits, err := search.Find(tx, in.Query, o)
		for _, h := range hits {
			if v.offers(h.Kind) {
				out.Records = append(out.Records, found{ID: h.ID.String(), Kind: h.Kind, Name: h.Name, Organization: h.OrgName, URI: uri(h.Kind, h.ID), Archived: h.Archived})
			}
		}
		return err
	})
	if out.More = len(out.Records) > limit; out.More {
		out.Records = out.Records[:limit]
	}
	return &answer{Text: out.text(fmt.Sprintf("%d found:", len(out.Records))), Data: out}, err
}

type organizationsIn struct {
	Text string `json:"text,omitempty" jsonschema:"only those whose names hold this"`
	Page int    `json:"page,omitempty" jsonschema:"page of 50, from 1"`
}

func (v *visit) listOrganizations(ctx context.Context, in organizationsIn) (*answer, error) {
	return v.listRecords(ctx, listIn{Kind: "organization", Text: in.Text, Page: in.Page})
}

type listIn struct {
	Kind         string            `json:"kind" jsonschema:"the kind, as list_kinds names it"`
	Organization string            `json:"organization_id,omitempty" jsonschema:"only of the organization with this id"`
	AssetType    string            `json:"asset_type_id,omitempty" jsonschema:"of assets: only of the type with this id, whose fields then can be filtered by"`
	Text         string            `json:"text,omitempty" jsonschema:"only records that hold this text in their name or another searched field"`
	Filters      map[string]string `json:"filters,omitempty" jsonschema:"field and value; a text field holds the value, other fields equal it; null is not set; references are ids"`
	Sort         string            `json:"sort,omitempty" jsonschema:"a field, with - before it for the last first"`
	Archived     bool              `json:"archived,omitempty" jsonschema:"archived ones too"`
	Page         int               `json:"page,omitempty" jsonschema:"page of 50, from 1"`
}

const pageSize = 50

func (v *visit) listRecords(ctx context.Context, in listIn) (*answer, error) {
	k, err := v.kind(in.Kind)
	if err != nil {
		return nil, err
	}
	out := &listed{Records: []found{}}
	a := &answer{About: about{Kind: k.Name}}
	page := max(1, in.Page)
	err = v.view(ctx, func(tx *gate.Tx) (err error) {
		q := record.Query{Text: in.Text, Limit: pageSize, Offset: (page - 1) * pageSize, Archived: "no"}
		if in.Archived {
			q.Archived = ""
		}
		if q.Org, err = v.organization(tx, in.Organization); err != nil {
			return err
		}
		a.About.Org = q.Org
		if in.AssetType != "" && k.Variants != nil {
			if q.Variant, err = number("asset_type_id", in.AssetType); err != nil {
				return err
			}
			if k, err = v.Records.Shape(tx, k.Name, q.Variant); err != nil {
				return err
			}
		}
		if q.Filters, err = filters(k, in.Filters); err != nil {
			return err
		}
		if in.Sort != "" {
			q.Sort = []record.Order{{Field: strings.TrimPrefix(in.Sort, "-"), Desc: strings.HasPrefix(in.Sort, "-")}}
		}
		p, err := v.Records.List(tx, k.Name, q)
		if err != nil {
			return err
		}
		for _, r := range p.Records {
			out.Records = append(out.Records, v.line(r))
		}
		out.Total, out.More = p.Total, p.Total > int64(page*pageSize)
		return nil
	})
	a.Text, a.Data = out.text(fmt.Sprintf("%s: %d in all, page %d:", k.Labels, out.Total, page)), out
	return a, err
}

// line is a record with the fields that lists show.
func (v *visit) line(r *record.Record) found {
	f := found{ID: r.ID.String(), Kind: r.Kind.Name, Name: r.Name, Organization: r.OrgName, URI: uri(r.Kind.Name, r.ID), Archived: r.Archived, Fields: map[string]string{}}
	for i := range r.Kind.Fields {
		field := &r.Kind.Fields[i]
		if !field.List || field.Name == "name" {
			continue
		}
		if s := said(r, field, 120); s != "" {
			f.Fields[field.Title()] = s
		}
	}
	return f
}

// filters makes conditions of fields and values.
func filters(k *record.Kind, in map[string]string) ([]record.Filter, error) {
	var out []record.Filter
	for _, name := range slices.Sorted(mapsKeys(in)) {
		value := in[name]
		f := k.Field(name)
		for i := range k.Fields { // designed fields are known by what people call them
			if f == nil && strings.EqualFold(k.Fields[i].Title(), name) {
				f = &k.Fields[i]
			}
		}
		if f == nil || !f.Filter {
			return nil, fault.New(fault.Invalid, "%s cannot be filtered by %q.", k.Labels, name).WithHint("list_kinds with this kind says which fields can.")
		}
		switch {
		case value == "null":
			out = append(out, record.Filter{Field: f.Name, Op: record.Null})
		case f.Type == record.Text:
			out = append(out, record.Filter{Field: f.Name, Op: record.Contains, Values: []any{value}})
		default:
			p, err := f.Parse(value)
			if err != nil {
				return nil, err
			}
			if list, many := p.([]id.ID); many && len(list) > 0 {
				p = list[0]
			}
			out = append(out, record.Filter{Field: f.Name, Op: record.Eq, Values: []any{p}})
		}
	}
	return out, nil
}

type relatedIn struct {
	ID     string `json:"id" jsonschema:"the id of the record"`
	Hops   int    `json:"hops,omitempty" jsonschema:"how far, 1 unless said; -1 is as far as it goes"`
	Follow string `json:"follow,omitempty" jsonschema:"breaks for what fails with it, needs for what it depends on; both go as far as it goes unless hops is given"`
	To     string `json:"to,omitempty" jsonschema:"the id of another record: answers with the shortest way to it"`
}

// linked is the data of a map.
type linked struct {
	Records []found `json:"records"`
	Links   []link  `json:"links"`
	More    bool    `json:"more"`
}

type link struct {
	From   string `json:"from"`
	To     string `json:"to"`
	How    string `json:"how"`
	Needed string `json:"needed,omitempty"`
}

// maxAround is how many records the map for an assistant holds.
const maxAround = 100

func (v *visit) related(ctx context.Context, in relatedIn) (*answer, error) {
	q := graph.Query{Hops: in.Hops, Follow: graph.Follow(in.Follow), Most: maxAround}
	if q.Hops == 0 && q.Follow == graph.Any {
		q.Hops = 1
	}
	q.Hops = max(q.Hops, 0)
	var m *graph.Map
	err := v.view(ctx, func(tx *gate.Tx) (err error) {
		if q.From, err = number("id", in.ID); err != nil {
			return err
		}
		x := &graph.Explorer{Relations: v.Relations}
		if in.To == "" {
			m, err = x.Map(tx, q)
			return err
		}
		to, err := number("to", in.To)
		if err == nil {
			m, err = x.Path(tx, q, to)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return mapped(m), nil
}

// mapped writes a map.
func mapped(m *graph.Map) *answer {
	out, names := &linked{Records: []found{}, Links: []link{}, More: m.Cut}, map[id.ID]string{}
	var b strings.Builder
	for _, n := range m.Nodes {
		names[n.ID] = n.Name
		out.Records = append(out.Records, found{ID: n.ID.String(), Kind: n.Kind, Name: n.Name, Organization: n.OrgName, URI: uri(n.Kind, n.ID), Archived: n.Archived})
		fmt.Fprintf(&b, "%d hops: %s (%s, id %s)\n", n.Hops, n.Name, n.Kind, n.ID)
	}
	for _, e := range m.Edges {
		l := link{From: e.From.String(), To: e.To.String(), How: e.Words(e.From, names[e.To])}
		if e.Needed != 0 {
			l.Needed = e.Needed.String()
		}
		out.Links = append(out.Links, l)
		fmt.Fprintf(&b, "- %s: %s\n", names[e.From], l.How)
	}
	if len(m.Nodes) == 0 {
		b.WriteString("Nothing that you may see connects these two.\n")
	}
	if m.Cut {
		b.WriteString("There is more.\n")
	}
	a := &answer{Text: b.String(), Data: out}
	if len(m.Nodes) > 0 {
		n := m.Nodes[0]
		a.About = about{n.Kind, n.ID, n.Org, n.Name}
	}
	return a
}

type expirationsIn struct {
	Organization string `json:"organization_id,omitempty" jsonschema:"only of the organization with this id"`
	Days         int    `json:"days,omitempty" jsonschema:"how many days ahead, 90 unless said"`
	Past         bool   `json:"past,omitempty" jsonschema:"also what ran out already"`
}

type ending struct {
	found
	What string `json:"what"`
	Date string `json:"date"`
}

func (v *visit) expirations(ctx context.Context, in expirationsIn) (*answer, error) {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	from, until := now.Format(time.DateOnly), now.AddDate(0, 0, limited(in.Days, 90, 3660)).Format(time.DateOnly)
	if in.Past {
		from = "1900-01-01"
	}
	data := struct {
		Expirations []ending `json:"expirations"`
		More        bool     `json:"more"`
	}{Expirations: []ending{}}
	a := &answer{}
	err := v.view(ctx, func(tx *gate.Tx) error {
		org, err := v.organization(tx, in.Organization)
		if err != nil {
			return err
		}
		a.About.Org = org
		list, err := expiry.List(tx, v.Records, org, from, until, maxAround+1)
		slices.SortFunc(list, func(a, b expiry.Item) int {
			return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Record, b.Record))
		})
		if data.More = len(list) > maxAround; data.More {
			list = list[:maxAround]
		}
		for _, x := range list {
			data.Expirations = append(data.Expirations, ending{found{ID: x.Record.String(), Kind: x.Kind.Name, Name: x.Name, Organization: x.OrgName, URI: uri(x.Kind.Name, x.Record)}, x.Field.Title(), x.Date})
		}
		return err
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%d run out until %s:\n", len(data.Expirations), until)
	for _, x := range data.Expirations {
		fmt.Fprintf(&b, "- %s: %s of %s (%s, id %s, %s)\n", x.Date, x.What, x.Name, x.Kind, x.ID, x.Organization)
	}
	a.Text, a.Data = b.String(), data
	return a, err
}

type revealIn struct {
	ID     string `json:"id" jsonschema:"the id of the password"`
	Reason string `json:"reason" jsonschema:"why the person needs it, in their words"`
}

// shortestReason is how many letters a reason has at least.
const shortestReason = 4

func (v *visit) reveal(ctx context.Context, in revealIn) (*answer, error) {
	reason := strings.TrimSpace(strings.ToValidUTF8(in.Reason, "?"))
	if r := []rune(reason); len(r) < shortestReason || len(r) > 500 {
		return nil, fault.Field("reason", "Give the reason why the person needs to see this, in up to 500 characters.")
	}
	var rec *record.Record
	err := v.view(ctx, func(tx *gate.Tx) error {
		rid, err := number("id", in.ID)
		if err == nil {
			rec, err = v.Records.Get(tx, "password", rid)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	a := &answer{About: about{rec.Kind.Name, rec.ID, rec.Org, rec.Name}}
	text, err := v.Secrets.Reveal(ctx, v.caller, secret.Ref{Kind: rec.Kind.Name, Object: rec.ID, Field: "password", Reasons: true}, reason)
	if err != nil {
		return a, err
	}
	a.Text = fmt.Sprintf("The password %s (user name %s):\n%s", rec.Name, rec.Values.Text("username"), text)
	a.Data = map[string]string{"id": rec.ID.String(), "name": rec.Name, "username": rec.Values.Text("username"), "password": text}
	return a, nil
}
