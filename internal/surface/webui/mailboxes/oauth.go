package mailboxes

import (
	"net/http"
	"net/url"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/surface/webui/shell"
)

// openings are the ways in which a mailbox is opened.
func openings(chosen string) []ui.Option {
	out := []ui.Option{{Value: mailbox.ByPassword, Label: "By a password", Selected: chosen == mailbox.ByPassword}}
	for _, p := range mailbox.Presets() {
		out = append(out, ui.Option{Value: p.Name, Label: "By OAuth2: " + p.Label, Selected: chosen == p.Name})
	}
	return out
}

// oauthFields ask for what OAuth2 needs.
func oauthFields(b *mailbox.Box) []ui.Field {
	hint := "As the provider shows it, once."
	if b.ID != 0 && b.Auth != mailbox.ByPassword {
		hint = "Left empty, it stays what it is."
	}
	return []ui.Field{
		{Type: "heading", Label: "OAuth2"},
		{Name: "oauth_client", Label: "Client id", Type: "text", Value: b.Client, Most: 1000, Hint: "Register an application (web) at the provider with the return address that this page shows once the mailbox is saved."},
		{Name: "oauth_secret", Label: "Client secret", Type: "password", Complete: "new-password", Hint: hint},
		{Name: "oauth_authorize", Label: "Address of its page", Type: "url", Value: b.Authorize, Wide: true, Hint: "Left empty for Microsoft and Google. An application of one Microsoft tenant needs https://login.microsoftonline.com/TENANT-ID/oauth2/v2.0/authorize."},
		{Name: "oauth_token", Label: "Address for tokens", Type: "url", Value: b.Token, Wide: true, Hint: "Likewise: …/oauth2/v2.0/token."},
		{Name: "oauth_scope", Label: "Scope", Type: "text", Value: b.Scope, Wide: true, Most: 1000, Hint: "Left empty for Microsoft and Google."},
	}
}

// base is how the browser reaches this server.
func (v *visit) base() string {
	u := url.URL{Scheme: "http", Host: v.R.Host}
	if web.Secure(v.R) {
		u.Scheme = "https"
	}
	return u.String()
}

// permission says how it stands with the provider.
func (v *visit) permission(b *mailbox.Box) *ui.Section {
	state := ui.Cell{Text: "Not given yet: press Connect, and sign in there as who may open the mailbox"}
	if b.Connected() {
		state = ui.Cell{Type: "datetime", Time: shell.When(b.Granted)}
	}
	return &ui.Section{Title: "Permission of the provider", Icon: "link", Props: []ui.Prop{
		{Label: "Return address, to register there", Cells: []ui.Cell{{Type: "mono", Text: v.base() + mailbox.ReturnPath, Copy: true}}},
		{Label: "Given", Cells: []ui.Cell{state}},
	}}
}

// connect asks for consent: what the page links to leads to the provider.
func (v *visit) connect() error {
	b, err := v.box()
	if err != nil {
		return err
	}
	to, err := v.Desk.Connect(v.R.Context(), v.Caller, b.ID, v.base())
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		return v.page(b, nil, err)
	}
	if err != nil {
		return err
	}
	host := "the provider"
	if u, err := url.Parse(to); err == nil {
		host = u.Host
	}
	return v.show(http.StatusOK, "Connect "+b.Name, &view{Head: ui.Head{Title: "Connect " + b.Name, Icon: "link"}, Cards: []*ui.Section{{Title: "At the provider",
		Text:  "You go to " + host + ". Sign in there as " + b.User + ", or as who may open that mailbox, and agree. You come back here within ten minutes, in this window.",
		Items: []ui.Item{{Title: "Go to " + host, Href: to, Icon: "arrow-right"}, {Title: "Stay here", Href: address(b.ID), Icon: "x"}}}}},
		ui.Crumb{Label: "Mailboxes", Href: top}, ui.Crumb{Label: b.Name, Href: address(b.ID)})
}

// connected is where the provider sends browsers back to.
func (v *visit) connected() error {
	q := v.R.URL.Query()
	box, err := v.Desk.Return(v.R.Context(), v.Caller, mailbox.Back{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuers: q["iss"]})
	if err == nil {
		return v.Done(address(box), "The mailbox is connected. Test it now.")
	}
	said := fault.Say(err)
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Conflict) {
		return err
	}
	result := &found{Title: "It is not connected", Problem: &ui.Errors{Text: said.Text, Hint: said.Hint}}
	if box == 0 {
		return v.show(http.StatusUnprocessableEntity, "It is not connected", &view{Head: ui.Head{Title: "Mailboxes", Icon: "inbox"}, Found: result}, ui.Crumb{Label: "Mailboxes", Href: top})
	}
	var b *mailbox.Box
	if err := v.View(func(tx *gate.Tx) (err error) { b, err = mailbox.GetBox(tx, box); return err }); err != nil {
		return err
	}
	return v.page(b, result, nil)
}
