package mcp

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// scheme begins the address of a record as a resource.
const scheme = "strongroom://"

func uri(kind string, rec id.ID) string { return scheme + kind + "/" + rec.String() }

func mapsKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// limited is a number that was asked for, within bounds.
func limited(n, usual, most int) int {
	if n <= 0 {
		return usual
	}
	return min(n, most)
}

// number reads an id.
func number(field, s string) (id.ID, error) {
	n, ok := id.Parse(strings.TrimSpace(s))
	if !ok {
		return 0, fault.Field(field, "%q is no id. An id is a number, such as 1234.", s)
	}
	return n, nil
}

// organization reads the id of an organization that the caller may see; none is 0.
func (v *visit) organization(tx *gate.Tx, s string) (id.ID, error) {
	if s == "" {
		return 0, nil
	}
	org, err := number("organization_id", s)
	if err != nil {
		return 0, err
	}
	_, err = v.Records.Get(tx, "organization", org)
	return org, err
}

// offers tells whether records of a kind are shown to assistants: people and what
// administrators manage are not.
func (v *visit) offers(kind string) bool {
	k := v.Records.Kinds.Kind(kind)
	return k != nil && !k.Admin
}

// kind finds a kind by its name or plural.
func (v *visit) kind(name string) (*record.Kind, error) {
	name = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_"), "-", "_")
	k := v.Records.Kinds.Kind(name)
	if k == nil {
		k = v.Records.Kinds.Plural(name)
	}
	if k == nil || k.Admin {
		return nil, fault.New(fault.Invalid, "There is no kind %q.", name).WithHint("list_kinds says which there are.")
	}
	return k, nil
}

type kindsIn struct {
	Kind      string `json:"kind,omitempty" jsonschema:"say its fields too"`
	AssetType string `json:"asset_type_id,omitempty" jsonschema:"say the fields of this type of assets"`
}

type kindOut struct {
	Kind   string     `json:"kind"`
	Label  string     `json:"label"`
	Type   string     `json:"asset_type_id,omitempty"`
	Fields []fieldOut `json:"fields,omitempty"`
}

type fieldOut struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Type    string   `json:"type"`
	Refers  string   `json:"refers_to,omitempty"`
	Filter  bool     `json:"filter,omitempty"`
	Sort    bool     `json:"sort,omitempty"`
	Choices []string `json:"choices,omitempty"`
}

func (v *visit) listKinds(ctx context.Context, in kindsIn) (*answer, error) {
	data := struct {
		Kinds []kindOut `json:"kinds"`
	}{Kinds: []kindOut{}}
	err := v.view(ctx, func(tx *gate.Tx) error {
		if in.AssetType != "" || in.Kind != "" {
			k, err := v.shape(tx, in)
			if err == nil {
				data.Kinds = append(data.Kinds, described(k))
			}
			return err
		}
		for _, k := range v.Records.Kinds.Kinds() {
			if k.Admin {
				continue
			}
			data.Kinds = append(data.Kinds, kindOut{Kind: k.Name, Label: k.Labels})
			if k.Variants == nil {
				continue
			}
			types, err := v.Records.List(tx, k.Field(k.Variants.By).Ref, record.Query{Limit: 500, NoTotal: true, Archived: "no"})
			if err != nil {
				return err
			}
			for _, t := range types.Records {
				data.Kinds = append(data.Kinds, kindOut{Kind: k.Name, Label: t.Name, Type: t.ID.String()})
			}
		}
		return nil
	})
	var b strings.Builder
	for _, k := range data.Kinds {
		b.WriteString("- " + k.Kind + ": " + k.Label)
		if k.Type != "" {
			b.WriteString(" (assets with asset_type_id " + k.Type + ")")
		}
		b.WriteString("\n")
		for _, f := range k.Fields {
			b.WriteString("  - " + f.Name + " (" + f.Label + "): " + f.Type)
			if f.Refers != "" {
				b.WriteString(" to " + f.Refers)
			}
			if f.Filter {
				b.WriteString(", can be filtered by")
			}
			if len(f.Choices) > 0 {
				b.WriteString(", one of " + strings.Join(f.Choices, ", "))
			}
			b.WriteString("\n")
		}
	}
	return &answer{Text: b.String(), Data: data}, err
}

