package mailboxes

import (
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/surface/webui/shell"
)

// signingPage is the page of the keys that sign mail.
const signingPage = top + "/signing"

func (v *visit) signing() error { return v.keys(nil, nil) }

// keys shows the keys that sign mail, with what was found, and what was refused.
func (v *visit) keys(result *found, refused error) error {
	data := &view{Head: ui.Head{Title: "Signed mail", Icon: "shield-check", Sub: []ui.Cell{{Text: "Receivers believe that mail is from your domain when it bears a signature of it (DKIM)."}}}, Found: result}
	var domains []string
	var pairs []*mailbox.Pair
	err := v.View(func(tx *gate.Tx) (err error) {
		if domains, err = mailbox.Domains(tx); err != nil {
			return err
		}
		pairs, err = mailbox.Pairs(tx)
		return err
	})
	if err != nil {
		return err
	}
	if len(pairs) == 0 {
		data.Cards = []*ui.Section{{Title: "Keys", Icon: "key", Empty: "None yet: what mailboxes send by themselves bears no signature of yours. The server that sends it may add one."}}
	}
	for _, p := range pairs {
		data.Cards = append(data.Cards, card(p))
		text := "They are destroyed, and cannot be brought back."
		if p.State == mailbox.KeyUsed {
			text += " Mail of " + p.Domain + " is not signed any more."
		}
		data.Dialogs = append(data.Dialogs, ui.Confirm{ID: "remove-" + p.ID.String(), Title: "Remove the keys of " + p.Domain + "?", Text: text, Action: signingPage + "/" + p.ID.String() + "/delete", Submit: "Remove", Danger: true})
	}
	f := ui.Form{Action: signingPage, Submit: "Make keys", Fields: []ui.Field{{Type: "heading", Label: "New keys"}, {Name: "domain", Label: "Domain", Type: "select", Required: true,
		Hint: "Of the address of a mailbox. Two keys are made, since not every receiver knows the newer sort. They sign nothing until their records are published and you use them; so keys are changed without a gap."}}}
	for _, d := range domains {
		f.Fields[1].Options = append(f.Fields[1].Options, ui.Option{Value: d, Label: d})
	}
	status := http.StatusOK
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
		status = web.Status(refused)
	}
	if len(domains) > 0 {
		data.Forms = []ui.Form{f}
	}
	return v.show(status, "Signed mail", data, ui.Crumb{Label: "Mailboxes", Href: top}, ui.Crumb{Label: "Signed mail"})
}

// card shows a pair of keys with what is to be published.
func card(p *mailbox.Pair) *ui.Section {
	at := signingPage + "/" + p.ID.String()
	state := map[string]ui.Cell{mailbox.KeyMade: {Type: "pill", Text: "Not used yet", Tone: "info"}, mailbox.KeyUsed: {Type: "pill", Text: "Signs", Tone: "ok"}, mailbox.KeyOld: {Type: "pill", Text: "Signed before: leave its records for a week, then remove it and them"}}[p.State]
	s := &ui.Section{Title: p.Domain, Icon: "key", Props: []ui.Prop{{Label: "State", Cells: []ui.Cell{state}}, {Label: "Made", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(p.Made)}}}}}
	for _, r := range p.Records {
		s.Props = append(s.Props, ui.Prop{Label: "TXT record at", Cells: []ui.Cell{{Type: "mono", Text: r.Name, Copy: true}}}, ui.Prop{Label: "with the text", Cells: []ui.Cell{{Type: "mono", Text: r.Text, Copy: true}}})
	}
	s.Items = append(s.Items, ui.Item{Title: "The records", Sub: "Asked for at the name servers", Action: &ui.Action{Label: "Look", Href: at + "/check", Post: true}})
	if p.State != mailbox.KeyUsed {
		s.Items = append(s.Items, ui.Item{Title: "Sign with these keys", Sub: "Once both records are seen", Action: &ui.Action{Label: "Use", Href: at + "/use", Post: true}})
	}
	s.Items = append(s.Items, ui.Item{Title: "These keys", Sub: "When they are needed no more", Action: &ui.Action{Label: "Remove", Href: at + "/delete", Post: true, Danger: true, Dialog: "remove-" + p.ID.String()}})
	return s
}

func (v *visit) makeKeys() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Desk.MakeKeys(v.R.Context(), v.Caller, f.Text("domain"))
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.keys(nil, err)
	}
	if err != nil {
		return err
	}
	return v.Done(signingPage, "The keys are made. Publish their records now.")
}

func (v *visit) pair() (id.ID, error) {
	n, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return 0, gate.Missing()
	}
	return n, nil
}

func (v *visit) checkKeys() error {
	n, err := v.pair()
	if err != nil {
		return err
	}
	said, err := v.Desk.CheckKeys(v.R.Context(), v.Caller, n)
	return v.told(said, err)
}

// told shows what was found of records.
func (v *visit) told(lines []string, err error) error {
	result := &found{Title: "What is published", Lines: lines}
	if err != nil {
		if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
			return err
		}
		said := fault.Say(err)
		result.Problem = &ui.Errors{Text: said.Text, Hint: said.Hint}
	}
	return v.keys(result, nil)
}

func (v *visit) useKeys() error {
	n, err := v.pair()
	if err != nil {
		return err
	}
	if err := v.Desk.UseKeys(v.R.Context(), v.Caller, n); err != nil {
		return v.told(nil, err)
	}
	return v.Done(signingPage, "Mail is signed with these keys from now on.")
}

func (v *visit) removeKeys() error {
	n, err := v.pair()
	if err != nil {
		return err
	}
	if err := v.Desk.RemoveKeys(v.R.Context(), v.Caller, n); err != nil {
		return err
	}
	return v.Done(signingPage, "The keys are destroyed. Take their records out of the domain.")
}
