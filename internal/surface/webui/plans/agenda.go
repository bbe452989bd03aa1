package plans

import (
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/change"
	"strongroom/internal/surface/webui/shell"
)

// agendaPath is the address of the agenda.
const agendaPath = "/change-agenda"

// agenda is the page of what is up for decision.
type agenda struct {
	Head   ui.Head
	Points []point
	Empty  string
	Cut    bool
}

// point is a change on the agenda.
type point struct {
	Title, Href, About string
	When, Phase, Who   string
	Voting             string // the page of the vote
	Pills              []ui.Pill
	Against            []ui.Item // conflicts and freezes
	Sections           []ui.Prop // what is read in the meeting
}

// agenda shows the changes that wait for approval, the earliest first, with how the vote
// stands, and what runs into them.
func (v *visit) agenda() error {
	k := v.Kind(change.Kind)
	d := agenda{Head: ui.Head{Title: "Up for decision", Icon: "checks", Sub: []ui.Cell{{Text: "Changes that wait for approval, in UTC"}}, Actions: []ui.Action{{Label: "Calendar", Icon: "calendar", Href: path}}},
		Empty: "No change waits for approval."}
	err := v.View(func(tx *gate.Tx) error {
		list, err := v.Records.List(tx, change.Kind, record.Query{Archived: "no", Limit: change.MostPlanned, NoTotal: true, Sort: []record.Order{{Field: "scheduled_start"}},
			Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{change.PendingApproval}}}})
		if err != nil {
			return err
		}
		d.Cut = len(list.Records) == change.MostPlanned
		against, err := v.against(tx, list.Records)
		if err != nil {
			return err
		}
		for _, r := range list.Records {
			p, err := v.point(tx, r)
			if err != nil {
				return err
			}
			p.Against = append(p.Against, against[r.ID]...)
			d.Points = append(d.Points, *p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: k.Labels, Href: shell.ListURL(k)}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("agenda", p)
}

// point draws one change.
func (v *visit) point(tx *gate.Tx, r *record.Record) (*point, error) {
	n, _ := r.Values["number"].(int64)
	p := &point{Title: r.Kind.Field("number").Numbered(n) + " " + r.Name, Href: shell.RecordURL(r.Kind, r.ID), About: r.OrgName, When: "Not planned yet"}
	if from, ok := r.Values["scheduled_start"].(int64); ok {
		p.When = time.UnixMilli(from).UTC().Format("2 January 2006, 15:04")
		if to, ok := r.Values["scheduled_end"].(int64); ok {
			p.When += " – " + time.UnixMilli(to).UTC().Format("2 January, 15:04")
		}
	}
	p.Pills = []ui.Pill{{Text: r.Values.Text("change_type")}}
	if risk := r.Values.Text("risk"); risk != "" {
		p.Pills = append(p.Pills, ui.Pill{Text: risk + " risk", Tone: map[string]string{"High": "bad", "Medium": "warn", "Low": "ok"}[risk]})
	}
	for _, f := range []string{"description", "justification", "plan", "backout"} {
		if s := r.Values.Text(f); s != "" {
			p.Sections = append(p.Sections, ui.Prop{Label: r.Kind.Field(f).Title(), Cells: []ui.Cell{v.Cell(r, r.Kind.Field(f))}})
		}
	}
	b, err := ballot.Of(tx, r.ID)
	if err != nil || b == nil {
		return p, err
	}
	p.Phase, p.Voting = b.Phases[max(0, b.Result.Phase)].Name, "/votes/"+b.ID.String()
	names, err := v.Records.Names(tx, b.Result.Voters...)
	if err != nil {
		return nil, err
	}
	yes, still := 0, []string{}
	for _, who := range b.Result.Voters {
		switch vote, voted := b.Result.Votes[who]; {
		case voted && vote.Yes:
			yes++
		case !voted && names[who] != "":
			still = append(still, names[who])
		}
	}
	p.Phase += ": " + strconv.Itoa(yes) + " of " + strconv.Itoa(len(b.Result.Voters)) + " say yes"
	if len(still) > 0 && b.Result.State == ballot.Pending {
		p.Who = "Still to vote: " + strings.Join(still, ", ")
	}
	if b.Void(r) {
		p.Pills = append(p.Pills, ui.Pill{Text: "Changed since the vote began", Tone: "bad"})
	}
	return p, nil
}

// against are the freezes and other changes that run into those on the agenda, by change.
func (v *visit) against(tx *gate.Tx, list []*record.Record) (map[id.ID][]ui.Item, error) {
	out := map[id.ID][]ui.Item{}
	var first, last int64
	for _, r := range list {
		from, begins := r.Values["scheduled_start"].(int64)
		to, ends := r.Values["scheduled_end"].(int64)
		if !begins || !ends {
			continue
		}
		if first == 0 || from < first {
			first = from
		}
		last = max(last, to)
		freezes, err := change.Freezes(tx, v.Records, r.Org, from, to)
		if err != nil {
			return nil, err
		}
		for _, f := range freezes {
			out[r.ID] = append(out[r.ID], ui.Item{Title: "Nothing is changed then: " + f.Name, Sub: f.Values.Text("reason"), Href: shell.RecordURL(f.Kind, f.ID), Icon: "lock"})
		}
	}
	if last == 0 {
		return out, nil
	}
	planned, err := change.Planned(tx, v.Records, 0, first, last)
	if err != nil {
		return nil, err
	}
	met, err := v.meeting(tx, planned)
	for _, m := range met {
		for _, side := range [][2]*record.Record{{m.A, m.B}, {m.B, m.A}} {
			out[side[0].ID] = append(out[side[0].ID], ui.Item{Title: "Conflict with " + side[1].Name, Sub: "At the same time, both affect " + m.text, Href: shell.RecordURL(side[1].Kind, side[1].ID), Icon: "alert-triangle"})
		}
	}
	return out, err
}
