package imports

import (
	"encoding/json"
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/importer"
)

// What lies in Hudu is brought in through its API, as an export is: what stands for it is
// staged like an upload, checked, and imported when somebody says so. The key is kept as the
// password of a zip is, until the import is done.

// remote is the layout that reads an API, and remoteName what people call the product.
const (
	remote     = "hudu"
	remoteName = "Hudu"
)

// place says where the API is, as the layout reads it.
type place struct {
	URL     string `json:"url,omitempty"`
	Company string `json:"company,omitempty"`
}

// isRemote tells whether options are for an API.
func isRemote(o importer.Options) bool {
	var p place
	return o.Layout == remote && json.Unmarshal(o.Settings, &p) == nil && p.URL != ""
}

func remoteForm() *ui.Form {
	return &ui.Form{ID: "remote", Action: "/imports/hudu", Submit: "Check what would happen", Fields: []ui.Field{
		{Name: "url", Label: "Address of Hudu", Type: "text", Required: true, Most: 500, Complete: "off", Hint: "Such as https://name.huducloud.com."},
		{Name: "key", Label: "API key", Type: "password", Required: true, Complete: "off", Hint: "Made in Hudu, under Admin, API keys. It must be allowed to read passwords."},
		{Name: "company", Label: "What belongs to no company goes to", Type: "text", Most: 200, Complete: "off", Hint: "The name of an organization, which is made if it is not there. Empty: such things are left out."},
	}}
}

// connect stages what stands for an API, and checks what importing it would do.
func (v *visit) connect(s *importChecks) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	p := place{strings.TrimSpace(form.Text("url")), strings.TrimSpace(form.Text("company"))}
	key := strings.TrimSpace(form.Raw("key"))
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil:
		return v.notConnected(p, fault.Field("url", "The address of Hudu is not one.").WithHint("Give it as https://name.huducloud.com"))
	case key == "":
		return v.notConnected(p, fault.Field("key", "The API key of Hudu is missing.").WithHint("Make one in Hudu, under Admin, API keys, that may read passwords."))
	}
	settings, err := json.Marshal(p)
	if err != nil {
		return err
	}
	stage, err := v.Importer.Stage(v.R.Context(), v.Caller, remoteName+" at "+u.Host, strings.NewReader(p.URL))
	if err != nil {
		return err
	}
	o := importer.Options{Layout: remote, Settings: settings}
	if err := v.Importer.SetPlan(v.R.Context(), v.Caller, stage, o); err != nil {
		return err
	}
	o.Password = key
	v.check(s, stage, v.Caller.Tenant+"/"+stage.String(), o)
	return web.SeeOther(v.W, v.R, "/import-checks/"+stage.String())
}

// notConnected shows the form again, with what was typed; the key is typed anew.
func (v *visit) notConnected(p place, err error) error {
	f, say := remoteForm(), fault.Say(err)
	f.Fields[0].Value, f.Fields[2].Value = p.URL, p.Company
	f.Wrong(say.Text, say.Hint, say.Fields)
	return v.importsPage(f, web.Status(err))
}
