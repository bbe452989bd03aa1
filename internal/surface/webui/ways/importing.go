package ways

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/shell"
)

// bringIn shows how everybody of a directory is brought in, and what came of it.
func (v *visit) bringIn() error { return v.importPage(nil, nil) }

func (v *visit) importPage(entered *way.Import, refused error) error {
	x, _, err := v.way()
	if err != nil {
		return err
	}
	var set way.Import
	var runs []way.ImportRun
	err = v.View(func(tx *gate.Tx) (err error) {
		if set, err = v.Ways.ImportOf(tx, x.ID); err == nil {
			runs, err = v.Ways.ImportRuns(tx, x.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	sub := []ui.Cell{{Text: x.Name}}
	if set.Next != 0 {
		sub = append(sub, ui.Cell{Text: "Next: " + shell.When(set.Next).UTC().Format("2 Jan 15:04") + " UTC"})
	}
	if entered != nil {
		set = *entered
	}
	at := address(x) + "/import"
	f := importForm(at, set)
	status := http.StatusOK
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
		status = web.Status(refused)
	}
	data := &view{Top: []ui.Form{f}, Head: ui.Head{Title: "Import people", Icon: "users", Sub: sub, Actions: []ui.Action{
		{Label: "See what would change", Icon: "search", Href: at + "/try", Post: true, Primary: true},
		{Label: "Import now", Icon: "download", Href: at + "/run", Post: true}}}}
	for _, r := range runs {
		data.Cards = append(data.Cards, runCard(r))
	}
	if len(runs) == 0 {
		data.Cards = append(data.Cards, &ui.Section{Title: "Imports", Empty: "None yet. Look at what would change first: nothing is written then."})
	}
	return v.show(status, "Import people", data, ui.Crumb{Label: "Sign-in", Href: "/settings/sign-in"}, ui.Crumb{Label: x.Name, Href: address(x)}, ui.Crumb{Label: "Import people"})
}

func importForm(at string, set way.Import) ui.Form {
	var often []ui.Option
	for _, h := range way.Rhythms() {
		label := fmt.Sprintf("Every %d hours", h)
		switch h {
		case 0:
			label = "Only when somebody asks for it"
		case 1:
			label = "Every hour"
		case 24:
			label = "Every day"
		}
		often = append(often, ui.Option{Value: strconv.Itoa(h), Label: label, Selected: h == set.Hours})
	}
	return ui.Form{Action: at, Submit: "Save", Fields: []ui.Field{
		{Name: "hours", Label: "How often", Type: "select", Options: often, Required: true, Value: strconv.Itoa(set.Hours)},
		{Name: "most", Label: "Archive at most, in percent of the users of this way in", Type: "number", Value: strconv.Itoa(set.Most), Required: true, Hint: "When more are missing in the directory at once, nobody is archived, and the report says so. Nobody is ever deleted."},
		{Name: "create", Label: "Who is not known becomes a user", Type: "checkbox", Checked: set.Create, Hint: "With the role and groups, and within the domains, that the way in gives."},
		{Name: "groups", Label: "Groups of the directory become groups here", Type: "checkbox", Checked: set.Groups, Hint: "A group that was here before with the same name is left alone: map it."},
	}}
}

// runCard shows one import.
func runCard(r way.ImportRun) *ui.Section {
	title := "Import"
	if r.Dry {
		title = "What would change"
	}
	s := &ui.Section{Title: title + ", " + shell.When(r.At).UTC().Format("2 Jan 2006 15:04") + " UTC"}
	if r.Report == nil {
		switch r.State {
		case job.Failed:
			s.Text = r.Error
		case job.Cancelled:
			s.Text = "It was stopped."
		default:
			s.Text = "It is being made. Open this page again in a moment."
		}
		return s
	}
	c := r.Report.Counts
	s.Text = fmt.Sprintf("%d people in the directory: %d new, %d changed, %d back, %d archived, %d left alone with a reason, %d as they are there.", r.Report.People, c[way.Made], c[way.Changed], c[way.Back], c[way.Off], c[way.Skipped], r.Report.Same)
	if r.Report.Stopped != "" {
		s.Note = true
		s.Text += " " + r.Report.Stopped
	}
	for _, x := range r.Report.Changes {
		s.Items = append(s.Items, ui.Item{Title: x.Who, Sub: x.Text, Badge: nameOf(x.Who), Person: true, Pill: importPill(x.Sort)})
	}
	return s
}

func importPill(sort string) *ui.Pill {
	switch sort {
	case way.Made:
		return &ui.Pill{Text: "New", Tone: "ok"}
	case way.Back:
		return &ui.Pill{Text: "Back", Tone: "ok"}
	case way.Off:
		return &ui.Pill{Text: "Archived", Tone: "bad"}
	case way.Skipped:
		return &ui.Pill{Text: "Left alone", Tone: "warn"}
	}
	return &ui.Pill{Text: "Changed"}
}

func (v *visit) setImport() error {
	x, _, err := v.way()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	i := way.Import{Hours: int(f.Int("hours")), Create: f.Bool("create"), Groups: f.Bool("groups"), Most: int(f.Int("most"))}
	if err = f.Err(); err == nil {
		err = v.Ways.SetImport(v.R.Context(), v.Caller, x.ID, i)
	}
	if fault.Is(err, fault.Invalid) {
		return v.importPage(&i, err)
	}
	if err != nil {
		return err
	}
	return v.Done(address(x)+"/import", "It is saved.")
}

func (v *visit) tryImport() error { return v.startImport(true) }

func (v *visit) runImport() error { return v.startImport(false) }

func (v *visit) startImport(dry bool) error {
	x, _, err := v.way()
	if err != nil {
		return err
	}
	if _, err := v.Ways.StartImport(v.R.Context(), v.Caller, x.ID, dry); err != nil {
		return err
	}
	return v.Done(address(x)+"/import", "It has begun.")
}

// nameOf is the name in front of an address.
func nameOf(who string) string {
	if i := strings.LastIndex(who, ", "); i > 0 {
		return who[:i]
	}
	return who
}
