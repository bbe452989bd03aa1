// Package ui holds the data that the shared layouts and parts take: a page's
// shell, lists, forms, properties, feeds. Each type is named after the part that
// draws it: {{template "table" .}} takes a Table.
//
// Always true: these are words and addresses for a person who may see them. What
// the caller may not read is never put here; hiding it is not the template's task.
// Texts are plain and escaped by the template; only fields of type template.HTML
// are taken as they are, and they come from the sanitiser.
package ui

import (
	"html/template"
	"strings"
	"time"

	"strongroom/internal/base/web"
)

// Page is what the layouts take. A page's own block "content" finds its data in
// Data.
type Page struct {
	Title  string
	Theme  string // web.Theme(r): "auto", "light" or "dark"
	Brand  Brand
	Path   string // this page's address with its query, to come back to
	Nav    []NavItem
	Stars  []NavItem // favourites
	Recent []NavItem
	User   *User
	Crumbs []Crumb
	New    []NavItem   // what the New button offers; empty hides it
	NewURL string      // page with the same choice, for browsers without script
	Bell   *Bell       // nil hides it
	Notice *Notice     // a line above every page: support access is open, this is a demo
	Flash  *web.Flash  // web.TakeFlash(w, r)
	Keys   []Shortcuts // shortcuts of this page, for the help
	Data   any
}

