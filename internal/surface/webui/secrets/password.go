package secrets

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/surface/webui/shell"
)

// shownFor is how long a page shows a secret, in seconds.
const shownFor = 20

// longestReason is how many characters a reason may have.
const longestReason = 500

// The names of the two secret fields of a password.
const passwordField, otpField = "password", "otp_secret"

type passwordView struct {
	Head     ui.Head
	Notice   *ui.Notice
	Username string
	Secret   *ui.Secret
	OTP      *ui.OneTime
	Code     *ui.Secret // the one-time code where a reason must be given
	Unset    bool       // there is no password
	Has      bool       // there is a one-time code
	Blocked  string     // why the caller may not see secrets
	Ask      *ui.Action // what to do about it
	Approved string     // by what she may, when it takes an approval
	Address  *ui.Cell
	Notes    template.HTML
	Versions []versionLine
	Files    *shell.FilesCard
	Talk     *shell.TalkCard
	Rail     []*ui.Section
	Dialogs  []ui.Confirm
}

type versionLine struct {
	Number  uint32
	Current bool
	Cleared bool
	Author  string
	Reason  string
	Time    time.Time
	Href    string
	Restore *ui.Action
}

func (v *visit) passwordPage(r *record.Record) error {
	view := &passwordView{Username: r.Values.Text("username"), Notice: v.ArchivedNotice(r)}
	if s := r.Values.Text("url"); s != "" {
		c := shell.URLCell(s)
		view.Address = &c
	}
	if s := r.Values.Text("notes"); s != "" {
		view.Notes = shell.Prose(r.Kind.Field("notes"), s)
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		if view.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		if err := v.secretParts(tx, r, view); err != nil {
			return err
		}
		if view.Files, err = v.FilesOf(tx, r); err != nil {
			return err
		}
		if r.Kind.Scope != record.OfPerson { // there is nobody to talk to
			if view.Talk, err = v.TalkOf(tx, r); err != nil {
				return err
			}
		}
		if view.Rail, err = v.RailOf(tx, r); err != nil {
			return err
		}
		filing, err := v.filing(tx, r, view)
		if filing != nil {
			view.Rail = append([]*ui.Section{filing}, view.Rail...)
		}
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, r.Org, r.OrgName, ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys = []ui.Shortcuts{{Title: "This password", Keys: []ui.Key{{Keys: "r", Does: "Reveal or hide"}, {Keys: "e", Does: "Edit"}, {Keys: "c", Does: "Comment"}}}}
	p.Data = view
	return v.Render("password", p)
}

// mayReveal tells whether the caller may see secrets of records of the kind,
// with the sentence for a no.
func (v *visit) mayReveal(k *record.Kind) string {
	verdict, why := access.Decide(v.Caller, access.Reveal, access.Target{Kind: k.Name, Visible: true})
	if verdict == access.Allowed {
		return ""
	}
	return why
}

// state is whether the caller may see the secrets of a password now.
type state struct {
	why string // she may not
	ask string // what she can do about it
	by  string // by what she may, when it takes more than her rights
}

// blocked tells whether the caller may see the secrets of a password now.
func (v *visit) blocked(tx *gate.Tx, r *record.Record) (s state, err error) {
	if s.why = v.mayReveal(r.Kind); s.why != "" {
		return s, nil
	}
	d, err := demand.Of(tx, r.Kind.Name, r.ID)
	if err != nil {
		return s, err
	}
	if d.Needed > 0 {
		a, err := approval.Holding(tx, r.ID)
		if err != nil {
			return s, err
		}
		if a == nil {
			return state{why: "It is shown only once somebody else has approved it.", ask: "Ask for approval"}, nil
		}
		s.by = "Approved for you until " + clock(a.Ends) + " (approval " + a.ID.String() + "). "
	}
	if !d.Exclusive {
		return s, nil
	}
	h, err := held.Holding(tx, r.ID)
	switch {
	case err != nil:
		return s, err
	case h == nil:
		return state{why: "It is shown only to who has it checked out.", ask: "Check it out"}, nil
	case h.User != v.Caller.User:
		return state{why: h.UserName + " has it checked out until " + clock(h.Ends) + ".", ask: "Details"}, nil
	}
	s.by += "Checked out by you until " + clock(h.Ends) + ". Nobody else can see it meanwhile. "
	return s, nil
}

func clock(ms int64) string { return shell.When(ms).Format("15:04") + " UTC" }

// card shows a password within the text of another record: it is revealed there as
// on its own page.
func (v *visit) card(tx *gate.Tx, r *record.Record, id string, c *shell.Card) error {
	now, err := secret.Current(tx, r.ID)
	if err != nil || !now[passwordField].Has {
		return err
	}
	may, err := v.blocked(tx, r)
	if c.Notice = may.why; err != nil || c.Notice != "" {
		return err
	}
	s := ui.Secret{ID: id, URL: shell.RecordURL(r.Kind, r.ID) + "/reveal", Label: "Password of " + r.Name}
	if r.Values.Bool("reason_required") {
		s.Reason = "required"
	}
	c.Secrets = append(c.Secrets, shell.CardSecret{Label: "Password", Secret: s})
	return nil
}

// secretParts fills what shows the secrets, and their versions.
func (v *visit) secretParts(tx *gate.Tx, r *record.Record, view *passwordView) error {
	now, err := secret.Current(tx, r.ID)
	if err != nil {
		return err
	}
	at := shell.RecordURL(r.Kind, r.ID)
	reason := ""
	if r.Values.Bool("reason_required") {
		reason = "required"
	}
	view.Unset, view.Has = !now[passwordField].Has, now[otpField].Has
	may, err := v.blocked(tx, r)
	if err != nil {
		return err
	}
	if view.Blocked = may.why; may.by != "" {
		view.Approved = may.by + "Every reveal is in the audit trail."
	}
	if may.ask != "" {
		view.Ask = &ui.Action{Label: may.ask, Href: at + "/approval", Primary: may.ask != "Details"}
	} else if may.by != "" {
		view.Ask = &ui.Action{Label: "Details", Href: at + "/approval"}
	}
	if view.Blocked == "" && !view.Unset {
		view.Secret = &ui.Secret{ID: "password", URL: at + "/reveal", Label: "Password", Reason: reason, Key: "r"}
	}
	if view.Blocked == "" && view.Has {
		if reason == "" {
			view.OTP = &ui.OneTime{ID: "code", URL: at + "/otp"}
		} else { // a part that asks for the reason
			view.Code = &ui.Secret{ID: "code", URL: at + "/otp", Label: "One-time code", Reason: reason}
		}
	}
	list, err := secret.Versions(tx, place(r, passwordField))
	if err != nil {
		return err
	}
	restore := view.Blocked == "" && v.May(access.Edit, r.Kind)
	for i, x := range list {
		line := versionLine{Number: x.Number, Current: i == 0, Cleared: !x.Has, Author: x.AuthorName, Reason: x.Reason, Time: shell.When(x.Time),
			Href: at + "/versions/" + strconv.FormatUint(uint64(x.Number), 10)}
		if x.Restores != 0 && line.Reason == "" {
			line.Reason = "Brought back version " + strconv.FormatUint(uint64(x.Restores), 10)
		}
		if restore && i > 0 && x.Has {
			c := restoreDialog(line.Href, x.Number)
			view.Dialogs = append(view.Dialogs, c)
			line.Restore = &ui.Action{Label: "Restore", Href: line.Href, Dialog: c.ID, Quiet: true}
		}
		view.Versions = append(view.Versions, line)
	}
	return nil
}

func place(r *record.Record, field string) secret.Place {
	return secret.Place{Kind: r.Kind.Name, Org: r.Org, Object: r.ID, Field: field}
}

func restoreDialog(href string, n uint32) ui.Confirm {
	s := strconv.FormatUint(uint64(n), 10)
	return ui.Confirm{ID: "restore-" + s, Title: "Make version " + s + " the password again?",
		Text: "It becomes a new version; nothing is lost. The system that it is for is not changed.", Action: href + "/restore", Submit: "Restore",
		Fields: []ui.Field{{Name: "reason", Label: "Reason", Type: "text", Most: longestReason, Required: true}}}
}

// filing is the part of the rail that says where the password is filed, and
// puts what it is embedded in under the title.
func (v *visit) filing(tx *gate.Tx, r *record.Record, view *passwordView) (*ui.Section, error) {
	s := &ui.Section{Title: "Filing"}
	add := func(label string, c ui.Cell) {
		if c.Text != "" {
			s.Props = append(s.Props, ui.Prop{Label: label, Cells: []ui.Cell{c}})
		}
	}
	folder, err := v.FolderPath(tx, r.Values.ID("password_folder_id"), password.Ancestors)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		add("Folder", ui.Cell{Text: folder, Href: shell.FoldersURL(r.Org, r.Kind, r.Values.ID("password_folder_id"))})
	}
	add("Category", ui.Cell{Text: r.Names["password_category_id"]})
	in, err := v.embeddedIn(tx, r)
	if err != nil {
		return nil, err
	}
	if in.Text != "" {
		view.Head.Sub = append(view.Head.Sub, ui.Cell{Text: "Embedded in"}, in)
	}
	add("Embedded in", in)
	if ms, ok := r.Values["password_updated_at"].(int64); ok {
		s.Props = append(s.Props, ui.Prop{Label: "Password changed", Cells: []ui.Cell{{Type: "date", Time: shell.When(ms)}}})
	}
	if r.Values.Bool("reason_required") {
		add("To see it", ui.Cell{Text: "Give a reason"})
	}
	if len(s.Props) == 0 {
		return nil, nil
	}
	return s, nil
}