// shape is the kind that is asked for, as the type of assets makes it.
func (v *visit) shape(tx *gate.Tx, in kindsIn) (*record.Kind, error) {
	name := in.Kind
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Variants != nil && in.AssetType != "" {
			name = k.Name
		}
	}
	k, err := v.kind(name)
	if err != nil || in.AssetType == "" {
		return k, err
	}
	typ, err := number("asset_type_id", in.AssetType)
	if err != nil {
		return nil, err
	}
	return v.Records.Shape(tx, k.Name, typ)
}

func described(k *record.Kind) kindOut {
	out := kindOut{Kind: k.Name, Label: k.Labels}
	if k.Variant != 0 {
		out.Type = k.Variant.String()
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Own {
			continue
		}
		out.Fields = append(out.Fields, fieldOut{f.Name, f.Title(), string(f.Type), f.Ref, f.Filter, f.Sort, f.Choices})
	}
	return out
}

type recordIn struct {
	ID string `json:"id" jsonschema:"the id of the record"`
}

// recordOut is the data of one record. Values are as people read them.
type recordOut struct {
	found
	OrganizationID string   `json:"organization_id,omitempty"`
	Updated        string   `json:"updated"`
	Sealed         []string `json:"sealed,omitempty"`
	Related        []found  `json:"related,omitempty"`
}

func (v *visit) getRecord(ctx context.Context, in recordIn) (*answer, error) {
	rid, err := number("id", in.ID)
	if err != nil {
		return nil, err
	}
	return v.read(ctx, "", rid)
}

// read gives a record with what belongs to it.
func (v *visit) read(ctx context.Context, kind string, rid id.ID) (*answer, error) {
	a := &answer{}
	err := v.view(ctx, func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, kind, rid)
		if err != nil {
			return err
		}
		if r.Kind.Admin {
			return gate.Missing()
		}
		a.About = about{r.Kind.Name, r.ID, r.Org, r.Name}
		out := &recordOut{found: found{ID: r.ID.String(), Kind: r.Kind.Name, Name: r.Name, Organization: r.OrgName, URI: uri(r.Kind.Name, r.ID), Archived: r.Archived, Fields: map[string]string{}},
			Updated: time.UnixMilli(r.Updated).UTC().Format(time.RFC3339)}
		if r.Org != 0 {
			out.OrganizationID = r.Org.String()
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n%s, id %s", r.Name, r.Kind.Label, r.ID)
		if r.OrgName != "" {
			fmt.Fprintf(&b, ", of %s (organization id %s)", r.OrgName, r.Org)
		}
		fmt.Fprintf(&b, ", changed %s\n", out.Updated)
		for i := range r.Kind.Fields {
			f := &r.Kind.Fields[i]
			if s := said(r, f, maxText/2); s != "" && f.Name != "name" {
				out.Fields[f.Title()] = s
				fmt.Fprintf(&b, "%s: %s\n", f.Title(), s)
			}
			if slices.Contains(r.Hidden, f.Name) {
				out.Sealed = append(out.Sealed, f.Title())
				fmt.Fprintf(&b, "%s: %s\n", f.Title(), sealedWords)
			}
		}
		if err := v.beside(tx, r, out, &b); err != nil {
			return err
		}
		a.Text, a.Data = b.String(), out
		return nil
	})
	return a, err
}