// Join lists names in a sentence: "a", "a and b", "a, b and c".
func Join(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// Brand is what stands at the top of the sidebar.
type Brand struct {
	Name   string // the product
	Tenant string // whose data this is
	Href   string // the first page
	Logo   string // address of a picture in place of the product's mark
	Style  string // address of a style sheet with its colours
}

// NavItem is a line of a menu. With neither Icon nor Badge it is text alone.
type NavItem struct {
	Label   string
	Href    string
	Icon    string
	Badge   string // a name whose initials stand in a coloured square
	Current bool
	Count   int    // shown when above zero
	Go      string // letter that opens it after "g"
	Swap    string // block to swap instead of loading the page
	Group   string // heading above it: the first of a group has one
}

// User is the box at the foot of the sidebar.
type User struct {
	Name    string
	Detail  string // role
	Href    string // own account
	SignOut string // address to POST to
}

// Bell leads to notifications.
type Bell struct {
	Count int
	Href  string
}

// Crumb is a step of the way to this page; the last one has no Href.
type Crumb struct{ Label, Href string }

// Notice is a line above the page. Tone is "info", "warn" or "bad"; Label stands
// before the text.
type Notice struct {
	Tone, Text, Link, Href string
	Label                  string
}

// Shortcuts is a group of keys in the help.
type Shortcuts struct {
	Title string
	Keys  []Key
}

// Key is one line of the help; Keys are pressed together or, with "then", one
// after the other: "Ctrl K", "g then d".
type Key struct{ Keys, Does string }

// Head is the top of a record or page.
type Head struct {
	Title   string
	Icon    string
	Badge   string // a name whose initials stand instead of the icon
	Sub     []Cell // what stands under the title, with dots between
	Star    *Star
	Actions []Action
	Alerts  []Notice // above it
}

// Star is the favourite button.
type Star struct {
	On     bool
	Action string // address to POST to; the form holds on=1 or on=0
	Swap   string // block of the answer to swap, or empty to load the page again
}

// Action is a link, or with Post a form of one button, or with Dialog the
// opener of a dialog.
type Action struct {
	Label   string
	Icon    string
	Href    string
	Post    bool
	Fields  []Hidden // sent by Post
	Name    string   // in a bulk bar: the value of the field "do"
	Primary bool
	Danger  bool
	Quiet   bool // no border
	// IconOnly shows the icon alone; Label is for screen readers and the tooltip.
	IconOnly bool
	Dialog   string // id of a Confirm on the page
	Key      string // key that presses it, one letter
	Swap     string
}

// Hidden is a field that a form sends without showing it.
type Hidden struct{ Name, Value string }

// Cell is one value: of a table, a property list or a line under a title.
type Cell struct {
	// Type says how it looks: "" text, "mut", "mono", "link" (a row's name),
	// "status", "pill", "prio", "ago", "date", "datetime", "num", "bytes",
	// "bool", "user", "url", "html", "meter" (Number of 100).
	Type   string
	Text   string
	Sub    string // small text after it
	Href   string
	Icon   string
	Tone   string // see Status
	Time   time.Time
	Number int64
	Copy   bool          // offer to copy Text
	HTML   template.HTML // for "html": sanitised
}

// Plain tells whether the cell is text and nothing else, as most are.
func (c Cell) Plain() bool {
	switch c.Type {
	case "link", "status", "pill", "prio", "ago", "date", "datetime", "num", "bytes", "bool", "user", "url", "html", "meter":
		return false
	}
	return true
}

// Status is a coloured dot and a word. Tone is "ok", "open", "busy", "wait",
// "bad", "plan" or "" for none of these.
type Status struct{ Text, Tone string }

// Pill is a word on a coloured ground. Tone is "ok", "warn", "bad", "info" or "".
type Pill struct{ Text, Tone, Icon string }

// Avatar is a person's or thing's initials in their colour.
type Avatar struct {
	Name   string
	Square bool
	Large  bool
}

// Prop is one line of a property list ("props").
type Prop struct {
	Label string
	Cells []Cell
}

// Item is one line of a list ("items"): related records, contacts, expiries.
type Item struct {
	Title, Sub string
	Href       string
	Icon       string
	Badge      string // a name, for its initials instead of the icon
	Person     bool   // Badge is a person: round
	Pill       *Pill
	Time       time.Time
	Action     *Action
}

// Event is one line of a feed ("feed").
type Event struct {
	Who    string
	What   string
	Object string
	Href   string
	Detail string // the reason given
	Icon   string // empty: the initials of Who
	Time   time.Time
}

// Section is a titled part of the rail ("rail") or a card ("section").
type Section struct {
	Title string
	Icon  string
	Also  *NavItem // link in the header
	More  *NavItem // another one, after it
	Note  bool     // yellow
	Text  string
	HTML  template.HTML
	Props []Prop
	Items []Item
	Feed  []Event
	Empty string // what to say when it holds nothing
}

// Problem is an error page's content ("problem"): what happened, what was kept
// and what to do.
type Problem struct {
	Icon    string
	Title   string
	Text    string
	Hint    string
	ID      string // the request's
	Actions []Action
}

// Empty is what stands where there is nothing: what it is and what to do.
type Empty struct {
	Icon    string
	Title   string
	Text    string
	Actions []Action
}

// Progress is work that goes on in the background ("progress"). URL answers JSON:
//
//	{"state":"running|done|failed","done":120,"total":900,"text":"Importing passwords","left":42,"href":"/imports/7","link":"Open the result"}
//
// left is the rest time in seconds; a total of 0 is unknown.
type Progress struct {
	URL         string
	Self        string // this page, for "Refresh" without script
	State       string // "running", "done" or "failed"
	Done, Total int
	Text        string
	Href, Link  string
	Cancel      string // address to POST to, empty when it cannot be stopped
}

// Confirm is a dialog that asks before something is done ("confirm"). Without
// script its opener leads to Href of the Action, a page that asks the same.
type Confirm struct {
	ID     string
	Title  string
	Text   string
	Action string // address to POST to
	Hidden []Hidden
	Fields []Field // a reason, the name typed again
	Submit string
	Danger bool
	Swap   string
}

// Secret is a value that is fetched when it is asked for ("secret").
//
// The form POSTs "why" ("view" or "copy") and "reason" to URL. A script asks for
// JSON and gets {"secret":"...","seconds":20}; failures are
// {"error":{"text":"...","hint":"..."}}, or {"location":"/..."} to go and prove who
// one is. Without script the answer is a page.
type Secret struct {
	ID     string // unique on the page
	URL    string
	Label  string // "Password": what is copied
	Length int    // dots shown; 0 is 16
	Reason string // "", "optional" or "required"
	Key    string // key that reveals it, one letter
	NoCopy bool
}

// OneTime is a one-time code that is fetched when it is asked for and then
// counts down ("otp"). URL answers JSON {"code":"482913","left":18,"period":30}.
type OneTime struct {
	ID, URL string
}

// Drop takes files by choice, drop and paste ("drop").
type Drop struct {
	Action string // address of a multipart POST, field "file"
	Swap   string // block to swap afterwards
	Hidden []Hidden
	Accept string
	Most   int64 // bytes of one file, told to the person
	Text   string
}

// Change is one field of a revision or a conflict ("diff").
type Change struct {
	Label    string
	Old, New string
	Lines    []DiffLine // for long texts, instead of Old and New
}

// DiffLine is one line of a text that changed: Op is "+", "-" or " ".
type DiffLine struct {
	Op    string
	Parts []DiffPart
}

// DiffPart is a piece of a line; Changed marks it within a line of which the rest
// is on both sides.
type DiffPart struct {
	Text    string
	Changed bool
}

// Tile is a number with its trend ("kpi").
type Tile struct {
	Label, Icon, Value, Delta string
	Tone                      string // "", "good", "warn" or "bad"
	Href                      string
	Line, Area                string // SVG paths in a box of 96 by 28
}

// Message is one entry of a conversation ("message").
type Message struct {
	ID    string
	Kind  string // "in", "out", "note" or "event"
	Who   string
	Role  string
	Time  time.Time
	HTML  template.HTML // sanitised
	Text  string        // for events
	Files []File
}

// File is an attachment ("files").
type File struct {
	Name   string
	Href   string
	Size   int64
	Remove *Action
}
