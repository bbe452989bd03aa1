package vault

import (
	"context"
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/shell"
)

const settings = "/settings/vaults"

func (p *Pages) mountRecovery(s *shell.Shell) {
	s.Manage(shell.ToSecrets, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Recovery of vaults", Sub: "What people may choose for a forgotten vault passphrase", Href: settings, Icon: "shield-lock"}}
	})
	s.Get(settings, shell.Administering(p.as((*visit).policy)))
	s.Post(settings, shell.Administering(p.as((*visit).savePolicy)))
	s.Get("/vault/recovery", p.as((*visit).recovery))
	s.Post("/vault/recovery", p.as((*visit).choose))
	s.Post("/vault/recovery/none", p.as(func(v *visit) error { return v.plain(v.Vaults.GiveUp) }))
	s.Post("/vault/keys", p.as((*visit).rotate), web.MaxBody(maxBody), web.Within(2*time.Minute))
	s.Post("/vault/ask", p.as((*visit).ask))
	s.Post("/vault/ask/none", p.as(func(v *visit) error { return v.plain(v.Vaults.Unask) }))
	s.Post("/vault/people/{id}/answer", p.as((*visit).answer))
}

func (v *visit) recovery() error {
	r, err := v.Vaults.Recovery(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	return web.JSON(v.W, 200, r)
}

// done does something and says nothing but that it is done.
func (v *visit) done(do func(context.Context) error) error {
	if err := do(v.R.Context()); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}

// plain does what takes nothing but who asks for it.
func (v *visit) plain(do func(context.Context, *access.Caller) error) error {
	if err := v.sent(&struct{}{}); err != nil {
		return err
	}
	return v.done(func(ctx context.Context) error { return do(ctx, v.Caller) })
}

func (v *visit) rotate() error {
	var in vault.Rotation
	if err := v.sent(&in); err != nil {
		return err
	}
	return v.done(func(ctx context.Context) error { return v.Vaults.Rotate(ctx, v.Caller, in) })
}

func (v *visit) choose() error {
	var in struct {
		Recovery []byte `json:"recovery"`
	}
	if err := v.sent(&in); err != nil {
		return err
	}
	return v.done(func(ctx context.Context) error { return v.Vaults.Enrol(ctx, v.Caller, in.Recovery) })
}

func (v *visit) ask() error {
	var in vault.Request
	if err := v.sent(&in); err != nil {
		return err
	}
	return v.done(func(ctx context.Context) error { return v.Vaults.Ask(ctx, v.Caller, in) })
}

func (v *visit) answer() error {
	var in struct {
		Answer []byte `json:"answer"`
	}
	n, err := v.of(&in)
	if err != nil {
		return err
	}
	return v.done(func(ctx context.Context) error { return v.Vaults.Answer(ctx, v.Caller, n, in.Answer) })
}

// policy is the form by which an administrator says what people may choose.
func (v *visit) policy() error {
	p, err := v.Vaults.RecoveryPolicyOf(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	var officers []string
	for _, o := range p.Officers {
		officers = append(officers, o.User.String())
	}
	return v.policyForm(p.Way, strconv.Itoa(max(p.Needed, hostproof.LeastNeeded)), officers, nil)
}

func (v *visit) policyForm(way, needed string, officers []string, refused error) error {
	people, err := v.Vaults.Candidates(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	var who []ui.Option
	for _, p := range people {
		o := ui.Option{Value: p.User.String(), Label: p.Name, Selected: slices.Contains(officers, p.User.String())}
		if p.Statement == nil {
			o.Sub = "has no vault keys yet, and gets no shares before the page Vault was opened once"
		}
		who = append(who, o)
	}
	ways := []ui.Option{{Value: vault.RecoveryNone, Label: "None: who forgets the passphrase has lost the vaults"}, {Value: vault.RecoveryKit, Label: "A printed kit: a code that the person keeps on paper"},
		{Value: vault.RecoveryOfficers, Label: "Officers: several administrators together, and the person"}}
	for i := range ways {
		ways[i].Selected = ways[i].Value == way
	}
	f := ui.Form{Action: settings, Submit: "Save", Cancel: "/settings", Note: "Another way than before gives up what people chose. Each chooses again on the page Vault; nothing is chosen for anybody.", Fields: []ui.Field{
		{Name: "way", Label: "What people may choose", Type: "select", Required: true, Value: way, Options: ways, Wide: true, Focus: true,
			Hint: "Nobody can reset a vault passphrase. A recovery has to be chosen by each person before it is needed."},
		{Name: "officers", Label: "Officers", Type: "select", Multiple: true, Options: who, Wide: true, Hint: "Of officers only. Each person gives these administrators a share of what opens the keys."},
		{Name: "needed", Label: "Of whom are needed", Type: "number", Value: needed, Min: strconv.Itoa(hostproof.LeastNeeded), Max: strconv.Itoa(hostproof.MostOfficers), Unit: "officers", Hint: "At least two. With one more than are needed, one may be away."},
	}}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Recovery of vaults", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Recovery of vaults"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Recovery of vaults", Icon: "shield-lock"}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func (v *visit) savePolicy() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	var officers []id.ID
	for _, s := range form.All("officers") {
		if n, ok := id.Parse(s); ok && !slices.Contains(officers, n) {
			officers = append(officers, n)
		}
	}
	needed := int(min(max(form.Int("needed"), 0), 1000))
	if err = form.Err(); err == nil {
		err = v.Vaults.SetRecovery(v.R.Context(), v.Caller, form.Text("way"), needed, officers)
	}
	if fault.Is(err, fault.Invalid) {
		return v.policyForm(form.Text("way"), form.Text("needed"), form.All("officers"), err)
	}
	if err != nil {
		return err
	}
	return v.Done(settings, "The recovery of vaults is saved.")
}