// embeddedIn is the record that a password belongs to.
func (v *visit) embeddedIn(tx *gate.Tx, r *record.Record) (ui.Cell, error) {
	if r.Values["resource_id"] == nil {
		return ui.Cell{Text: r.Values.Text("cached_resource_name")}, nil
	}
	rid, err := password.Resource(tx, r.ID)
	if err != nil || rid == 0 {
		return ui.Cell{Text: r.Values.Text("cached_resource_name")}, err
	}
	other, err := v.Records.Get(tx, "", rid)
	if fault.Is(err, fault.NotFound) {
		return ui.Cell{}, nil
	}
	if err != nil {
		return ui.Cell{}, err
	}
	return ui.Cell{Text: other.Name, Href: v.HomeOf(other)}, nil
}

// loadPassword finds the password of the address, and the version when it names
// one.
func (v *visit) loadPassword() (*record.Record, uint32, error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, 0, err
	}
	var version uint64
	if s := v.R.PathValue("version"); s != "" {
		if version, err = strconv.ParseUint(s, 10, 32); err != nil || version == 0 {
			return nil, 0, gate.Missing()
		}
	}
	var r *record.Record
	err = v.View(func(tx *gate.Tx) (err error) { r, err = v.Records.Get(tx, v.kind, rid); return err })
	return r, uint32(version), err
}

