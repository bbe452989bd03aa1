package office

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/device"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

func (v *visit) invitation() error { return v.invitationPage(nil, nil) }

func (v *visit) invitationPage(form *web.Form, refused error) error {
	if form == nil {
		form = web.NewForm(map[string][]string{"role_name": {string(access.Editor)}})
	}
	view := shell.FormPage{Head: ui.Head{Title: "Invite a user", Icon: "user-plus", Sub: []ui.Cell{{Text: "A one-time password is made, which you hand over. It must be changed at the first sign-in."}}}}
	mails := v.Letters.Work()
	if mails {
		view.Head.Sub = []ui.Cell{{Text: "A mail leads to a page on which she chooses her password; or you hand over a one-time password."}}
		if refused == nil {
			form = web.NewForm(map[string][]string{"role_name": {string(access.Editor)}, "mail": {"1"}})
		}
	}
	var groups []ui.Option
	chosen := map[id.ID]bool{}
	for _, g := range shell.IDs(form.All("groups")) {
		chosen[g] = true
	}
	err := v.View(func(tx *gate.Tx) (err error) { groups, err = v.Choices(tx, identity.Group, chosen); return err })
	if err != nil {
		return err
	}
	view.Form = ui.Form{Action: "/users", Submit: "Invite", Cancel: "/users", Fields: []ui.Field{
		{Name: "email", Label: "E-mail address", Type: "email", Value: form.Text("email"), Required: true, Focus: true, Hint: "She signs in with it."},
		{Name: "name", Label: "Name", Type: "text", Value: form.Text("name"), Most: 200},
		{Name: "role_name", Label: "Role", Type: "select", Required: true, Value: form.Text("role_name"), Options: roleOptions(form.Text("role_name"), access.EveryRole()), Wide: true, Hint: roleHint},
		{Name: "groups", Label: "Groups", Type: "select", Multiple: true, Options: groups, Wide: true, Hint: "Groups say which organizations she sees. Administrators see all."},
	}}
	if mails {
		view.Form.Fields = append(view.Form.Fields, ui.Field{Name: "mail", Label: "Invite her by mail", Type: "checkbox", Checked: form.Bool("mail"), Wide: true,
			Hint: "What stands in the mail works once, for 7 days. Without it you get a one-time password to hand over."})
	}
	if refused != nil {
		say := fault.Say(refused)
		view.Form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Invite a user", ui.Crumb{Label: "Users", Href: "/users"}, ui.Crumb{Label: "Invite"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "form", p)
}

const roleHint = "Administrators manage everything. Managers also change lists, import and read the audit trail. Editors change records and archive them. Creators make and change records. Lite users change documents, contacts and locations. Read-only users look. Self-service is for customers, who use the portal."

func roleOptions(now string, roles []access.Role) []ui.Option {
	var out []ui.Option
	for _, r := range roles {
		out = append(out, ui.Option{Value: string(r), Label: string(r), Selected: string(r) == now})
	}
	return out
}

func (v *visit) invite() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	form.Require("email", "role_name")
	role := access.Role(form.Text("role_name"))
	if role != "" && !role.Valid() {
		form.Wrong("role_name", "Choose a role.")
	}
	if err := form.Err(); err != nil {
		return v.invitationPage(form, err)
	}
	who := identity.Person{Email: form.Text("email"), Name: form.Text("name"), Role: role}
	if form.Bool("mail") {
		return v.inviteByMail(form, who)
	}
	issued, err := v.Directory.CreateUser(v.R.Context(), v.Caller, who)
	if err != nil && shell.Refusable(err) {
		return v.invitationPage(form, err)
	}
	if err != nil {
		return err
	}
	if err := v.joinGroups(issued.User, shell.IDs(form.All("groups"))); err != nil {
		return err
	}
	return v.showIssued(issued, "The user is invited")
}

