// Package health holds the pages that say how well organizations are documented,
// and on which it is chosen what is expected of them.
//
// Always true: each point that a score lacks has its reason and a link to where
// that is mended; what is expected is chosen by administrators alone.
package health

import (
	"embed"
	"io/fs"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/health"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Health *health.Health }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Documentation health", Href: "/health", Icon: "gauge", Go: "h", Place: 105})
	s.Manage(shell.ToContents, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Documentation health", Sub: "What is expected of each organization, and how fresh it is", Href: "/settings/health", Icon: "gauge"}}
	})
	s.Rail(shell.RailPart{OrgToo: true, Draw: func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
		if r.Kind.Scope != record.Organization {
			return nil, nil
		}
		return (&visit{v, p}).section(tx, r)
	}})
	s.Get("/health", p.as((*visit).board))
	s.Get("/health/{id}", p.as((*visit).report))
	s.Get("/settings/health", shell.Administering(p.as((*visit).rules)))
	s.Post("/settings/health", shell.Administering(p.as((*visit).setRules)))
	s.Get("/settings/health/{id}", shell.Administering(p.as((*visit).exceptions)))
	s.Post("/settings/health/{id}", shell.Administering(p.as((*visit).setExceptions)))
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

func reportURL(org id.ID) string { return "/health/" + org.String() }

// tone colours a score.
func tone(score int) string {
	switch {
	case score >= 85:
		return "ok"
	case score >= 60:
		return "warn"
	}
	return "bad"
}

// says is a finding in words.
func says(x health.Finding) string {
	n := web.Number(x.Count)
	switch x.Sort {
	case health.Missing:
		return "No " + shell.Lower(x.Target.Label)
	case health.Stale:
		return n + " of " + web.Number(x.Of) + " " + shell.Lower(x.Target.Label) + " not changed for " + shell.Days(x.Days)
	case health.Unrotated:
		return n + " of " + web.Number(x.Of) + " passwords not changed for " + shell.Days(x.Days)
	case health.Expired:
		if x.Count == 1 {
			return "1 date has run out"
		}
		return n + " dates have run out"
	}
	if x.Count == 1 {
		return "1 document is overdue for review"
	}
	return n + " documents are overdue for review"
}

// mends is where a finding is mended, and what that is called.
func (v *visit) mends(org id.ID, x health.Finding) (href, label string) {
	switch x.Sort {
	case health.Missing:
		if v.May(access.Create, x.Target.Kind) {
			return shell.NewURL(x.Target.Kind, org), "Add the first one"
		}
		return shell.VariantURL(x.Target.Kind, org), "Look"
	case health.Stale:
		return oldest(shell.VariantURL(x.Target.Kind, org), "updated_at"), "Show the oldest"
	case health.Unrotated:
		return oldest(shell.OrgListURL(org, v.Kind("password")), "password_updated_at"), "Show the oldest"
	case health.Expired:
		return "/expirations?organization_id=" + org.String() + "&range=expired", "Show them"
	}
	return oldest(shell.OrgListURL(org, v.Kind("document")), "expires_on") + "&soon=1", "Show them"
}

func oldest(list, by string) string {
	for _, c := range list {
		if c == '?' {
			return list + "&sort=" + by
		}
	}
	return list + "?sort=" + by
}

// section is the part of an organization's page.
func (v *visit) section(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	x, err := v.Health.Of(tx, r.ID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Documentation health", More: &ui.NavItem{Label: "Why", Href: reportURL(r.ID)},
		Props: []ui.Prop{{Label: "Score", Cells: []ui.Cell{{Type: "meter", Text: "Documentation health", Number: int64(x.Score), Tone: tone(x.Score)}}}}}
	for _, f := range x.Findings[:min(3, len(x.Findings))] {
		href, _ := v.mends(r.ID, f)
		s.Items = append(s.Items, ui.Item{Title: says(f), Href: href, Pill: &ui.Pill{Text: "−" + strconv.Itoa(f.Lost)}})
	}
	return s, nil
}

// boardPage lists organizations by their scores.
type boardPage struct {
	Head  ui.Head
	Tiles []ui.Tile
	Lines []boardLine
	More  string
	Words string
	Empty ui.Empty
	None  bool // nothing is expected yet
	May   bool
}

type boardLine struct {
	Name, Href, Org string
	Score           ui.Cell
	Why             []string
	More            int
}

