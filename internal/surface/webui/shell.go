package webui

import (
	"html/template"
	"slices"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/favourite"
)

// mounts lists what is mounted: one function for each part of the interface, in
// the file that holds its pages.
func (s *Server) mounts() []func() {
	return []func(){
		s.mountSignIn,   // signin.go: sign-in, sign-out, first run, theme
		s.mountHome,     // home.go: dashboard, expirations
		s.mountSearch,   // search.go: the palette and its page
		s.mountRecords,  // records.go: lists, details, forms, trash of every kind
		s.mountOrgs,     // orgs.go: an organization's pages, and IT Glue's addresses
		s.mountPassword, // password.go: reveal, versions, one-time codes
		s.mountDocument, // document.go: documents, sections, images
		s.mountFiles,    // files.go: attachments
		s.mountRelated,  // related.go: related items
		s.mountAccess,   // access.go: who may see a record
		s.mountAudit,    // audit.go: the audit trail
		s.mountPeople,   // people.go: users and groups
		s.mountKeys,     // keys.go: API keys
		s.mountAccount,  // account.go: own password, own sessions
		s.mountSettings, // settings.go: the tenant's lists and settings
		s.mountImport,   // imports.go: import of an export
	}
}

func (s *Server) funcs() template.FuncMap { return template.FuncMap{} }

// Addresses. A record of any kind is at /PLURAL/ID, its form at /PLURAL/ID/edit,
// the list of a kind at /PLURAL and, within an organization, at
// /organizations/ID/PLURAL. IT Glue's addresses, /ORG/PLURAL/ID, lead there.

func listURL(k *record.Kind) string { return "/" + k.Plural }

func recordURL(k *record.Kind, rid id.ID) string { return "/" + k.Plural + "/" + rid.String() }

func orgListURL(org id.ID, k *record.Kind) string {
	return "/organizations/" + org.String() + "/" + k.Plural
}

func newURL(k *record.Kind, org id.ID) string {
	u := "/" + k.Plural + "/new"
	if org != 0 {
		u += "?organization_id=" + org.String()
	}
	return u
}

// menu lists the kinds that stand in the navigation, in their order.
func (s *Server) menu() []*record.Kind {
	var out []*record.Kind
	for _, k := range s.Records.Kinds.Kinds() {
		if k.Menu > 0 {
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b *record.Kind) int { return a.Menu - b.Menu })
	return out
}

// nav is the navigation of this caller.
func (v *visit) nav() []ui.NavItem {
	out := []ui.NavItem{{Label: "Dashboard", Href: "/", Icon: "layout-dashboard", Go: "d"}}
	for _, k := range v.menu() {
		out = append(out, ui.NavItem{Label: k.Labels, Href: listURL(k), Icon: k.Icon, Go: strings.ToLower(k.Labels[:1])})
	}
	out = append(out, ui.NavItem{Label: "Expirations", Href: "/expirations", Icon: "calendar-due", Go: "e"})
	if v.c.Role.May(access.Import) {
		out = append(out, ui.NavItem{Label: "Import", Href: "/imports", Icon: "upload", Go: "i"})
	}
	if v.c.Role.May(access.Delete) && !v.c.Scope.ReadOnly {
		out = append(out, ui.NavItem{Label: "Trash", Href: "/trash", Icon: "trash"})
	}
	if v.c.Role.May(access.Inspect) {
		out = append(out, ui.NavItem{Label: "Audit trail", Href: "/audit", Icon: "history", Go: "a"})
	}
	if v.c.Role.May(access.Configure) {
		out = append(out, ui.NavItem{Label: "Settings", Href: "/settings", Icon: "settings", Go: "s"})
	}
	used := map[string]bool{}
	for i := range out {
		out[i].Current = isCurrent(out[i].Href, v.r.URL.Path)
		if used[out[i].Go] { // the first keeps the letter
			out[i].Go = ""
		}
		if out[i].Go == "" {
			continue
		}
		used[out[i].Go] = true
	}
	return out
}

func isCurrent(href, path string) bool {
	return path == href || href != "/" && strings.HasPrefix(path, href+"/")
}

// offers is what the New button holds.
func (v *visit) offers() []ui.NavItem {
	if v.c.Scope.ReadOnly || !v.c.Role.May(access.Create) {
		return nil
	}
	var out []ui.NavItem
	for _, k := range v.menu() {
		verdict, _ := access.Decide(v.c, access.Create, access.Target{Kind: k.Name, Tenant: k.Scope == record.OfTenant, Admin: k.Admin, Visible: true})
		if verdict == access.Allowed {
			out = append(out, ui.NavItem{Label: k.Label, Href: newURL(k, 0), Icon: k.Icon})
		}
	}
	return out
}

// may tells whether the caller may do something to records of a kind that she
// sees: for showing buttons. The gate decides again when it is done.
func (v *visit) may(a access.Action, k *record.Kind) bool {
	verdict, _ := access.Decide(v.c, a, access.Target{Kind: k.Name, Tenant: k.Scope == record.OfTenant, Admin: k.Admin, Visible: true})
	return verdict == access.Allowed && !(k.Fixed && a != access.View)
}

// shortcuts turns favourites and recent records into lines of the sidebar.
func (v *visit) shortcuts(items []favourite.Item) []ui.NavItem {
	var out []ui.NavItem
	for _, x := range items {
		k := v.Records.Kinds.Kind(x.Kind)
		if k == nil {
			continue
		}
		n := ui.NavItem{Label: x.Name, Href: recordURL(k, x.Record), Icon: k.Icon}
		if k.Scope == record.Organization {
			n.Icon, n.Badge = "", x.Name
		}
		out = append(out, n)
	}
	return out
}