// inviteByMail makes a user who sets her password herself.
func (v *visit) inviteByMail(form *web.Form, who identity.Person) error {
	user, err := v.Letters.Invite(v.R.Context(), v.Caller, who)
	if err != nil && shell.Refusable(err) {
		return v.invitationPage(form, err)
	}
	if err != nil {
		return err
	}
	if err := v.joinGroups(user, shell.IDs(form.All("groups"))); err != nil {
		return err
	}
	return v.Done("/users/"+user.String(), "The invitation is on its way to %s.", who.Email)
}

func (v *visit) inviteAgain() error {
	uid, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Letters.InviteAgain(v.R.Context(), v.Caller, uid); err != nil {
		return err
	}
	return v.Done("/users/"+uid.String(), "Another invitation is on its way. Those before it open nothing any more.")
}

// joinGroups makes a user a member of exactly these groups.
func (v *visit) joinGroups(user id.ID, want []id.ID) error {
	ctx := v.R.Context()
	have, err := v.Directory.GroupsOf(ctx, v.Caller, user)
	if err != nil {
		return err
	}
	change := func(group id.ID, in bool) error {
		members, err := v.Directory.Members(ctx, v.Caller, group)
		if err != nil {
			return err
		}
		members = slices.DeleteFunc(members, func(m id.ID) bool { return m == user })
		if in {
			members = append(members, user)
		}
		return v.Directory.SetMembers(ctx, v.Caller, group, members)
	}
	for _, g := range want {
		if !slices.Contains(have, g) {
			if err := change(g, true); err != nil {
				return err
			}
		}
	}
	for _, g := range have {
		if !slices.Contains(want, g) {
			if err := change(g, false); err != nil {
				return err
			}
		}
	}
	return nil
}

type issuedView struct {
	Head    ui.Head
	Lines   []ui.Prop
	Secret  string
	Label   string
	Warning string
	Back    ui.Action
}

// showIssued shows a one-time password, once: it is kept nowhere in clear.
func (v *visit) showIssued(i *identity.Issued, title string) error {
	web.NoStore(v.W)
	web.NoCompress(v.W)
	view := &issuedView{Head: ui.Head{Title: title, Icon: "user-check"}, Label: "One-time password", Secret: i.Password,
		Warning: "Hand it over in a way that nobody else reads. It is shown now and never again.",
		Lines:   []ui.Prop{{Label: "E-mail address", Cells: []ui.Cell{{Type: "mono", Text: i.Email, Copy: true}}}},
		Back:    ui.Action{Label: "Open the user", Href: "/users/" + i.User.String(), Primary: true}}
	if i.Expires != 0 {
		view.Lines = append(view.Lines, ui.Prop{Label: "Good until", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(i.Expires)}}})
	}
	p, err := v.Page(title, ui.Crumb{Label: "Users", Href: "/users"}, ui.Crumb{Label: i.Email})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("issued", p)
}

type userView struct {
	Head     ui.Head
	Notice   *ui.Notice
	Props    []ui.Prop
	Groups   *ui.Form
	Sessions []sessionLine
	EndAll   string
	Rail     []*ui.Section
	Dialogs  []ui.Confirm
	Invited  int64 // until when an invitation by mail waits for her
}

type sessionLine struct {
	Title, Sub string
	Icon       string
	Current    bool
	Seen       ui.Cell
	End        ui.Action
}

