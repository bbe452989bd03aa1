package shell

import (
	"net/url"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Addresses. A record of any kind is at /PLURAL/ID, its form at /PLURAL/ID/edit,
// the list of a kind at /PLURAL and, within an organization, at
// /organizations/ID/PLURAL. IT Glue's addresses, /ORG/PLURAL/ID, lead there.

// ListURL is the list of a kind.
func ListURL(k *record.Kind) string { return "/" + k.Plural }

// RecordURL is the page of a record.
func RecordURL(k *record.Kind, rid id.ID) string { return "/" + k.Plural + "/" + rid.String() }

// OrgListURL is the list of a kind within an organization.
func OrgListURL(org id.ID, k *record.Kind) string {
	return "/organizations/" + org.String() + "/" + k.Plural
}

// NewURL is the form of a new record, in an organization unless org is 0.
func NewURL(k *record.Kind, org id.ID) string {
	q := url.Values{}
	if org != 0 {
		q.Set("organization_id", org.String())
	}
	if k.Variant != 0 {
		q.Set(k.Variants.By, k.Variant.String())
	}
	u := "/" + k.Plural + "/new"
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	return u
}

// FoldersURL is the page of a folder, or with 0 of what lies in none.
func FoldersURL(org id.ID, k *record.Kind, folder id.ID) string {
	u := OrgListURL(org, k) + "/folders"
	if folder != 0 {
		u += "?folder=" + folder.String()
	}
	return u
}

// Crumbs is the way to a list or record: of an organization when its name is
// known.
func (v *Visit) Crumbs(k *record.Kind, org id.ID, orgName string, last ...ui.Crumb) []ui.Crumb {
	if k.Name == "organization" {
		return append([]ui.Crumb{{Label: k.Labels, Href: ListURL(k)}}, last...)
	}
	if org == 0 || orgName == "" {
		return append([]ui.Crumb{{Label: k.Labels, Href: ListURL(k) + variantQuery(k)}}, last...)
	}
	o := v.Kind("organization")
	return append([]ui.Crumb{{Label: o.Labels, Href: ListURL(o)}, {Label: orgName, Href: RecordURL(o, org)}, {Label: k.Labels, Href: OrgListURL(org, k) + variantQuery(k)}}, last...)
}

// variantQuery narrows the list of a kind to a variant of it.
func variantQuery(k *record.Kind) string {
	if k.Variant == 0 {
		return ""
	}
	return "?" + k.Variants.By + "=" + k.Variant.String()
}

// VariantURL is the list of a variant of a kind, in an organization unless org is
// 0.
func VariantURL(k *record.Kind, org id.ID) string {
	if org == 0 {
		return ListURL(k) + variantQuery(k)
	}
	return OrgListURL(org, k) + variantQuery(k)
}

// Ending takes the address off the last step: one stands there.
func Ending(c []ui.Crumb) []ui.Crumb {
	c[len(c)-1].Href = ""
	return c
}

// Within is the id of the record that a new one of k is to live within, as it was
// sent.
func Within(k *record.Kind, sent func(string) string) string {
	for _, name := range append([]string{k.Parent}, k.Parents...) {
		if s := sent(name); name != "" && s != "" {
			return s
		}
	}
	return ""
}

// HomeOf is where a record is looked at: one that lives within another, there.
func (v *Visit) HomeOf(r *record.Record) string {
	if r.Kind.Scope == record.OfParent {
		for _, name := range append([]string{r.Kind.Parent}, r.Kind.Parents...) {
			if parent := v.Kind(r.Kind.Field(name).Ref); parent != nil && r.Values.ID(name) == r.Parent {
				return RecordURL(parent, r.Parent)
			}
		}
	}
	return RecordURL(r.Kind, r.ID)
}

// CrumbsOf is the way to a record, the record's own page included.
func (v *Visit) CrumbsOf(r *record.Record) []ui.Crumb {
	var out []ui.Crumb
	if r.Org != 0 && r.Kind.Scope != record.Organization {
		if org := v.Records.Kinds.Kind("organization"); org != nil {
			out = append(out, ui.Crumb{Label: org.Labels, Href: ListURL(org)}, ui.Crumb{Label: r.OrgName, Href: RecordURL(org, r.Org)},
				ui.Crumb{Label: r.Kind.Labels, Href: VariantURL(r.Kind, r.Org)})
		}
	} else {
		out = append(out, ui.Crumb{Label: r.Kind.Labels, Href: ListURL(r.Kind)})
	}
	return append(out, ui.Crumb{Label: r.Name, Href: RecordURL(r.Kind, r.ID)})
}
