package vault

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/vault"
)

// copiesView is the page of emergency copies.
type copiesView struct {
	Head  ui.Head
	Lines []copyLine
	Empty ui.Empty
}

type copyLine struct {
	Title, Sub, Holders string
	Made, Until         time.Time
	Pill                ui.Pill
	Openings            []openingLine
}

type openingLine struct {
	At   time.Time
	Text string
}

func (v *visit) copies() error {
	list, err := v.Vaults.Copies(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	whose := "Those that you made, or hold a share of"
	if v.Caller.May(access.Inspect) {
		whose = "All of this tenant"
	}
	d := copiesView{Head: ui.Head{Title: "Emergency copies", Icon: "shield-lock", Sub: []ui.Cell{{Text: whose}}},
		Empty: ui.Empty{Icon: "shield-lock", Title: "No emergency copy was made", Text: "A copy has chosen passwords for when no server is there, and several holders open it together. Make one with strongroom vault breakglass make."}}
	for _, l := range list {
		d.Lines = append(d.Lines, copyLineOf(l, v.Now()))
	}
	p, err := v.Page("Emergency copies", ui.Crumb{Label: "Vault", Href: "/vault"}, ui.Crumb{Label: "Emergency copies"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("vault-copies", p)
}

func copyLineOf(l *vault.Listed, now time.Time) copyLine {
	x := copyLine{Title: "Copy " + l.Name, Made: time.UnixMilli(l.At), Until: time.UnixMilli(l.Expires), Pill: ui.Pill{Text: "Opens until its day", Tone: "ok"},
		Sub:     "by " + cmp.Or(l.MakerName, "user "+l.Maker.String()),
		Holders: fmt.Sprintf("Any %d of these open it together: %s.", l.Needed, strings.Join(l.Holders, ", "))}
	if l.Items+l.Passwords > 0 {
		x.Sub += ", with " + count(l.Items, "item of a vault", "items of vaults") + " and " + count(l.Passwords, "password", "passwords")
	}
	if len(l.Openings) > 0 {
		x.Pill = ui.Pill{Text: "Opened", Tone: "warn"}
	} else if !now.Before(x.Until) {
		x.Pill = ui.Pill{Text: "Expired"}
	}
	for _, o := range l.Openings {
		if o.At == 0 {
			x.Openings = append(x.Openings, openingLine{time.UnixMilli(o.HandedIn), "a receipt was handed in; the audit log has what it says."})
			continue
		}
		x.Openings = append(x.Openings, openingLine{time.UnixMilli(o.At), "opened with the consent of " + strings.Join(o.By, ", ") + ". Reason: " + o.Reason})
	}
	return x
}

func count(n int64, one, many string) string {
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "one " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