func (v *visit) userPage(r *record.Record) error {
	view := &userView{Notice: v.ArchivedNotice(r), EndAll: shell.RecordURL(r.Kind, r.ID) + "/sessions/end"}
	sessions, err := v.Sessions.List(v.R.Context(), v.Caller, r.ID)
	if err != nil {
		return err
	}
	view.Sessions = sessionLines(sessions)
	groups, err := v.Directory.GroupsOf(v.R.Context(), v.Caller, r.ID)
	if err != nil {
		return err
	}
	err = v.View(func(tx *gate.Tx) (err error) {
		if view.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		chosen := map[id.ID]bool{}
		for _, g := range groups {
			chosen[g] = true
		}
		options, err := v.Choices(tx, identity.Group, chosen)
		if err != nil {
			return err
		}
		view.Groups = &ui.Form{ID: "groups", Action: shell.RecordURL(r.Kind, r.ID) + "/groups", Submit: "Save groups",
			Fields: []ui.Field{{Name: "groups", Label: "Groups", Type: "select", Multiple: true, Wide: true, Options: options, Hint: "They say which organizations she sees. Administrators see all."}}}
		if v.Letters != nil {
			if view.Invited, err = v.Letters.Invited(tx, r.ID); err != nil {
				return err
			}
		}
		view.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	v.userHead(r, view)
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), view
	return v.Render("user", p)
}

func (v *visit) userHead(r *record.Record, view *userView) {
	role := r.Values.Text("role_name")
	view.Head.Icon, view.Head.Star = "user", nil
	view.Head.Sub = []ui.Cell{{Type: "pill", Text: role, Tone: "info"}, {Text: r.Values.Text("email")}}
	if r.Archived {
		view.Head.Sub = append(view.Head.Sub, ui.Cell{Type: "pill", Text: "Archived: cannot sign in"})
	} else {
		d := ui.Confirm{ID: "reset", Title: "Give " + r.Name + " a new one-time password?", Text: "Her present password stops working and all her sessions end.",
			Action: shell.RecordURL(r.Kind, r.ID) + "/reset", Submit: "Reset password", Danger: true}
		view.Dialogs = append(view.Dialogs, d)
		reset := ui.Action{Label: "Reset password", Icon: "lock-password", Href: d.Action, Post: true, Dialog: d.ID}
		factors := ui.Action{Label: "Second factors", Icon: "shield-lock", Href: shell.RecordURL(r.Kind, r.ID) + "/factors"}
		view.Head.Actions = slices.Insert(view.Head.Actions, max(0, len(view.Head.Actions)-1), reset, factors)
	}
	if waits := r.Values["invitation_sent_at"] != nil && r.Values["invitation_accepted_at"] == nil; waits && !r.Archived && v.Letters.Work() {
		view.Head.Actions = slices.Insert(view.Head.Actions, 0, ui.Action{Label: "Invite again", Icon: "mail", Href: shell.RecordURL(r.Kind, r.ID) + "/invite", Post: true})
	}
	if view.Invited != 0 {
		view.Props = append(view.Props, ui.Prop{Label: "Invited by mail, good until", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(view.Invited)}}})
	}
	for _, f := range []string{"email", "role_name", "custom_role_id", "contact_id", "current_sign_in_at", "current_sign_in_ip", "last_sign_in_at", "invitation_accepted_at"} {
		field := r.Kind.Field(f)
		if field == nil {
			continue
		}
		if c := v.Cell(r, field); c.Text != "" || !c.Time.IsZero() {
			view.Props = append(view.Props, ui.Prop{Label: field.Title(), Cells: []ui.Cell{c}})
		}
	}
	view.Rail = append(view.Rail, &ui.Section{Title: "What this person did", More: &ui.NavItem{Label: "Audit trail", Href: "/audit?who=" + r.ID.String()}, Text: "Every action, from every session and key."})
}

// sessionLines are open sessions in words.
func sessionLines(list []identity.Session) []sessionLine {
	var out []sessionLine
	for _, s := range list {
		line := sessionLine{Title: device.Name(s.Agent), Icon: "world", Current: s.Current, Seen: ui.Cell{Type: "ago", Time: shell.When(s.Seen)},
			End: ui.Action{Label: "End", Icon: "x", Href: "/account/sessions/" + s.ID + "/end", Post: true, Quiet: true}}
		if s.Program {
			line.Title, line.Icon = "A program with an access token", "api"
		}
		parts := []string{"since " + shell.When(s.Created).Format("2 Jan 2006 15:04")}
		if s.Address != "" {
			parts = append(parts, "from "+s.Address)
		}
		if s.Level > 1 {
			parts = append(parts, "two factors")
		}
		line.Sub = strings.Join(parts, " · ")
		out = append(out, line)
	}
	return out
}

func (v *visit) resetUser() error {
	uid, err := v.ID("id")
	if err != nil {
		return err
	}
	issued, err := v.Directory.Reset(v.R.Context(), v.Caller, uid)
	if err != nil {
		return err
	}
	return v.showIssued(issued, "The password is reset")
}

