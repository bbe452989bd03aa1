package featurestest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/change"
)

// TestChangeTemplates: a template is approved by the board until a day; a change made from it
// takes one step and no vote while it says what was approved, and is a significant one else.
func TestChangeTemplates(t *testing.T) {
	c := openCouncil(t)
	team, category := c.one("team", "Service desk"), c.one("category", "Software")
	said := record.Values{"name": "Restart the mail server", "contact_id": nil, "description": "<p>Mail stands still for a minute.</p>", "plan": "<p>Drain, restart, look.</p>", "backout": "<p>Start the spare.</p>",
		"risk": "Low", "category_id": category, "team_id": team, "valid_until": c.Clock.Now().AddDate(0, 6, 0).Format("2006-01-02"), "free": []map[string]any{{"field": "Description"}}}
	at := c.Clock.Now().AddDate(0, 0, 3).UnixMilli()
	own := func(v record.Values) record.Values {
		out := record.Values{"scheduled_start": at, "scheduled_end": at + 3600_000, "owner_id": c.agent.User}
		for k, x := range v {
			out[k] = x
		}
		return out
	}
	refused := func(what string, err error, words string) {
		t.Helper()
		if !fault.Is(err, fault.Invalid) || words != "" && !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
	}
	from := func(template id.ID, v record.Values) (*record.Record, error) {
		w := own(v)
		w[change.TemplateField], w["name"] = template, "Restart on Friday"
		return c.made(change.Kind, w)
	}
	var tmpl *record.Record
	state := func() string { return c.get(change.TemplateKind, tmpl.ID).Values.Text("status") }

	t.Run("approved by the board alone", func(t *testing.T) {
		var err error
		if tmpl, err = c.made(change.TemplateKind, said); err != nil {
			t.Fatal(err)
		}
		_, err = c.changed(tmpl, record.Values{"free": []map[string]any{{"field": "Status"}}})
		refused("a field that no template has", err, "must be one of")
		_, err = from(tmpl.ID, nil)
		refused("a change from a draft", err, "is not approved")
		_, err = c.changed(tmpl, record.Values{"status": change.Approved})
		refused("approved by hand", err, "")
		_, err = c.changed(tmpl, record.Values{"status": change.PendingApproval})
		refused("asked of nobody", err, "Nobody is named")
		c.Make(ballot.PlanKind, 0, record.Values{"name": "Templates", "of_kind": ballot.Template, "phases": []map[string]any{{"name": "Board", "who": ballot.Group, "named": "Board", "rule": string(ballot.Quorum), "needed": 2}}})
		_, err = c.changed(tmpl, record.Values{"status": change.PendingApproval, "valid_until": "2020-01-01"})
		refused("until a day that is over", err, "is over")
		if _, err = c.changed(tmpl, record.Values{"status": change.PendingApproval}); err != nil {
			t.Fatal(err)
		}
		_, err = c.changed(tmpl, record.Values{"plan": "<p>Pull the plug.</p>"})
		refused("changed while it is voted on", err, "")
		_, err = c.changed(tmpl, record.Values{"status": change.Approved})
		refused("approved before the vote ends", err, "takes an approval")
		b := c.of(tmpl).ID
		c.must(c.says(c.board[0], tmpl, b, true))
		c.must(c.says(c.board[1], tmpl, b, true))
		if c.tick(); state() != change.Approved {
			t.Fatalf("after the vote it is %s", state())
		}
		_, err = c.changed(tmpl, record.Values{"backout": "<p>None.</p>"})
		refused("changed once approved", err, "")
	})
	var running *record.Record
	t.Run("one step and no vote", func(t *testing.T) {
		r, err := from(tmpl.ID, record.Values{"description": "<p>This Friday.</p>"})
		if err != nil {
			t.Fatal(err)
		}
		if v := r.Values; v.Text("change_type") != "Standard" || v.Text("plan") != said.Text("plan") || v.Text("risk") != "Low" || v.ID("team_id") != team || v.Text("description") != "<p>This Friday.</p>" {
			t.Errorf("the change says %v", v)
		}
		if running, err = c.changed(r, record.Values{"status": change.Scheduled}); err != nil || c.of(r) != nil {
			t.Fatalf("it is not scheduled in one step without a vote: %v", err)
		}
		_, err = c.changed(running, record.Values{"plan": "<p>Pull the plug.</p>"})
		refused("other steps once it is scheduled", err, "steps cannot differ")
		_, err = c.changed(running, record.Values{change.TemplateField: nil})
		refused("without its template once it is scheduled", err, "cannot differ")
	})
	t.Run("outside its fields it is a significant change", func(t *testing.T) {
		r, err := from(tmpl.ID, record.Values{"plan": "<p>Pull the plug.</p>"})
		if err != nil || r.Values.Text("change_type") != "Significant" || r.Values.ID(change.TemplateField) != 0 {
			t.Fatalf("made otherwise: %v, %v", r, err)
		}
		if r, err = from(tmpl.ID, nil); err != nil {
			t.Fatal(err)
		}
		if r, err = c.changed(r, record.Values{"risk": "High"}); err != nil || r.Values.Text("change_type") != "Significant" || r.Values.ID(change.TemplateField) != 0 {
			t.Fatalf("changed otherwise: %v, %v", r.Values, err)
		}
		_, err = c.changed(r, record.Values{"status": change.Scheduled})
		if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Invalid) {
			t.Errorf("scheduled in one step all the same: %v", err)
		}
		_, err = c.changed(r, record.Values{change.TemplateField: tmpl.ID, "change_type": "Standard"})
		refused("given its template again", err, "not given one")
		for _, state := range []string{change.Requested, change.PendingApproval} {
			if _, err = c.changed(r, record.Values{"status": state}); err != nil {
				t.Fatal(err)
			}
		}
		if c.of(r) == nil {
			t.Error("nobody votes on it")
		}
		_, err = c.changed(r, record.Values{"status": change.Scheduled})
		refused("without the vote", err, "takes an approval")
	})
	t.Run("a standard change is made from a template", func(t *testing.T) {
		r := c.mustMake(change.Kind, own(record.Values{"change_type": "Standard", "description": "<p>Just so</p>", "team_id": team}))
		_, err := c.changed(r, record.Values{"status": change.Scheduled})
		if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Invalid) {
			t.Errorf("in one step: %v", err)
		}
		for _, state := range []string{change.Requested, change.PendingApproval} {
			if _, err := c.changed(r, record.Values{"status": state}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = c.changed(r, record.Values{"status": change.Scheduled})
		refused("without a template", err, "made from an approved template")
		err = c.Gate.Change(t.Context(), c.chief, access.Edit, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, change.Kind, r.ID, 0, record.Values{"status": change.Scheduled})
			return err
		})
		refused("by an administrator", err, "made from an approved template")
		other := c.Make(change.TemplateKind, c.Org("Another"), record.Values{"name": "Theirs"})
		if _, err = from(other, nil); err == nil {
			t.Error("from a template that is another organization's")
		}
	})
	t.Run("retired and over", func(t *testing.T) {
		if _, err := c.changed(tmpl, record.Values{"status": change.Retired}); err != nil {
			t.Fatal(err)
		}
		_, err := from(tmpl.ID, nil)
		refused("from a retired template", err, "is not approved")
		if r, err := c.changed(running, record.Values{"status": change.Implemented}); err != nil || r.Values.ID(change.TemplateField) != tmpl.ID || r.Values.Text("change_type") != "Standard" {
			t.Errorf("what runs is not left alone: %v", err)
		}
		for _, to := range []string{change.Draft, change.PendingApproval, change.Approved} { // as it is, once more: that was voted on
			if _, err := c.changed(tmpl, record.Values{"status": to}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := from(tmpl.ID, nil); err != nil {
			t.Error(err)
		}
		c.Clock.Advance(365 * 24 * time.Hour)
		_, err = from(tmpl.ID, nil)
		refused("once its day is over", err, "was approved until")
	})
}