// asked is what a page sends with the wish to see a secret.
type asked struct {
	reason string
	copied bool   // the page says that it copies the secret without showing it
	to     []byte // the key of the page's script, to which the secret is to be sealed on its way; nil without script
}

func (v *visit) asked() (a asked, err error) {
	form, err := v.Form()
	if err != nil {
		return a, err
	}
	a = asked{reason: form.Text("reason"), copied: form.Text("why") == "copy" && web.WantsJSON(v.R)}
	if len([]rune(a.reason)) > longestReason {
		return a, fault.Field("reason", "A reason has at most %d characters.", longestReason)
	}
	if to := form.Text("sealed_to"); to != "" && web.WantsJSON(v.R) {
		if a.to, err = base64.StdEncoding.DecodeString(to); err != nil {
			return a, fault.New(fault.Invalid, "The browser's key for this reveal is not valid.").WithHint("Reload the page and try again.")
		}
	}
	return a, nil
}

type revealed struct {
	Head    ui.Head
	Label   string
	Secret  string
	Seconds int
	Back    string
}

func (v *visit) revealPassword() error {
	r, version, err := v.loadPassword()
	if err != nil {
		return err
	}
	a, err := v.asked()
	if err != nil {
		return err
	}
	ref := secret.Ref{Kind: r.Kind.Name, Object: r.ID, Field: passwordField, Version: version, Reasons: r.Values.Bool("reason_required"), Copied: a.copied}
	if a.to != nil {
		return v.giveSealed(ref, a)
	}
	text, err := v.Secrets.Reveal(v.R.Context(), v.Caller, ref, a.reason)
	if err != nil {
		return err
	}
	return v.giveSecret(r, "Password", text, shownFor, map[string]any{"secret": text, "seconds": shownFor})
}

