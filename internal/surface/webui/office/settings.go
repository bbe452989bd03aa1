package office

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

type settingsView struct {
	Head    ui.Head
	Manage  []ui.Item // people and programs, for administrators
	Lists   []ui.Item
	Tenant  []ui.Prop
	Limits  []ui.Prop
	Keys    []ui.Prop
	Product []ui.Item
}

func (v *visit) settings() error {
	view := &settingsView{Head: ui.Head{Title: "Settings", Icon: "settings"}}
	err := v.View(func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Configure, gate.Thing{}); err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		view.Head.Sub = []ui.Cell{{Text: tx.Tenant.Title}}
		view.Lists = v.settingLists(totals)
		if !v.Caller.Role.May(access.Administer) {
			return nil
		}
		view.Manage = v.Managed(totals)
		pub := tx.Tenant.Keys.Public
		view.Tenant = []ui.Prop{
			{Label: "Title", Cells: []ui.Cell{{Text: tx.Tenant.Title}}},
			{Label: "Short name", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.Name, Copy: true}}},
			{Label: "Id", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.ID, Copy: true}}},
		}
		view.Keys = []ui.Prop{
			{Label: "Secrets are sealed with", Cells: []ui.Cell{{Text: suiteName(string(pub.Suite))}}},
			{Label: "Key pair", Cells: []ui.Cell{{Text: "No. " + strconv.FormatUint(uint64(pub.Generation), 10)}}},
			{Label: "Fingerprint", Cells: []ui.Cell{{Type: "mono", Text: fingerprint(pub.ID[:]), Copy: true}}},
			{Label: "Audit checkpoints are signed by", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.Keys.CheckpointKey, Copy: true}}},
		}
		view.Limits = v.sessionLimits()
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Settings", ui.Crumb{Label: "Settings"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("settings", p)
}

// settingLists are the lists that everything refers to: types, statuses, makers.
func (v *visit) settingLists(totals map[string]int64) []ui.Item {
	var out []ui.Item
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Scope != record.OfTenant || k.Admin {
			continue
		}
		it := ui.Item{Title: k.Labels, Sub: web.Number(totals[k.Name]) + " entries", Href: shell.ListURL(k), Icon: k.Icon}
		if totals[k.Name] == 1 {
			it.Sub = "1 entry"
		}
		if k.Fixed {
			it.Sub += ", built in"
		}
		out = append(out, it)
	}
	return out
}

// managed are the lines of what this group has to manage.
func managed(_ *shell.Visit, totals map[string]int64) []ui.Item {
	return []ui.Item{
		{Title: "Users", Sub: web.Number(totals["user"]) + " who may sign in", Href: "/users", Icon: "user"},
		{Title: "Groups", Sub: web.Number(totals["group"]) + ": who sees which organizations", Href: "/groups", Icon: "users"},
		{Title: "API keys", Sub: "For programs that use the IT Glue API", Href: "/keys", Icon: "api"},
	}
}

func suiteName(s string) string {
	switch s {
	case "hybrid":
		return "ML-KEM-768 with P-256, and AES-256-GCM"
	case "rsa-oaep-2048", "rsa-oaep-3072", "rsa-oaep-4096":
		return "RSA-OAEP-" + strings.TrimPrefix(s, "rsa-oaep-") + " and AES-256-GCM"
	}
	return s
}

// fingerprint shows a key's id in groups of four, to read it out.
func fingerprint(b []byte) string {
	s := hex.EncodeToString(b)
	var parts []string
	for len(s) > 4 {
		parts, s = append(parts, s[:4]), s[4:]
	}
	return strings.Join(append(parts, s), " ")
}

func (v *visit) sessionLimits() []ui.Prop {
	l := v.Sessions.Limits
	or := func(d, usual time.Duration) []ui.Cell {
		if d == 0 {
			d = usual
		}
		return []ui.Cell{{Text: hours(d)}}
	}
	return []ui.Prop{
		{Label: "Without a request", Cells: or(l.Idle, 2*time.Hour)},
		{Label: "At most", Cells: or(l.Absolute, 12*time.Hour)},
		{Label: "Access token of a program", Cells: or(l.Token, 2*time.Hour)},
	}
}

func hours(d time.Duration) string {
	switch h := d.Hours(); {
	case h == 1:
		return "1 hour"
	case h > 1 && d%time.Hour == 0:
		return strconv.Itoa(int(h)) + " hours"
	}
	if d%time.Minute != 0 {
		return strconv.Itoa(int(d.Seconds())) + " seconds"
	}
	if d == time.Minute {
		return "1 minute"
	}
	return strconv.Itoa(int(d.Minutes())) + " minutes"
}
