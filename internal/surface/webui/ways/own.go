package ways

import (
	"net/url"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/shell"
)

// own shows each person what she can sign in with beside her password here.
func (v *visit) own() error {
	var mine []way.Link
	if err := v.View(func(tx *gate.Tx) (err error) { mine, err = v.Ways.Own(tx); return err }); err != nil {
		return err
	}
	list, err := v.Ways.Connectable(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	card := &ui.Section{Title: "Connected", Empty: "Nothing yet."}
	for _, l := range mine {
		card.Empty = ""
		card.Items = append(card.Items, ui.Item{Title: l.WayName, Sub: l.Label, Icon: "login", Time: shell.When(l.Seen),
			Action: &ui.Action{Label: "Disconnect", Href: "/account/ways/" + l.Way.String() + "/disconnect", Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "key", Value: l.Key}}}})
	}
	more := &ui.Section{Title: "Connect", Empty: "Your company has set up no other way to sign in."}
	for _, x := range list {
		more.Empty = ""
		more.Items = append(more.Items, ui.Item{Title: x.Name, Icon: "login", Action: &ui.Action{Label: "Connect", Href: "/account/ways/" + x.ID.String() + "/connect", Post: true}})
	}
	return v.ownPage("Ways to sign in", &view{Head: ui.Head{Title: "Ways to sign in", Icon: "login", Sub: []ui.Cell{{Text: "Systems of your company that say here who you are"}}}, Cards: []*ui.Section{card, more}})
}

func (v *visit) ownPage(title string, data *view) error {
	p, err := v.Page(title, ui.Crumb{Label: "Your account", Href: "/account"}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = data
	return v.Render("sign-in-ways", p)
}

// askToConnect asks for consent: what the page links to begins the journey, with a
// word that only this session was given.
func (v *visit) askToConnect() error {
	wid, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return gate.Missing()
	}
	x, _, err := v.Ways.Open(v.R.Context(), v.Caller.Tenant, wid)
	if err != nil {
		return err
	}
	word, err := v.Ways.Ask(v.R.Context(), v.Caller, wid)
	if err != nil {
		return err
	}
	to := way.Path(v.Caller.Tenant, wid) + "?connect=" + url.QueryEscape(word)
	return v.ownPage("Connect "+x.Name, &view{Head: ui.Head{Title: "Connect " + x.Name, Icon: "login"},
		Cards: []*ui.Section{{Title: "Do you want this?", Text: "You go to " + x.Name + " and sign in there. From then on, whoever can sign in there as you can sign in here as you. You can end that in your account.",
			Items: []ui.Item{{Title: "Go to " + x.Name, Href: to, Icon: "arrow-right"}, {Title: "Stay here", Href: "/account/ways", Icon: "x"}}}}})
}

func (v *visit) leave() error {
	wid, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return gate.Missing()
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.Ways.Disconnect(v.R.Context(), v.Caller, wid, f.Text("key")); err != nil {
		return err
	}
	return v.Done("/account/ways", "It is no longer connected.")
}
