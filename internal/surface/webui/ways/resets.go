package ways

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/identity"
)

const forgottenPage = "/settings/sign-in/forgotten"

// resetForm asks whether forgotten passwords are set anew by mail.
func resetForm(r identity.Resets, refused error) ui.Form {
	f := ui.Form{ID: "forgotten", Action: forgottenPage, Submit: "Save", Fields: []ui.Field{
		{Type: "heading", Label: "Forgotten passwords"},
		{Name: "resets", Label: "People set a forgotten password anew by a mail", Type: "checkbox", Checked: !r.Off, Wide: true,
			Hint: "For passwords kept here, where this server sends mail. Switched off, codes that were sent for it open nothing any more; invitations still do."},
		{Name: "whom", Label: "Whom they ask instead", Type: "text", Value: r.Whom, Most: 200, Wide: true,
			Hint: "A sentence for the page, such as: Call the service desk, extension 100. Anybody can read it. Empty: it names an administrator of the company."},
	}}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	return f
}

func (v *visit) setResets() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	to := identity.Resets{Off: !f.Bool("resets"), Whom: strings.TrimSpace(f.Text("whom"))}
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return identity.SetResets(tx, to) })
	if fault.Is(err, fault.Invalid) {
		return v.list(nil, &to, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings/sign-in", "It is saved what becomes of forgotten passwords.")
}
