package portal

import (
	"io"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/portal/brand"
	"strongroom/internal/surface/webui/shell"
)

// settings is the page of the portal's looks.
func (v *visit) settings() error {
	var b brand.Brand
	if err := v.View(func(tx *gate.Tx) (err error) { b, err = brand.Of(tx); return err }); err != nil {
		return err
	}
	return v.settingsPage(b, nil)
}

func (v *visit) settingsPage(b brand.Brand, refused error) error {
	logo := "None yet. PNG, JPEG or GIF, up to 256 KiB."
	if len(b.Logo) > 0 {
		logo = "There is one. Choose another to replace it."
	}
	f := ui.Form{Action: "/settings/portal", Submit: "Save", Cancel: "/settings", Multipart: true, Fields: []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: b.Name, Most: 60, Hint: "What stands above the portal. Left empty, the title of the tenant."},
		{Name: "colour", Label: "Colour", Type: "text", Value: b.Colour, Holder: "#2f5bd7", Most: 7, Hint: "Of buttons and links. It is made darker or lighter where it could not be read."},
		{Name: "welcome", Label: "Welcome", Type: "textarea", Rows: 3, Value: b.Welcome, Most: 600, Wide: true, Hint: "Stands on the first page. Left empty: How can we help?"},
		{Name: "outside", Label: "Also on the sign-in page", Type: "checkbox", Checked: b.Outside, Wide: true, Hint: "Whoever knows the short name or address of the tenant then sees its name, logo and colour without signing in."},
		{Name: "logo", Label: "Logo", Type: "file", Accept: "image/png,image/jpeg,image/gif", Wide: true, Hint: logo},
	}}
	var kept brand.Brand
	if err := v.View(func(tx *gate.Tx) (err error) { kept, err = brand.Of(tx); return err }); err != nil {
		return err
	}
	if len(kept.Logo) > 0 {
		f.Fields = append(f.Fields, ui.Field{Name: "away", Label: "Take the logo away", Type: "checkbox", Wide: true})
	}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Portal", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Portal"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Portal", Icon: "lifebuoy", Sub: []ui.Cell{{Text: "How the pages of customers present themselves"}}}, Form: f}
	return v.RenderStatus(status(refused), "form", p)
}

// mostPicture is how much of a logo is read, so that one which is too big is told so.
const mostPicture = 512 << 10

func (v *visit) settle() error {
	var logo []byte
	form, err := web.ParseUpload(v.R, func(f *web.File) (err error) {
		if f.Name != "" {
			logo, err = io.ReadAll(io.LimitReader(f, mostPicture))
		}
		return err
	})
	if err != nil {
		return err
	}
	b := brand.Brand{Name: form.Text("name"), Welcome: form.Raw("welcome"), Colour: form.Text("colour"), Logo: logo, Outside: form.Bool("outside")}
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if now, err := brand.Of(tx); err != nil {
			return err
		} else if len(logo) == 0 && !form.Bool("away") {
			b.Logo = now.Logo
		}
		return brand.Set(tx, b)
	})
	if shell.Refusable(err) {
		return v.settingsPage(b, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings/portal", "Saved.")
}