// giveSealed answers with a secret that only the script of the page can open:
// nothing here ever holds it.
func (v *visit) giveSealed(ref secret.Ref, a asked) error {
	s, err := v.Secrets.RevealSealed(v.R.Context(), v.Caller, ref, a.reason, a.to)
	if err != nil {
		return err
	}
	web.NoStore(v.W)
	web.NoCompress(v.W)
	return web.JSON(v.W, http.StatusOK, map[string]any{"seconds": shownFor, "sealed": map[string]string{
		"key": base64.StdEncoding.EncodeToString(s.Key), "envelope": base64.StdEncoding.EncodeToString(s.Envelope)}})
}

// giveSecret answers with a secret: JSON for the script, else a page.
func (v *visit) giveSecret(r *record.Record, label, text string, seconds int, body map[string]any) error {
	web.NoStore(v.W)
	web.NoCompress(v.W)
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, body)
	}
	p, err := v.Page(r.Name, shell.Ending(append(v.CrumbsOf(r), ui.Crumb{Label: label}))...)
	if err != nil {
		return err
	}
	p.Data = revealed{Head: ui.Head{Title: r.Name, Icon: r.Kind.Icon, Sub: []ui.Cell{{Text: label}}}, Label: label, Secret: text, Seconds: seconds, Back: shell.RecordURL(r.Kind, r.ID)}
	return v.Render("password-shown", p)
}

// oneTimeCode computes the code of now. The seed stays here; that it was used is
// recorded like a reveal.
func (v *visit) oneTimeCode() error {
	r, _, err := v.loadPassword()
	if err != nil {
		return err
	}
	a, err := v.asked()
	if err != nil {
		return err
	}
	seed, err := v.Secrets.Reveal(v.R.Context(), v.Caller, secret.Ref{Kind: r.Kind.Name, Object: r.ID, Field: otpField, Reasons: r.Values.Bool("reason_required"), Copied: a.copied}, a.reason)
	if err != nil {
		return err
	}
	code, left, err := secret.Code(seed, v.Now())
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "No code can be made of what is kept here.").WithHint("Edit the password and enter the key, or the otpauth address, that the other system shows.")
	}
	period := 30
	if left > period {
		period = 60
	}
	return v.giveSecret(r, "One-time code", code, left, map[string]any{"code": code, "left": left, "period": period, "secret": code, "seconds": left})
}

type passwordVersionView struct {
	Head    ui.Head
	Props   []ui.Prop
	Secret  *ui.Secret
	Blocked string
	Form    *ui.Form
}

// passwordVersion is one version: to see it and to bring it back.
func (v *visit) passwordVersion() error {
	r, version, err := v.loadPassword()
	if err != nil {
		return err
	}
	return v.versionPage(r, version, nil, nil)
}

