package shell_test

import (
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/surface/webui/shell"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// galleryPages are the pages of the gallery: every part with sample data.
const galleryHome = `{{define "content"}}<div class="page">{{template "page-head" .Data.Head}}
<section class="kpis" aria-label="Key figures">{{range .Data.Tiles}}{{template "kpi" .}}{{end}}</section>
<div class="grid3">
 <section class="card flush span2"><header class="ch"><h2>My queue</h2><a class="more" href="/list">All tickets {{icon "chevron-right"}}</a></header>{{template "queue" .}}</section>
 {{template "section" .Data.Expiring}}
</div>
{{range .Data.Work}}<section class="card">{{template "progress" .}}</section>{{end}}
{{template "section" .Data.Activity}}
</div>{{end}}
{{define "queue"}}{{template "table" .Data.Queue}}{{end}}`

const galleryList = `{{define "content"}}{{template "record-head" .Data.Head}}{{template "tabs" .Data.Tabs}}
<div class="split"><div class="pane">{{template "configurations" .}}</div>
<aside class="rail" aria-label="Details">{{range .Data.Rail}}{{template "rail" .}}{{end}}</aside></div>
{{template "confirm" .Data.Archive}}{{end}}
{{define "configurations"}}{{template "table" .Data.Table}}{{end}}`

const galleryRecord = `{{define "content"}}<div class="split"><div class="pane pad">{{template "page-head" .Data.Head}}
<section class="card" aria-label="Credentials"><dl class="cred">
<div><dt>Username</dt><dd><span class="mono">hdg-fwadmin</span>{{template "copy" "hdg-fwadmin"}}</dd></div>
<div><dt>Password</dt><dd>{{template "secret" .Data.Secret}}</dd></div>
<div><dt>Break-glass code</dt><dd>{{template "secret" .Data.Guarded}}</dd></div>
<div><dt>One-time code</dt><dd>{{template "otp" .Data.Code}}</dd></div>
<div><dt>Address</dt><dd>{{template "cell" .Data.Address}}</dd></div></dl>
<p class="auditline">{{icon "shield-lock"}}Every reveal and copy is written to the audit trail.</p></section>
{{template "section" .Data.Notes}}
<section class="card"><header class="ch"><h2>What changed</h2></header>{{template "diff" .Data.Changes}}</section>
<section class="card" id="files"><header class="ch"><h2>Attachments</h2></header>{{template "drop" .Data.Drop}}{{template "files" .Data.Files}}</section>
</div><aside class="rail" aria-label="Details">{{range .Data.Rail}}{{template "rail" .}}{{end}}</aside></div>
{{template "confirm" .Data.Delete}}{{end}}`

const galleryForm = `{{define "content"}}<div class="page narrow">{{template "page-head" .Data.Head}}{{template "form" .Data.Form}}</div>{{end}}`

const galleryTicket = `{{define "content"}}<div class="desk">
<nav class="qlist" aria-label="Queue"><header><h2>My open tickets</h2><span class="n">3</span></header>{{range .Data.Queue}}<a href="/ticket"{{if .Current}} aria-current="page"{{end}}><span class="r1"><span class="id">{{.Badge}}</span><span class="due soon">47 min</span></span><b>{{.Label}}</b><span class="r2">{{template "prio" $.Data.High}}<span class="mut">Marit de Vries</span></span></a>{{end}}</nav>
<div class="thread"><header class="th"><div><h1>Chairside PCs lose mapped X: drive after patch window</h1><p class="sub"><span class="id">#20418</span> <span class="sep"></span>{{template "status" .Data.Open}} <span class="sep"></span>{{template "prio" .Data.High}}</p></div><div class="acts">{{range .Data.Actions}}{{template "action" .}}{{end}}</div></header>
<ol class="msgs" tabindex="0" aria-label="Conversation">{{range .Data.Messages}}{{template "message" .}}{{end}}</ol>
<form class="composer" method="post" action="/form" aria-label="Reply" data-guard><div class="ctabs" role="group" aria-label="Message type"><a href="/ticket" aria-current="true">{{icon "message-2"}}Reply to Marit</a><a href="/ticket?note=1">{{icon "lock"}}Internal note</a></div>
{{template "control" .Data.Body}}<footer><span class="grow"></span><span class="mut">Ctrl+Enter sends</span><button class="btn primary">{{icon "send"}}Send</button></footer></form></div>
<aside class="rail" aria-label="Ticket details"><section><h2>Service level</h2><div class="sla"><div><small>First response</small><b class="okc">{{icon "circle-check"}}Met in 12 min</b></div><div><small>Resolution</small><b class="warnc">{{icon "clock"}}47 min left</b></div></div><progress class="warn" max="240" value="193" aria-label="Resolution time used">80%</progress></section>{{range .Data.Rail}}{{template "rail" .}}{{end}}</aside></div>{{end}}`

const galleryEmpty = `{{define "content"}}<div class="page"><section class="card flush">{{template "none" .}}</section></div>{{end}}{{define "none"}}{{template "table" .Data}}{{end}}`

const galleryError = `{{define "page"}}{{template "plain" .}}{{end}}{{define "content"}}{{template "problem" .Data}}{{end}}`

const gallerySignIn = `{{define "page"}}{{template "plain" .}}{{end}}{{define "content"}}<h1>Sign in</h1><p class="mut">to Northbeam IT</p>
<form method="post" action="/form">{{range .Data.Fields}}{{template "field" .}}{{end}}<button class="btn primary">Sign in</button></form><p class="or">or</p><div class="acts"><a class="btn" href="/sso">{{icon "key"}}Single sign-on</a></div>{{end}}`

const gallerySearch = `{{define "content"}}<div class="page">{{template "palette-results" .}}</div>{{end}}
{{define "palette-results"}}{{range $i, $h := .Data}}{{if eq $i 0}}<div class="g" role="presentation">Configurations</div>{{end}}<a role="option" id="opt-{{$i}}" aria-selected="false" tabindex="-1" href="{{.Href}}"><span class="ib">{{icon .Icon}}</span><span class="t"><b>{{.Title}}</b><small>{{.Sub}}</small></span>{{icon "chevron-right"}}</a>{{else}}<p class="empty">Nothing matches.</p>{{end}}{{end}}`

// gallery is a site of every part.
type gallery struct {
	mux   web.Mux
	pages *web.Pages

	mu       sync.Mutex
	done     int
	reasons  []string
	bulk     []url.Values
	forms    []url.Values
	uploaded []string
	starred  bool
}

func openGallery(t *testing.T) (*gallery, string) {
	t.Helper()
	static, err := shell.Static()
	if err != nil {
		t.Fatal(err)
	}
	base, err := shell.Parts()
	if err != nil {
		t.Fatal(err)
	}
	g := &gallery{}
	if g.pages, err = web.ParsePages(base, static, nil); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for name, text := range map[string]string{"home": galleryHome, "list": galleryList, "record": galleryRecord, "form": galleryForm, "ticket": galleryTicket, "empty": galleryEmpty, "error": galleryError, "signin": gallerySignIn, "search": gallerySearch} {
		files[name+".html"] = &fstest.MapFile{Data: []byte(text), Mode: fs.FileMode(0o444)}
	}
	if err := g.pages.Add(files, "*.html"); err != nil {
		t.Fatal(err)
	}
	g.routes(static)
	s := httptest.NewServer(&g.mux)
	t.Cleanup(s.Close)
	return g, s.URL
}

func (g *gallery) routes(static *web.Static) {
	m := &g.mux
	m.Fail, m.Policy = g.fail, static.Policy()
	m.Log = slog.New(slog.DiscardHandler)
	m.Handle("GET /static/", static.Serve)
	m.Handle("POST /theme", web.SetTheme)
	m.Handle("GET /{$}", g.show("home", "Dashboard", g.home))
	m.Handle("GET /list", g.show("list", "Harbour Dental Group", g.list))
	m.Handle("GET /record", g.show("record", "FortiGate admin", g.record))
	m.Handle("GET /form", g.show("form", "New LAN", func(*http.Request) any { return g.form(nil) }))
	m.Handle("GET /ticket", g.show("ticket", "#20418", func(*http.Request) any { return g.ticket() }))
	m.Handle("GET /empty", g.show("empty", "Documents", func(*http.Request) any { return emptyTable() }))
	m.Handle("GET /signin", g.show("signin", "Sign in", func(*http.Request) any { return map[string]any{"Fields": signInFields()} }))
	m.Handle("GET /search", g.show("search", "Search", func(r *http.Request) any { return hits(r.FormValue("q")) }))
	m.Handle("GET /broken", func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Unavailable, "The key service is away.").WithHint("Nothing was lost. Try again in a minute.")
	})
	m.Handle("POST /reveal", g.reveal)
	m.Handle("POST /code", func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, 200, map[string]any{"code": "482913", "left": 18, "period": 30})
	})
	m.Handle("GET /work", g.work)
	m.Handle("POST /list", g.change)
	m.Handle("POST /form", g.save)
	m.Handle("POST /star", func(w http.ResponseWriter, r *http.Request) error {
		f, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		g.mu.Lock()
		g.starred = f.Bool("on")
		g.mu.Unlock()
		return web.SeeOther(w, r, "/list")
	})
	m.Handle("GET /pick", func(w http.ResponseWriter, r *http.Request) error {
		var items []map[string]string
		for i, n := range []string{"HDG-SRV-DC01", "HDG-SRV-FILE01", "HDG-SRV-SQL01"} {
			if strings.Contains(strings.ToLower(n), strings.ToLower(r.FormValue("q"))) {
				items = append(items, map[string]string{"id": fmt.Sprint(100 + i), "label": n, "sub": "Server", "icon": "server"})
			}
		}
		return web.JSON(w, 200, map[string]any{"items": items})
	})
	m.Handle("POST /upload", g.upload, web.MaxBody(10<<20))
	m.Handle("GET /image/{name}", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, err := fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="40"><rect width="64" height="40" fill="#3b6ef0"/></svg>`)
		return err
	})
}

func (g *gallery) fail(w http.ResponseWriter, r *http.Request, err error) {
	say := fault.Say(err)
	if web.WantsJSON(r) {
		_ = web.JSON(w, web.Status(err), map[string]any{"error": map[string]string{"text": say.Text, "hint": say.Hint}})
		return
	}
	p := g.page(w, r, say.Text)
	p.Data = ui.Problem{Icon: "plug", Title: say.Text, Text: "Your changes were kept in this browser.", Hint: say.Hint, ID: web.RequestID(r.Context()), Actions: []ui.Action{{Label: "Back to the dashboard", Href: "/", Primary: true}}}
	_ = g.pages.RenderStatus(w, r, web.Status(err), "error", p)
}

func (g *gallery) show(name, title string, data func(*http.Request) any) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p := g.page(w, r, title)
		p.Data = data(r)
		return g.pages.Render(w, r, name, p)
	}
}

func (g *gallery) page(w http.ResponseWriter, r *http.Request, title string) ui.Page {
	nav := []ui.NavItem{{Label: "Dashboard", Href: "/", Icon: "layout-dashboard", Go: "d"}, {Label: "Tickets", Href: "/ticket", Icon: "inbox", Count: 12, Go: "t"}, {Label: "Organizations", Href: "/list", Icon: "building", Go: "o"}, {Label: "Passwords", Href: "/record", Icon: "key", Go: "p"}, {Label: "Documents", Href: "/empty", Icon: "book"}, {Label: "Vault", Href: "/form", Icon: "shield-lock"}, {Label: "Reports", Href: "/broken", Icon: "chart-bar"}}
	for i := range nav {
		nav[i].Current = nav[i].Href == r.URL.Path
	}
	p := ui.Page{
		Title: title, Theme: web.Theme(r), Path: r.URL.RequestURI(), Brand: ui.Brand{Name: "Strongroom", Tenant: "Northbeam IT", Href: "/"},
		Nav: nav, Stars: []ui.NavItem{{Label: "Harbour Dental Group", Href: "/list", Badge: "Harbour Dental Group"}, {Label: "Kestrel Logistics", Href: "/list", Badge: "Kestrel Logistics"}, {Label: "Alder & Vine Solicitors", Href: "/list", Badge: "Alder & Vine Solicitors"}},
		Recent: []ui.NavItem{{Label: "#20418 Chairside PCs lose X:", Href: "/ticket", Icon: "ticket"}, {Label: "FortiGate admin", Href: "/record", Icon: "key"}, {Label: "PACS – legacy SMB exception", Href: "/record", Icon: "file-text"}},
		User:   &ui.User{Name: "Ines Okafor", Detail: "Service desk lead", Href: "/me", SignOut: "/signout"}, Crumbs: []ui.Crumb{{Label: "Organizations", Href: "/list"}, {Label: title}},
		New:  []ui.NavItem{{Label: "Ticket", Href: "/form", Icon: "ticket"}, {Label: "Password", Href: "/form", Icon: "key"}, {Label: "Document", Href: "/form", Icon: "file-text"}},
		Bell: &ui.Bell{Count: 3, Href: "/bell"}, Flash: web.TakeFlash(w, r),
		Keys: []ui.Shortcuts{{Title: "This page", Keys: []ui.Key{{Keys: "R", Does: "Reveal the password"}, {Keys: "E", Does: "Edit"}}}},
	}
	if r.URL.Query().Has("notice") {
		p.Notice = &ui.Notice{Tone: "warn", Text: "Support of the hosting company may look at this tenant until 18:00, approved by Ines Okafor.", Link: "End it now", Href: "/list"}
	}
	return p
}

func (g *gallery) reveal(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.reasons = append(g.reasons, f.Text("why")+": "+f.Text("reason"))
	g.mu.Unlock()
	web.NoStore(w)
	if !web.WantsJSON(r) {
		_, err := fmt.Fprint(w, "<!doctype html><link rel=icon href=/image/1.svg><title>Secret</title><p id=s>vT9#mQ2-kelp-Orbit!47</p>")
		return err
	}
	return web.JSON(w, 200, map[string]any{"secret": "vT9#mQ2-kelp-Orbit!47", "seconds": 20})
}

func (g *gallery) work(w http.ResponseWriter, _ *http.Request) error {
	g.mu.Lock()
	g.done = min(g.done+400, 900)
	n := g.done
	g.mu.Unlock()
	if n < 900 {
		return web.JSON(w, 200, map[string]any{"state": "running", "done": n, "total": 900, "text": "Importing passwords", "left": 42})
	}
	return web.JSON(w, 200, map[string]any{"state": "done", "done": 900, "total": 900, "text": "Import finished", "href": "/list", "link": "Open the result"})
}

func (g *gallery) change(w http.ResponseWriter, r *http.Request) error {
	body, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.bulk = append(g.bulk, url.Values{"id": body.All("id"), "do": body.All("do"), "all": body.All("all"), "reason": body.All("reason"), "on": body.All("on")})
	g.mu.Unlock()
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: fmt.Sprintf("%d configurations archived", len(body.All("id"))), Undo: &web.Undo{Label: "Undo", Action: "/list", Fields: map[string]string{"do": "restore"}}})
	return web.SeeOther(w, r, "/list")
}

func (g *gallery) save(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.forms = append(g.forms, url.Values{"name": f.All("name"), "notes": f.All("notes"), "body": f.All("body"), "dhcp": f.All("dhcp"), "dns": f.All("dns"), "zone": f.All("zone"), "psk": f.All("psk")})
	for i, row := range f.Rows("emails") {
		g.forms[len(g.forms)-1].Set(fmt.Sprintf("emails%d", i), row["value"]+" "+row["type_kind"])
	}
	g.mu.Unlock()
	f.Require("name")
	if err := f.Err(); err != nil {
		p := g.page(w, r, "New LAN")
		p.Data = g.form(err)
		return g.pages.RenderStatus(w, r, web.Status(err), "form", p)
	}
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "LAN created"})
	return web.SeeOther(w, r, "/list")
}

func (g *gallery) upload(w http.ResponseWriter, r *http.Request) error {
	_, err := web.ParseUpload(r, func(f *web.File) error {
		if !strings.HasPrefix(f.Type, "image/") && !strings.HasSuffix(f.Name, ".txt") {
			return fault.New(fault.Invalid, "Only pictures and texts are taken here.")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.uploaded = append(g.uploaded, f.Name)
		return nil
	})
	if err != nil {
		return err
	}
	return web.JSON(w, 200, map[string]string{"url": "/image/1.svg"})
}

var at = time.Date(2026, 11, 20, 10, 42, 0, 0, time.UTC)

func (g *gallery) home(*http.Request) any {
	line, area := "M0 8 L10 5 L20 3 L30 16 L40 6 L50 8 L60 12 L70 20 L80 6 L96 4", "M0 8 L10 5 L20 3 L30 16 L40 6 L50 8 L60 12 L70 20 L80 6 L96 4 L96 28 L0 28Z"
	queue := ui.Table{ID: "queue", Title: "My queue", Columns: []ui.Column{{Label: "Ticket", Phone: "title"}, {Label: "Organization", Phone: "line", Hide: 3}, {Label: "Status", Phone: "line"}, {Label: "Priority"}, {Label: "Due in", Right: true, Phone: "end"}}, Pager: ui.Pager{Words: "3 of 3"}}
	for i, s := range []string{"Chairside PCs lose mapped X: drive after patch window", "New starter – Finance, Monday 24 Nov", "VPN drops every 20 minutes from Leeds office"} {
		queue.Rows = append(queue.Rows, ui.Row{ID: fmt.Sprint(i), Name: s, Cells: []ui.Cell{{Type: "link", Text: s, Href: "/ticket", Icon: "ticket"}, {Type: "mut", Text: "Harbour Dental Group"}, {Type: "status", Text: "Open", Tone: []string{"open", "busy", "wait"}[i]}, {Type: "prio", Text: "High", Tone: "high"}, {Type: "num", Text: "47 min"}}})
	}
	return map[string]any{
		"Head":     ui.Head{Title: "Good morning, Ines", Sub: []ui.Cell{{Text: "Friday 20 November"}, {Text: "3 technicians on shift"}, {Text: "all integrations healthy"}}, Actions: []ui.Action{{Label: "Customise", Icon: "columns", Href: "/"}}},
		"Tiles":    []ui.Tile{{Label: "Open tickets", Icon: "inbox", Value: "63", Delta: "8 fewer than last week", Tone: "good", Line: line, Area: area, Href: "/list"}, {Label: "SLA at risk", Icon: "clock", Value: "4", Delta: "2 due within the hour", Tone: "warn", Line: line, Area: area}, {Label: "First response", Icon: "message-2", Value: "14 min", Delta: "Target 30 min", Tone: "good", Line: line, Area: area}, {Label: "Passwords overdue", Icon: "key", Value: "21", Delta: "Rotation older than 180 days", Tone: "bad", Line: line, Area: area}},
		"Queue":    queue,
		"Expiring": ui.Section{Title: "Expiring soon", More: &ui.NavItem{Label: "All 31", Href: "/list"}, Items: []ui.Item{{Title: "TLS: pacs.harbourdental.example", Sub: "Harbour Dental Group", Icon: "certificate", Href: "/record", Pill: &ui.Pill{Text: "9 d", Tone: "bad"}}, {Title: "Domain: alderandvine.example", Sub: "Alder & Vine Solicitors", Icon: "world", Pill: &ui.Pill{Text: "17 d", Tone: "warn"}}, {Title: "Warranty: SRV-SQL01", Sub: "Tallow Forge Manufacturing", Icon: "server", Pill: &ui.Pill{Text: "58 d"}}}},
		"Work":     []ui.Progress{{URL: "/work", Self: "/", State: "running", Done: 120, Total: 900, Text: "Importing passwords", Cancel: "/stop"}, {State: "failed", Done: 30, Total: 90, Text: "The import stopped: the file ends early", Href: "/list", Link: "See the 3 problems"}},
		"Activity": ui.Section{Title: "Activity", Feed: []ui.Event{{Who: "Priya Nair", What: "revealed", Object: "FortiGate admin", Href: "/record", Icon: "eye", Time: at, Detail: "CHG-1179"}, {Who: "Sync", What: "updated", Object: "14 configurations", Icon: "refresh", Time: at.Add(-time.Hour)}, {Who: "Tom Brandt", What: "closed", Object: "#20380", Href: "/ticket", Time: at.Add(-30 * time.Hour)}}},
	}
}

func configurations() []ui.Row {
	var rows []ui.Row
	for i := range 24 {
		kind, icon, os := "Firewall", "shield-check", "FortiOS 7.6.3"
		if i%3 == 1 {
			kind, icon, os = "Workstation", "device-desktop", "Windows 11 Pro 24H2"
		}
		warranty := ui.Cell{Type: "date", Time: at.AddDate(0, i*2, 0)}
		switch i % 5 {
		case 0:
			warranty = ui.Cell{Type: "pill", Text: "Expired", Tone: "bad"}
		case 1:
			warranty = ui.Cell{Type: "pill", Text: "79 days", Tone: "warn"}
		}
		name := fmt.Sprintf("HDG-%s-%02d", strings.ToUpper(kind[:2]), i+1)
		rows = append(rows, ui.Row{ID: fmt.Sprint(1000 + i), Name: name, Muted: i == 7, Cells: []ui.Cell{
			{Type: "link", Text: name, Href: "/record", Icon: icon}, {Type: "mut", Text: kind}, {Type: "status", Text: []string{"Active", "Offline", "Spare"}[i%3], Tone: []string{"ok", "bad", "off"}[i%3]}, {Text: os},
			{Type: "mono", Text: fmt.Sprintf("10.20.%d.%d", i%4, 10+i), Copy: true}, {Type: "user", Text: []string{"Marit de Vries", "Joost Bakker", ""}[i%3]}, warranty, {Type: "ago", Time: at.Add(-time.Duration(i*7) * time.Hour)},
		}})
	}
	return rows
}

func (g *gallery) list(r *http.Request) any {
	q := ui.Query{Path: "/list", Values: r.URL.Query()}
	var rows []ui.Row
	for _, row := range configurations() {
		if strings.Contains(strings.ToLower(row.Name), strings.ToLower(r.FormValue("q"))) {
			rows = append(rows, row)
		}
	}
	g.mu.Lock()
	starred := g.starred
	g.mu.Unlock()
	words := fmt.Sprintf("1–%d of 148", len(rows))
	if r.FormValue("q") != "" {
		words = fmt.Sprintf("%d of %d", len(rows), len(rows))
	}
	t := ui.Table{
		ID: "configurations", Title: "Configurations", Rows: rows, BulkURL: "/list", Hidden: q.Hidden("id"), Matching: 148,
		Columns: []ui.Column{q.Sortable(ui.Column{Label: "Name", Phone: "title"}, "name"), q.Sortable(ui.Column{Label: "Type", Phone: "line", Hide: 3}, "type"), q.Sortable(ui.Column{Label: "Status", Phone: "end"}, "status"), {Label: "Operating system", Phone: "line", Hide: 1}, {Label: "IP address", Phone: "line"}, {Label: "Primary user", Hide: 2}, q.Sortable(ui.Column{Label: "Warranty"}, "warranty"), q.Sortable(ui.Column{Label: "Updated", Hide: 1}, "updated")},
		Filter:  &ui.Filter{Action: "/list", Name: "q", Value: r.FormValue("q"), Label: "Filter configurations", Hidden: q.Hidden("q")},
		Views:   []ui.NavItem{{Label: "All", Href: "/list", Current: r.FormValue("view") == ""}, {Label: "Servers", Href: q.With("view", "servers"), Current: r.FormValue("view") == "servers"}, {Label: "Network", Href: q.With("view", "network"), Count: 31}, {Label: "Warranty < 90 days", Href: q.With("view", "expiring")}},
		Choose:  &ui.Chooser{Action: "/list", Options: []ui.Option{{Value: "name", Label: "Name", Selected: true}, {Value: "type", Label: "Type", Selected: true}, {Value: "serial", Label: "Serial number"}}},
		Export:  []ui.NavItem{{Label: "CSV", Href: "/list?as=csv", Icon: "table"}, {Label: "JSON", Href: "/list?as=json", Icon: "code"}},
		Bulk:    []ui.Action{{Label: "Edit fields", Icon: "edit", Name: "edit"}, {Label: "Tag", Icon: "tag", Name: "tag"}, {Label: "Archive", Icon: "archive", Name: "archive", Danger: true, Dialog: "archive"}},
		Pager:   ui.Pager{Words: words, Next: q.With("page", "2")},
		Empty:   ui.Empty{Icon: "server", Title: "No configurations match “" + r.FormValue("q") + "”.", Text: "Clear the filter, or add one.", Actions: []ui.Action{{Label: "Clear the filter", Href: "/list", Swap: "configurations"}}},
	}
	if v := r.FormValue("view"); v != "" {
		t.Filter.Chips = []ui.NavItem{{Label: "View: " + v, Href: q.With("view", "")}}
	}
	return map[string]any{
		"Head":    ui.Head{Title: "Harbour Dental Group", Badge: "Harbour Dental Group", Star: &ui.Star{On: starred, Action: "/star"}, Sub: []ui.Cell{{Type: "status", Text: "Active", Tone: "ok"}, {Text: "Managed"}, {Text: "Gold 24×7"}, {Text: "Rotterdam"}, {Text: "Account manager Ines Okafor"}}, Actions: []ui.Action{{Label: "Edit", Icon: "edit", Href: "/form", Key: "e"}, {Label: "Import", Icon: "upload", Href: "/form"}, {Label: "Add", Icon: "plus", Href: "/form", Primary: true}}},
		"Tabs":    []ui.NavItem{{Label: "Overview", Href: "/"}, {Label: "Configurations", Href: "/list", Count: 148, Current: true}, {Label: "Passwords", Href: "/record", Count: 64}, {Label: "Documents", Href: "/empty", Count: 37}, {Label: "Contacts", Href: "/list", Count: 52}, {Label: "Locations", Href: "/list", Count: 4}, {Label: "LAN", Href: "/form", Count: 6}, {Label: "Tickets", Href: "/ticket", Count: 9}, {Label: "Map", Href: "/list"}},
		"Table":   t,
		"Rail":    rail(),
		"Archive": ui.Confirm{ID: "archive", Title: "Archive the selected configurations?", Text: "They disappear from lists and stay where they are linked. You can bring them back for 30 days.", Action: "/list", Submit: "Archive", Danger: true, Fields: []ui.Field{{Name: "reason", Label: "Reason", Type: "text", Required: true, Wide: true}}, Swap: "configurations"},
	}
}

func rail() []ui.Section {
	return []ui.Section{
		{Title: "Quick note", Icon: "alert-triangle", Note: true, HTML: template.HTML(`<p>Clinics are closed 12:00–12:30, do restarts then. Call Marit before touching anything with <strong>PACS</strong> in the name.</p>`)},
		{Title: "Expiring", Items: []ui.Item{{Title: "pacs.harbourdental.example", Sub: "TLS certificate", Icon: "certificate", Pill: &ui.Pill{Text: "9 d", Tone: "bad"}}, {Title: "FortiCare FW-EDGE01", Sub: "Support contract", Icon: "shield-check", Pill: &ui.Pill{Text: "24 d", Tone: "warn"}}}},
		{Title: "Key contacts", More: &ui.NavItem{Label: "All 52", Href: "/list"}, Items: []ui.Item{{Title: "Marit de Vries", Sub: "Practice manager · approver", Badge: "Marit de Vries", Person: true, Href: "/record"}, {Title: "Joost Bakker", Sub: "Lead dentist", Badge: "Joost Bakker", Person: true}}},
		{Title: "Recent activity", Feed: []ui.Event{{Who: "Priya Nair", What: "revealed", Object: "FortiGate admin", Href: "/record", Time: at}, {Who: "Sync", What: "updated 14 configurations", Time: at.Add(-time.Hour)}}},
		{Title: "Details", Props: []ui.Prop{{Label: "Folder", Cells: []ui.Cell{{Text: "Network / Edge"}}}, {Label: "Rotation", Cells: []ui.Cell{{Text: "Every 180 days"}}}, {Label: "Created", Cells: []ui.Cell{{Type: "date", Time: at.AddDate(-3, 0, 0)}}}, {Label: "Owner", Cells: nil}}},
	}
}

func (g *gallery) record(*http.Request) any {
	return map[string]any{
		"Head":    ui.Head{Title: "FortiGate admin", Icon: "key", Sub: []ui.Cell{{Text: "Harbour Dental Group", Href: "/list"}, {Text: "Firewall"}, {Text: "Embedded in HDG-FW-EDGE01"}}, Actions: []ui.Action{{Label: "Rotate", Icon: "refresh", Href: "/form"}, {Label: "Delete", Icon: "trash", Href: "/record?delete", Dialog: "delete", Danger: true}, {Label: "Edit", Icon: "edit", Href: "/form", Primary: true, Key: "e"}}},
		"Secret":  ui.Secret{ID: "password", URL: "/reveal", Label: "Password", Key: "r"},
		"Guarded": ui.Secret{ID: "code", URL: "/reveal", Label: "Code", Reason: "required"},
		"Code":    ui.OneTime{ID: "otp", URL: "/code"},
		"Address": ui.Cell{Type: "url", Text: "https://10.20.1.1:8443", Href: "https://10.20.1.1:8443"},
		"Notes":   ui.Section{Title: "Notes", HTML: template.HTML(`<h2>Daily work</h2><p>Local break-glass account, use SSO (<code>Entra ID → FortiGate</code>) for <a href="/list">daily work</a>.</p><ul><li data-checked="true">Rotate after use</li><li data-checked="false">Update the change record</li></ul><table><tr><th>VLAN</th><th>Name</th></tr><tr><td>20</td><td>Medical</td></tr></table><blockquote>Never on a Friday.</blockquote><pre><code>get system status</code></pre>`)},
		"Changes": []ui.Change{{Label: "Status", Old: "Spare", New: "Active"}, {Label: "Serial number", Old: "", New: "FGT60F-1182"}, {Label: "Notes", Lines: []ui.DiffLine{{Op: " ", Parts: []ui.DiffPart{{Text: "Edge firewall"}}}, {Op: "-", Parts: []ui.DiffPart{{Text: "Firmware "}, {Text: "7.4", Changed: true}}},
			{Op: "+", Parts: []ui.DiffPart{{Text: "Firmware "}, {Text: "7.6.3", Changed: true}}}}}},
		"Drop":   ui.Drop{Action: "/upload", Most: 25 << 20, Text: "Add attachments"},
		"Files":  []ui.File{{Name: "error-chair3.png", Href: "/image/1.svg", Size: 214000, Remove: &ui.Action{Icon: "x", Post: true, Href: "/list", Quiet: true, Label: "Remove error-chair3.png", IconOnly: true}}, {Name: "edge-config.txt", Href: "/image/1.svg", Size: 18200}},
		"Rail":   rail()[1:],
		"Delete": ui.Confirm{ID: "delete", Title: "Delete FortiGate admin?", Text: "It goes to the trash and can be restored for 30 days.", Action: "/list", Submit: "Delete", Danger: true},
	}
}

func (g *gallery) form(err error) any {
	f := ui.Form{Action: "/form", Submit: "Create LAN", Again: "Create and add another", Cancel: "/list", Draft: "ines/lan/new", Fields: []ui.Field{
		{Type: "heading", Label: "Addressing"},
		{Type: "text", Name: "name", Label: "Network name", Required: true, Wide: true, Value: "HDG – Delfshaven LAN"},
		{Type: "text", Name: "subnet", Label: "Subnet", Required: true, Value: "10.20.1.0/24", Hint: "CIDR, for example 10.20.1.0/24"},
		{Type: "number", Name: "vlan", Label: "VLAN", Value: "20", Min: "1", Max: "4094"},
		{Type: "ref", Name: "dhcp", Label: "DHCP served by", Source: "/pick", Chosen: []ui.Option{{Value: "100", Label: "HDG-SRV-DC01", Sub: "Server", Icon: "server"}}},
		{Type: "ref", Name: "dns", Label: "DNS servers", Source: "/pick", Multiple: true, Chosen: []ui.Option{{Value: "100", Label: "HDG-SRV-DC01"}, {Value: "101", Label: "HDG-SRV-FILE01"}}},
		{Type: "heading", Label: "Security"},
		{Type: "ref", Name: "zone", Label: "Zone", Options: []ui.Option{{Value: "med", Label: "Medical devices", Selected: true}, {Value: "off", Label: "Office"}, {Value: "guest", Label: "Guests"}}},
		{Type: "secret", Name: "psk", Label: "Wi-Fi pre-shared key", Hint: "Stored encrypted, every view is audited"},
		{Type: "select", Name: "band", Label: "Band", Options: []ui.Option{{Value: "5", Label: "5 GHz", Selected: true}, {Value: "2", Label: "2.4 GHz"}}, Value: "5"},
		{Type: "checkbox", Name: "dot1x", Label: "802.1X enforced", Checked: true, Hint: "Devices without a certificate get the guest network"},
		{Type: "date", Name: "review", Label: "Next review", Value: "2027-02-01"},
		{Type: "number", Name: "lease", Label: "Lease time", Value: "8", Unit: "hours"},
		{Type: "select", Name: "groups", Label: "Visible to", Multiple: true, Wide: true, Options: []ui.Option{{Value: "1", Label: "Network engineers", Selected: true}, {Value: "2", Label: "Service desk"}, {Value: "3", Label: "Projects", Sub: "12 people"}}},
		{Type: "fixed", Name: "org", Label: "Organization", Cells: []ui.Cell{{Text: "Harbour Dental Group", Href: "/list"}}},
		{Type: "file", Name: "plan", Label: "Plan"},
		{Type: "html", Name: "notes", Label: "Notes", Upload: "/upload", Value: `<p>Core switch in <strong>rack 2</strong>.</p><ul><li>Patch panel A</li><li>Patch panel B</li></ul>`, Hint: "Type “# ” for a heading, “- ” for a list"},
		{Type: "code", Name: "config", Label: "Configuration", Value: "config system interface\n  edit port1\nend", Rows: 4},
	}}
	emails := ui.RowsField(ui.Field{Name: "emails", Label: "Alert addresses"}, []ui.Field{{Name: "value", Label: "Address", Type: "email"}, {Name: "type_kind", Label: "Kind", Type: "select", Options: []ui.Option{{Value: "work", Label: "Work"}, {Value: "home", Label: "Home"}}}, {Name: "main_tick", Label: "Main", Type: "checkbox"}}, []map[string]string{{"value": "marit@harbourdental.example", "type_kind": "work", "main_tick": "1"}}, 2)
	f.Fields = append(f.Fields[:15], append([]ui.Field{emails}, f.Fields[15:]...)...)
	if err != nil {
		say := fault.Say(err)
		f.Wrong(say.Text, "Nothing was saved.", say.Fields)
	}
	return map[string]any{"Head": ui.Head{Title: "New LAN", Sub: []ui.Cell{{Text: "Flexible asset in Harbour Dental Group"}}}, "Form": f}
}

func (g *gallery) ticket() any {
	return map[string]any{
		"Queue": []ui.NavItem{{Badge: "#20418", Label: "Chairside PCs lose mapped X: drive after patch window", Current: true}, {Badge: "#20415", Label: "New starter – Finance, Monday 24 Nov"}, {Badge: "#20409", Label: "VPN drops every 20 minutes from Leeds office"}},
		"High":  ui.Status{Text: "High", Tone: "high"}, "Open": ui.Status{Text: "Open", Tone: "open"},
		"Actions":  []ui.Action{{Label: "Suggested: 2", Icon: "book", Href: "/list"}, {Label: "Resolve", Icon: "check", Post: true, Href: "/list", Primary: true}},
		"Messages": []ui.Message{{ID: "1", Kind: "in", Who: "Marit de Vries", Role: "Practice manager, Harbour Dental Group", Time: at, HTML: "<p>Since this morning the X: drive is gone on five PCs.</p>", Files: []ui.File{{Name: "error-chair3.png", Href: "/image/1.svg", Size: 214000}}}, {ID: "2", Kind: "event", Who: "SLA", Text: "Gold 24×7 applied · first response due in 30 min", Time: at}, {ID: "3", Kind: "out", Who: "Ines Okafor", Role: "You", Time: at, HTML: "<p>Hi Marit,</p><p>Thanks for the screenshot. I can see the five PCs installed last night’s update at 03:10.</p>"}, {ID: "4", Kind: "note", Who: "Ines Okafor", Role: "Internal note", Time: at, HTML: `<p>Ring 2 got the new SMB signing baseline. <a href="/record">HDG-SRV-FILE01</a> still presents SMB 2.0 for the <code>XRAY$</code> share.</p><ul><li>Rolled baseline back on <strong>HDG-WS-011</strong> → drive maps again</li></ul>`}},
		"Body":     ui.Field{Type: "html", Name: "body", Label: "Message", Inline: true, Rows: 3, Upload: "/upload", Value: "<p>Hi Marit, yes – I have planned <strong>12:05</strong> for chairs 2 to 5.</p>"},
		"Rail":     rail()[1:4],
	}
}

func emptyTable() ui.Table {
	return ui.Table{ID: "none", Title: "Documents", Filter: &ui.Filter{Action: "/empty", Name: "q", Label: "Filter documents"}, Columns: []ui.Column{{Label: "Name"}}, Pager: ui.Pager{Words: "No documents"}, Empty: ui.Empty{Icon: "file-text", Title: "No documents yet", Text: "Write the first one, or import what you have from Word and Markdown files.", Actions: []ui.Action{{Label: "Write a document", Icon: "plus", Href: "/form", Primary: true}, {Label: "Import", Icon: "upload", Href: "/form"}}}}
}

func signInFields() []ui.Field {
	return []ui.Field{{Type: "email", Name: "email", Label: "E-mail address", Complete: "username", Required: true, Focus: true}, {Type: "password", Name: "password", Label: "Password", Required: true}}
}

func hits(q string) []ui.Item {
	var found []ui.Item
	for _, row := range configurations() {
		if q != "" && strings.Contains(strings.ToLower(row.Name), strings.ToLower(q)) {
			found = append(found, ui.Item{Title: row.Name, Sub: "Harbour Dental Group · Firewall", Href: "/record", Icon: "server"})
		}
	}
	return found
}
