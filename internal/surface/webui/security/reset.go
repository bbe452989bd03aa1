package security

import (
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

// someone gives the user that an address names, with her factors.
func (v *visit) someone() (r *record.Record, list []mfa.Factor, err error) {
	uid, err := v.ID("id")
	if err != nil {
		return nil, nil, err
	}
	err = v.View(func(tx *gate.Tx) error {
		if r, err = v.Records.Get(tx, identity.User, uid); err != nil {
			return err
		}
		list, err = mfa.List(tx, uid)
		return err
	})
	return r, list, err
}

func (v *visit) factorsOf() error { return v.factorsPage(nil) }

func (v *visit) factorsPage(refused error) error {
	r, list, err := v.someone()
	if err != nil {
		return err
	}
	at := "/users/" + r.ID.String()
	f := ui.Form{Action: at + "/factors/reset", Submit: "Ask for a reset", Cancel: at, Danger: true, Fields: []ui.Field{
		{Name: "reason", Label: "How you know that it is this person who asks for it", Type: "textarea", Required: true, Most: 500, Wide: true, Rows: 3},
	}, Note: "Another administrator approves it. Then all second factors and recovery codes are gone and all sessions end."}
	head := ui.Head{Title: "Second factors of " + r.Name, Icon: "shield-lock", Sub: []ui.Cell{{Text: count(len(list))}}}
	if len(list) == 0 || r.ID == v.Caller.User {
		f.Fields[0] = ui.Field{Type: "note", Text: "There is nothing to reset here. Your own second factors are on the page of your account."}
		f.Submit, f.Action, f.Danger, f.Note = "Go on", at+"/factors/reset", false, ""
	}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page(head.Title, ui.Crumb{Label: "Users", Href: "/users"}, ui.Crumb{Label: r.Name, Href: at}, ui.Crumb{Label: "Second factors"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: head, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func count(n int) string {
	switch n {
	case 0:
		return "None"
	case 1:
		return "1 second factor"
	}
	return strconv.Itoa(n) + " second factors"
}

func (v *visit) askReset() error {
	uid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Administer, gate.Thing{Kind: identity.User, ID: uid}, func(tx *gate.Tx) error {
		_, err := mfa.AskReset(tx, uid, form.Text("reason"))
		return err
	})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.factorsPage(err)
	}
	if err != nil {
		return err
	}
	return v.Done("/users/"+uid.String(), "Another administrator is asked to approve the reset.")
}

type resetsView struct {
	Head    ui.Head
	Askings []askingLine
	Empty   ui.Empty
	Dialogs []ui.Confirm
}

type askingLine struct {
	Name, What  string
	Yes, No     ui.Action
	MayYes, May bool
}

func (v *visit) resets() error {
	var list []mfa.Asking
	if err := v.View(func(tx *gate.Tx) (err error) { list, err = mfa.Askings(tx); return err }); err != nil {
		return err
	}
	view := &resetsView{Head: ui.Head{Title: "Resets of second factors", Icon: "shield-lock", Sub: []ui.Cell{{Text: "One administrator asks, another one approves"}}},
		Empty: ui.Empty{Icon: "check", Title: "Nobody asks for a reset"}}
	for _, a := range list {
		at := mfa.ResetPage + "/" + a.ID.String()
		d := ui.Confirm{ID: "approve-" + a.ID.String(), Title: "Reset the second factors of " + a.Name + "?", Text: "Make sure yourself that it is " + a.Name + " who asks for it. All second factors and recovery codes are gone then, and all sessions end.",
			Action: at + "/approve", Submit: "Reset", Danger: true}
		line := askingLine{Name: a.Name, What: a.ByName + ": " + a.Reason, MayYes: a.By != v.Caller.User && a.User != v.Caller.User, May: a.User != v.Caller.User,
			Yes: ui.Action{Label: "Approve", Href: d.Action, Post: true, Dialog: d.ID}, No: ui.Action{Label: "Refuse", Href: at + "/refuse", Post: true, Quiet: true}}
		if a.By == v.Caller.User {
			line.No.Label = "Take back"
		}
		view.Askings, view.Dialogs = append(view.Askings, line), append(view.Dialogs, d)
	}
	p, err := v.Page("Resets of second factors", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Resets of second factors"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("resets", p)
}

func (v *visit) approveReset() error { return v.decideReset(true) }

func (v *visit) refuseReset() error { return v.decideReset(false) }

func (v *visit) decideReset(yes bool) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		return mfa.Decide(tx, rid, yes, func(tx *gate.Tx, user id.ID) error { return identity.EndSessions(tx, user) })
	})
	if err != nil {
		return err
	}
	if yes {
		return v.Done(mfa.ResetPage, "The second factors are reset.")
	}
	return v.Done(mfa.ResetPage, "The reset is refused.")
}