// beside adds the parts of a record, such as the sections of a document, and what
// it is related to.
func (v *visit) beside(tx *gate.Tx, r *record.Record, out *recordOut, b *strings.Builder) error {
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Scope != record.OfParent || k.Field(k.Parent).Ref != r.Kind.Name {
			continue
		}
		p, err := v.Records.List(tx, k.Name, record.Query{Parent: r.ID, Limit: 100, NoTotal: true})
		if err != nil {
			return err
		}
		for _, part := range p.Records {
			var words []string
			for i := range k.Fields {
				if f := &k.Fields[i]; f.Name != "name" && f.Name != k.Parent {
					s := said(part, f, maxText/4)
					if slices.Contains(part.Hidden, f.Name) {
						s = sealedWords
					}
					if s != "" {
						words = append(words, f.Title()+": "+s)
					}
				}
			}
			fmt.Fprintf(b, "%s %s: %s\n", k.Label, part.Name, strings.Join(words, "; "))
		}
	}
	if r.Kind.Scope == record.OfTenant || r.Kind.Scope == record.Organization {
		return nil
	}
	list, err := v.Relations.List(tx, r.ID)
	if err != nil || len(list) == 0 {
		return err
	}
	b.WriteString("Related:\n")
	for _, x := range list[:min(len(list), maxAround)] {
		if !v.offers(x.Kind) {
			continue
		}
		out.Related = append(out.Related, found{ID: x.Record.String(), Kind: x.Kind, Name: x.Name, Organization: x.OrgName, URI: uri(x.Kind, x.Record), Archived: x.Archived})
		fmt.Fprintf(b, "- %s (%s, id %s) %s\n", x.Name, x.Kind, x.Record, strings.TrimSpace(strings.Join([]string{x.Reason, string(x.Depends), x.Notes}, " ")))
	}
	return nil
}

// sealedWords stand for a value that is sealed: that there is one is no secret.
const sealedWords = "(sealed: people see it on the record's page, one look at a time)"

// said is the value of a field as people read it, at most so many bytes of it;
// empty when it is not set. A secret is never read: it says that there is one.
func said(r *record.Record, f *record.Field, most int) string {
	value := r.Values[f.Name]
	s := ""
	switch f.Type {
	case record.Secret:
		return "" // the values of a record hold none
	case record.Files:
		return ""
	case record.Ref:
		if s = r.Names[f.Name]; s == "" {
			return ""
		}
		s += " (id " + r.Values.ID(f.Name).String() + ")"
	case record.Refs:
		var ids []string
		for _, x := range r.Values.IDs(f.Name) {
			ids = append(ids, x.String())
		}
		s = strings.Join(ids, ", ")
		if s != "" {
			s = "ids " + s
		}
	case record.HTML:
		s = richtext.Text(r.Values.Text(f.Name))
	case record.Time:
		if ms, ok := value.(int64); ok && ms != 0 {
			s = time.UnixMilli(ms).UTC().Format(time.RFC3339)
		}
	case record.Rows:
		s = rows(r.Values.Rows(f.Name))
	default:
		s = plain(value)
	}
	if s = strings.TrimSpace(s); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func plain(value any) string {
	switch x := value.(type) {
	case string:
		return x
	case bool:
		if x {
			return "yes"
		}
		return ""
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return ""
}

func rows(list []map[string]any) string {
	var lines []string
	for _, row := range list {
		var cells []string
		for _, k := range slices.Sorted(maps.Keys(row)) {
			if s := plain(row[k]); s != "" {
				cells = append(cells, s)
			}
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return strings.Join(lines, ", ")
}

// resource reads a record by its address. It is a call like any other.
func (v *visit) resource(ctx context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	kind, number, _ := strings.Cut(strings.TrimPrefix(r.Params.URI, scheme), "/")
	rid, ok := id.Parse(number)
	if !ok || v.Records.Kinds.Kind(kind) == nil {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	a, err := v.read(ctx, kind, rid)
	if err := v.note(ctx, "resource", a, err); err != nil {
		return nil, words(v, ctx, err)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	if err != nil {
		return nil, words(v, ctx, err)
	}
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: r.Params.URI, MIMEType: "text/plain", Text: bounded(a.Text)}}}, nil
}