func (v *visit) versionPage(r *record.Record, version uint32, form *web.Form, refused error) error {
	var list []secret.Version
	var may state
	err := v.View(func(tx *gate.Tx) (err error) {
		if may, err = v.blocked(tx, r); err != nil {
			return err
		}
		list, err = secret.Versions(tx, place(r, passwordField))
		return err
	})
	if err != nil {
		return err
	}
	number := strconv.FormatUint(uint64(version), 10)
	at := shell.RecordURL(r.Kind, r.ID)
	for i, x := range list {
		if x.Number != version {
			continue
		}
		view := &passwordVersionView{Head: ui.Head{Title: "Version " + number, Icon: "versions", Sub: []ui.Cell{{Text: r.Name, Href: at}}}, Props: []ui.Prop{
			{Label: "Changed by", Cells: []ui.Cell{{Type: "user", Text: x.AuthorName}}}, {Label: "When", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(x.Time)}}},
			{Label: "Reason", Cells: []ui.Cell{{Text: x.Reason}}}}, Blocked: may.why}
		if !x.Has {
			view.Blocked = "In this version the password was taken away."
		}
		if view.Blocked == "" {
			view.Secret = &ui.Secret{ID: "password", URL: at + "/versions/" + number + "/reveal", Label: "Password", Key: "r"}
			if r.Values.Bool("reason_required") {
				view.Secret.Reason = "required"
			}
		}
		if i > 0 && view.Secret != nil && v.May(access.Edit, r.Kind) {
			view.Form = &ui.Form{Action: at + "/versions/" + number + "/restore", Submit: "Restore this version", Cancel: at, Fields: []ui.Field{
				{Name: "reason", Label: "Reason for bringing it back", Type: "text", Most: longestReason, Required: true, Wide: true,
					Hint: "It becomes a new version; nothing is lost. The system that it is for is not changed."}}}
			if refused != nil {
				say := fault.Say(refused)
				view.Form.Fields[0].Value = form.Text("reason")
				view.Form.Wrong(say.Text, say.Hint, say.Fields)
			}
		}
		p, err := v.Page("Version "+number+" of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Version " + number})...)
		if err != nil {
			return err
		}
		p.Data = view
		return v.RenderStatus(web.Status(refused), "password-version", p)
	}
	return gate.Missing()
}

func (v *visit) restorePassword() error {
	r, version, err := v.loadPassword()
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	if form.Require("reason"); form.Err() != nil {
		return v.versionPage(r, version, form, form.Err())
	}
	if n := len([]rune(form.Text("reason"))); n > longestReason {
		return v.versionPage(r, version, form, fault.Field("reason", "A reason has at most %d characters.", longestReason))
	}
	n, err := v.Secrets.Restore(v.R.Context(), v.Caller, secret.Ref{Kind: r.Kind.Name, Object: r.ID, Field: passwordField, Version: version}, form.Text("reason"))
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "Version %d is the password again, as version %d.", version, n)
}

// passwordForm adjusts the derived form: what people need not fill in is taken
// along unseen, and the seed of one-time codes is nothing to generate.
func passwordForm(_ *shell.Visit, f *ui.Form, r *record.Record) error {
	var fields []ui.Field
	for _, x := range f.Fields {
		switch x.Name {
		case passwordField:
			x.Hint = "Generate makes 20 characters."
		case otpField:
			x.Type, x.Generate, x.Complete = "password", "", "off"
			x.Value = ""
		case "url":
			fields = append(fields, x, ui.Field{Type: "note", HTML: `For words or another length use the <a href="/generate">password generator</a>.`})
			continue
		case "resource_type", "resource_id", "autofill_selectors", "generated_password_type", "is_live":
			if r == nil && x.Value != "" && x.Type != "checkbox" {
				f.Hidden = append(f.Hidden, ui.Hidden{Name: x.Name, Value: x.Value})
			}
			continue
		}
		fields = append(fields, x)
	}
	f.Fields = fields
	return nil
}

// embedding is what a password gives up when it is moved to another
// organization.
func embedding(r *record.Record) (fields []string, words string) {
	if r.Values["resource_id"] == nil {
		return nil, ""
	}
	return []string{"resource_type", "resource_id"}, "that it is embedded in the " + shell.Lower(r.Values.Text("cached_resource_type_name")) // whose name she may not see
}
