package itglue

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Target is what a link leads to: a record of a table, or an organization.
type Target struct {
	Table string // plain name: organizations, documents, passwords, configurations, contacts, locations, or another
	Org   string
	ID    string
}

var (
	locator = regexp.MustCompile(`(?:^|/)DOC-(\d+)-(\d+)(?:$|[\s/#?])`)
	inOrg   = regexp.MustCompile(`^/(\d+)/(docs|documents|passwords|configurations|contacts|locations|domains|ssl-certificates|ssl_certificates|checklists|assets/[^/]+/records)/(\d+)/?$`)
	alone   = regexp.MustCompile(`^/(docs|documents|passwords|configurations|contacts|locations|organizations)/(\d+)/?$`)
	anOrg   = regexp.MustCompile(`^/(?:organizations/)?(\d+)/?$`)
	image   = regexp.MustCompile(`^/?(\d+)/docs/(\d+)/images/([^/]+)$`)
)

// Link understands the address of a link in a document: an address of the
// application at any of its hosts, the same without a host, or a document's
// locator, also as the folder of it. foreign tells that the address leads into
// the application even when ok is false.
func Link(href string) (t Target, foreign, ok bool) {
	href = strings.TrimSpace(href)
	u, err := url.Parse(href)
	if err != nil {
		return Target{}, false, false
	}
	host := strings.ToLower(u.Hostname())
	app := host == "itglue.com" || strings.HasSuffix(host, ".itglue.com")
	if host != "" && !app || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" && host == "" {
		return Target{}, false, false
	}
	if m := locator.FindStringSubmatch(u.Path); m != nil {
		return Target{"documents", m[1], m[2]}, true, true
	}
	p := path.Clean("/" + u.Path)
	if app && (p == "/" || strings.HasPrefix(host, "www.") || strings.HasPrefix(host, "help.") || strings.HasPrefix(host, "api.")) {
		return Target{}, false, false
	}
	if !app && !strings.HasPrefix(u.Path, "/") {
		return Target{}, false, false
	}
	if m := inOrg.FindStringSubmatch(p); m != nil {
		return Target{tableOf(m[2]), m[1], m[3]}, true, true
	}
	if m := alone.FindStringSubmatch(p); m != nil {
		return Target{tableOf(m[1]), "", m[2]}, true, true
	}
	if m := anOrg.FindStringSubmatch(p); m != nil {
		return Target{"organizations", m[1], m[1]}, true, true
	}
	return Target{}, app, false
}

func tableOf(segment string) string {
	switch segment {
	case "docs":
		return "documents"
	case "ssl-certificates":
		return "ssl_certificates"
	}
	if rest, ok := strings.CutPrefix(segment, "assets/"); ok {
		slug, _, _ := strings.Cut(rest, "/")
		if _, s, dashed := strings.Cut(slug, "-"); dashed {
			slug = s
		}
		return slug
	}
	return segment
}

// ImageEntry finds the entry of an inline image of a document by the address
// that its text gives; "" when the zip holds no such entry.
func (x *Export) ImageEntry(d *Document, src string) string {
	u, err := url.Parse(strings.TrimSpace(src))
	if err != nil || u.Scheme == "data" {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if host != "" && host != "itglue.com" && !strings.HasSuffix(host, ".itglue.com") {
		return ""
	}
	p := strings.TrimPrefix(path.Clean("/"+u.Path), "/")
	for _, try := range []string{d.Dir + "/" + p, path.Join(d.Dir, u.Path), p} {
		if try != d.HTML && x.Has(try) {
			return try
		}
	}
	if m := image.FindStringSubmatch(p); m != nil {
		for _, f := range d.Files {
			if path.Base(f) == m[3] {
				return f
			}
		}
	}
	return ""
}
