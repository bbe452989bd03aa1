package office

import (
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/surface/webui/shell"
)

// overlaps are for how many hours the present key may stay good beside a new one.
func overlaps() []int { return []int{0, 1, 24, 7 * 24, 30 * 24} }

// known finds the key that the address names.
func (v *visit) known() (*apikey.Key, error) {
	kid, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return nil, gate.Missing()
	}
	list, err := v.APIKeys.List(v.R.Context(), v.Caller)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(k *apikey.Key) bool { return k.ID == kid })
	if i < 0 {
		return nil, gate.Missing()
	}
	return list[i], nil
}

func (v *visit) askToRotate() error { return v.rotateForm(nil) }

func (v *visit) rotateForm(refused error) error {
	k, err := v.known()
	if err != nil {
		return err
	}
	at := "/keys/" + k.ID.String()
	f := ui.Form{Action: at + "/rotate", Submit: "Make the new key", Cancel: home(k), Note: "What the key may do, from where and until when stays as it is.",
		Fields: []ui.Field{{Name: "overlap", Label: "The present key stays good for", Type: "select", Required: true, Hint: "Give the program the new key meanwhile. Choose not at all when somebody else may know the present one."}}}
	for _, h := range overlaps() {
		label := strconv.Itoa(h/24) + " days"
		switch h {
		case 0:
			label = "Not at all: it ends at once"
		case 1:
			label = "An hour"
		case 24:
			label = "A day"
		}
		f.Fields[0].Options = append(f.Fields[0].Options, ui.Option{Value: strconv.Itoa(h), Label: label, Selected: h == 24})
	}
	head := ui.Head{Title: "Change " + k.Name, Icon: "key", Sub: []ui.Cell{{Type: "mono", Text: k.Hint + "…"}}}
	if k.Before != 0 {
		head.Sub = append(head.Sub, ui.Cell{Text: "The key before is good until " + shell.When(k.Before).UTC().Format("2 Jan 2006, 15:04") + " UTC, and ends when there is a new one"})
		head.Actions = []ui.Action{{Label: "End the key before now", Icon: "trash", Href: at + "/end-before", Post: true, Danger: true, Quiet: true}}
	}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Change a key", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "API keys", Href: "/keys"}, ui.Crumb{Label: k.Name})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: head, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

// home is the page on which a key is listed.
func home(k *apikey.Key) string {
	if k.Provisions {
		return "/settings/provisioning"
	}
	return "/keys"
}

func (v *visit) rotateKey() error {
	kid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	n := form.Int("overlap")
	if err := form.Err(); err != nil || !slices.Contains(overlaps(), int(n)) || form.Text("overlap") == "" {
		return v.rotateForm(fault.Field("overlap", "Choose how long the present key stays good."))
	}
	key, text, err := v.APIKeys.Rotate(v.R.Context(), v.Caller, kid, time.Duration(n)*time.Hour)
	if fault.Is(err, fault.Conflict) {
		return v.rotateForm(err)
	}
	if err != nil {
		return err
	}
	web.NoStore(v.W)
	web.NoCompress(v.W)
	p, err := v.Page("New key made", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "API keys", Href: "/keys"}, ui.Crumb{Label: key.Name})
	if err != nil {
		return err
	}
	until := ui.Prop{Label: "The key before", Cells: []ui.Cell{{Text: "Opens nothing any more"}}}
	if key.Before != 0 {
		until.Cells = []ui.Cell{{Text: "Good until"}, {Type: "datetime", Time: shell.When(key.Before)}}
	}
	p.Data = &issuedView{Head: ui.Head{Title: key.Name, Icon: "key"}, Label: "New key", Secret: text, Lines: []ui.Prop{until},
		Warning: "Give it to the program now. It is shown this once; only a hash of it is kept.",
		Back:    ui.Action{Label: "All keys", Href: home(key), Primary: true}}
	return v.Render("issued", p)
}

func (v *visit) endBefore() error {
	k, err := v.known()
	if err != nil {
		return err
	}
	if err := v.APIKeys.EndBefore(v.R.Context(), v.Caller, k.ID); err != nil {
		return err
	}
	return v.Done(home(k), "The key before is ended.")
}