const boardSize = 100

func (v *visit) board() error {
	d := boardPage{Head: ui.Head{Title: "Documentation health", Icon: "gauge", Sub: []ui.Cell{{Text: "The worst first, by what you may see"}}}, May: v.Caller.May(access.Administer)}
	if d.May {
		d.Head.Actions = []ui.Action{{Label: "What is expected", Icon: "settings", Href: "/settings/health"}}
	}
	from, _ := strconv.Atoi(v.R.URL.Query().Get("from"))
	err := v.View(func(tx *gate.Tx) error {
		rules, err := health.Rules(tx)
		if err != nil {
			return err
		}
		d.None = len(rules) == 0
		list, err := v.Health.All(tx)
		if err != nil {
			return err
		}
		from = min(max(from, 0), len(list))
		for _, x := range list[from:min(from+boardSize, len(list))] {
			d.Lines = append(d.Lines, line(x))
		}
		if from+boardSize < len(list) {
			d.More = "/health?from=" + strconv.Itoa(from+boardSize)
		}
		d.Words = web.Number(int64(len(list))) + " organizations"
		if len(list) == 1 {
			d.Words = "1 organization"
		}
		d.Tiles = tiles(list)
		return nil
	})
	if err != nil {
		return err
	}
	d.Empty = ui.Empty{Icon: "gauge", Title: "No organizations yet", Text: "When there are some, their scores stand here."}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("health", p)
}

func line(x *health.Report) boardLine {
	l := boardLine{Name: x.Name, Href: reportURL(x.Org), Org: x.Org.String(), Score: ui.Cell{Type: "meter", Text: "Score of " + x.Name, Number: int64(x.Score), Tone: tone(x.Score)}}
	for i, f := range x.Findings {
		if i == 3 {
			l.More = len(x.Findings) - 3
			break
		}
		l.Why = append(l.Why, says(f))
	}
	return l
}

// tiles sum the board up.
func tiles(list []*health.Report) []ui.Tile {
	if len(list) == 0 {
		return nil
	}
	sum, bad, full := 0, 0, 0
	for _, x := range list {
		sum += x.Score
		switch tone(x.Score) {
		case "bad":
			bad++
		case "ok":
			full++
		}
	}
	out := []ui.Tile{{Label: "On average", Icon: "gauge", Value: strconv.Itoa(sum/len(list)) + " %"}, {Label: "In good order", Icon: "circle-check", Value: web.Number(int64(full)), Delta: "85 % or more"},
		{Label: "Need attention", Icon: "alert-triangle", Value: web.Number(int64(bad)), Delta: "below 60 %"}}
	if bad > 0 {
		out[2].Tone = "bad"
	}
	return out
}

// reportPage says why an organization has its score.
type reportPage struct {
	Head     ui.Head
	Score    ui.Cell
	Findings []findingLine
	Settings string // where exceptions are made; empty for who may not
}

type findingLine struct {
	Icon, Text, Href, Label string
	Lost                    int
}

var icons = map[health.Sort]string{health.Missing: "circle-dashed", health.Stale: "hourglass", health.Unrotated: "key", health.Expired: "calendar-due", health.Overdue: "file-text"}

func (v *visit) report() error {
	org, err := v.ID("id")
	if err != nil {
		return err
	}
	var x *health.Report
	if err := v.View(func(tx *gate.Tx) (err error) { x, err = v.Health.Of(tx, org); return err }); err != nil {
		return err
	}
	k := v.Kind("organization")
	d := reportPage{Head: ui.Head{Title: "Documentation health", Icon: "gauge", Sub: []ui.Cell{{Text: x.Name, Href: shell.RecordURL(k, org)}}},
		Score: ui.Cell{Type: "meter", Text: "Score", Number: int64(x.Score), Tone: tone(x.Score)}}
	for _, f := range x.Findings {
		href, label := v.mends(org, f)
		d.Findings = append(d.Findings, findingLine{icons[f.Sort], says(f), href, label, f.Lost})
	}
	if v.Caller.May(access.Administer) {
		d.Settings = "/settings/health/" + org.String()
	}
	p, err := v.Page("Documentation health of "+x.Name, ui.Crumb{Label: k.Labels, Href: shell.ListURL(k)}, ui.Crumb{Label: x.Name, Href: shell.RecordURL(k, org)}, ui.Crumb{Label: "Documentation health"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("health-report", p)
}