func (v *visit) setUserGroups() error {
	uid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.joinGroups(uid, shell.IDs(form.All("groups"))); err != nil {
		return err
	}
	return v.Done("/users/"+uid.String(), "Groups saved.")
}

func (v *visit) endUserSessions() error {
	uid, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Sessions.RevokeAll(v.R.Context(), v.Caller, uid, true); err != nil {
		return err
	}
	return v.Done("/users/"+uid.String(), "All sessions ended.")
}

type groupView struct {
	Head    ui.Head
	Notice  *ui.Notice
	About   string
	Members *ui.Form
	Orgs    *ui.Form
	Words   string
	Rail    []*ui.Section
}

func (v *visit) groupPage(r *record.Record) error {
	view := &groupView{Notice: v.ArchivedNotice(r), About: r.Values.Text("description")}
	members, err := v.Directory.Members(v.R.Context(), v.Caller, r.ID)
	if err != nil {
		return err
	}
	all, orgs, err := v.Directory.Organizations(v.R.Context(), v.Caller, r.ID)
	if err != nil {
		return err
	}
	err = v.View(func(tx *gate.Tx) (err error) {
		if view.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		view.Head.Star = nil
		if err := v.groupForms(tx, r, view, members, all, orgs); err != nil {
			return err
		}
		view.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	view.Words = groupWords(len(members), all, len(orgs))
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), view
	return v.Render("group", p)
}

func groupWords(members int, all bool, orgs int) string {
	who := strconv.Itoa(members) + " members see "
	if members == 1 {
		who = "1 member sees "
	}
	switch {
	case members == 0:
		who = "Nobody is in this group yet. Members would see "
	}
	switch {
	case all:
		return who + "every organization, those made later included."
	case orgs == 0:
		return who + "no organization through it; records can still be opened to it one by one."
	case orgs == 1:
		return who + "1 organization."
	}
	return who + strconv.Itoa(orgs) + " organizations."
}

func (v *visit) groupForms(tx *gate.Tx, r *record.Record, view *groupView, members []id.ID, all bool, orgs []id.ID) error {
	if r.Archived {
		return nil
	}
	chosen := map[id.ID]bool{}
	for _, m := range members {
		chosen[m] = true
	}
	users, err := v.Choices(tx, identity.User, chosen)
	if err != nil {
		return err
	}
	names, err := v.Records.Names(tx, orgs...)
	if err != nil {
		return err
	}
	var picked []ui.Option
	for _, o := range orgs {
		picked = append(picked, ui.Option{Value: o.String(), Label: names[o], Icon: "building"})
	}
	at := shell.RecordURL(r.Kind, r.ID)
	view.Members = &ui.Form{ID: "members", Action: at + "/members", Submit: "Save members",
		Fields: []ui.Field{{Name: "members", Label: "Members", Type: "select", Multiple: true, Wide: true, Options: users}}}
	view.Orgs = &ui.Form{ID: "orgs", Action: at + "/organizations", Submit: "Save organizations", Fields: []ui.Field{
		{Name: "all", Label: "Every organization, those made later included", Type: "checkbox", Checked: all, Wide: true},
		{Name: "organizations", Label: "Organizations", Type: "ref", Multiple: true, Wide: true, Source: "/refs/organization", Chosen: picked, Hint: "Not needed when every organization is ticked."}}}
	return nil
}

func (v *visit) setGroupMembers() error {
	gid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.Directory.SetMembers(v.R.Context(), v.Caller, gid, shell.IDs(form.All("members"))); err != nil {
		return err
	}
	return v.Done("/groups/"+gid.String(), "Members saved.")
}

func (v *visit) setGroupOrganizations() error {
	gid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.Directory.SetOrganizations(v.R.Context(), v.Caller, gid, form.Bool("all"), shell.RefIDs(form, "organizations")); err != nil {
		return err
	}
	return v.Done("/groups/"+gid.String(), "Organizations saved.")
}
