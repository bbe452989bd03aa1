// Package pairs holds the page of the tenant's key pairs: what secrets are sealed
// to, and how that is changed.
//
// Always true: it is for who administers the tenant; no key is on it but the
// fingerprints of public ones; it works without script.
package pairs

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/keyring"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Keyring *keyring.Keyring }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

const at = "/settings/pairs"

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToSecrets, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Key pairs", Sub: "What secrets are sealed to", Href: at, Icon: "key"}}
	})
	s.Get(at, shell.Administering(p.as(func(v *visit) error { return v.page(nil) })))
	s.Post(at+"/rotate", shell.Administering(p.as((*visit).rotate)))
	s.Post(at+"/retire", shell.Administering(p.as((*visit).retire)))
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

// pairsView is the page.
type pairsView struct {
	Head   ui.Head
	Pairs  []pairLine
	Work   *ui.Notice // how the last rotation is
	Rotate ui.Form
	Retire *ui.Action
	Sure   ui.Confirm
}

type pairLine struct {
	Name, Sub, Print string
	Pill             ui.Pill
}

func (v *visit) page(refused error) error {
	list, err := v.Keyring.Generations(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	d := pairsView{Head: ui.Head{Title: "Key pairs", Icon: "key", Sub: []ui.Cell{{Text: "Secrets are sealed to the present one. Private keys never leave the key service."}}}}
	older := int64(0)
	for i := len(list) - 1; i >= 0; i-- {
		g := list[i]
		l := pairLine{Name: "No. " + strconv.FormatUint(uint64(g.Number), 10) + ", " + words(g.Suite), Print: shell.Fingerprint(g.ID[:]),
			Sub: "Made " + shell.When(g.Created).Format("2 Jan 2006") + " · " + sealed(g.Sealed)}
		switch {
		case i == len(list)-1:
			l.Pill = ui.Pill{Text: "Present", Tone: "ok"}
		case g.Retired != 0:
			l.Pill, l.Sub = ui.Pill{Text: "Retired"}, "Its private key was destroyed "+shell.When(g.Retired).Format("2 Jan 2006")
		default:
			l.Pill, older = ui.Pill{Text: "Older", Tone: "info"}, older+1+g.Sealed
		}
		d.Pairs = append(d.Pairs, l)
	}
	d.Sure = ui.Confirm{ID: "retire", Title: "Retire the older key pairs?", Action: at + "/retire", Submit: "Destroy their private keys", Danger: true,
		Text: "Their private keys are destroyed for good. Backups of the database from before the rotation cannot be read any more. It is refused while a secret is sealed to one of them."}
	if older > 0 {
		d.Retire = &ui.Action{Label: "Retire the older ones", Href: d.Sure.Action, Post: true, Quiet: true, Dialog: d.Sure.ID}
	}
	d.Rotate = rotateForm(list[len(list)-1].Suite, older > 0)
	if err := v.View(func(tx *gate.Tx) (err error) { d.Work, err = work(tx); return err }); err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		said := fault.Say(refused)
		status = web.Status(refused)
		d.Rotate.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Key pairs", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Key pairs"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "pairs", p)
}

// work says how the rotation is that was asked for last; nil when none was.
func work(tx *gate.Tx) (*ui.Notice, error) {
	list, err := job.List(tx, keyring.JobKind, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	j := list[0]
	switch j.State {
	case job.Waiting, job.Running:
		n := &ui.Notice{Tone: "info", Text: "Keys are being rotated."}
		if j.Total > 0 {
			n.Text = "Keys are being rotated: " + web.Number(j.Done) + " of " + web.Number(j.Total) + " are wrapped anew."
		}
		return n, nil
	case job.Done:
		return &ui.Notice{Tone: "ok", Text: "The last rotation ended " + shell.When(j.Ended).Format("2 Jan 2006, 15:04") + " UTC."}, nil
	}
	return &ui.Notice{Tone: "warn", Text: "The last rotation was stopped. " + j.Error + " Wrap what older key pairs still hold."}, nil
}

func rotateForm(present string, older bool) ui.Form {
	f := ui.Form{Action: at + "/rotate", Submit: "Rotate", Note: "Every secret opens at every moment of it, and none is decrypted for it.",
		Fields: []ui.Field{{Name: "suite", Label: "Kind of the new pair", Type: "select", Required: true, Value: present}}}
	for _, s := range envelope.KeySuites() {
		f.Fields[0].Options = append(f.Fields[0].Options, ui.Option{Value: string(s), Label: words(string(s)), Selected: string(s) == present})
	}
	if older {
		f.Fields = append(f.Fields, ui.Field{Name: "resume", Label: "Make no new pair: wrap what older ones still hold", Type: "checkbox", Wide: true})
	}
	return f
}

func sealed(n int64) string {
	if n == 1 {
		return "one version of a secret"
	}
	return web.Number(n) + " versions of secrets"
}

// words names a suite for people.
func words(suite string) string {
	if suite == string(envelope.Hybrid) {
		return "ML-KEM-768 with P-256"
	}
	return strings.ToUpper(suite)
}

func (v *visit) rotate() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	task := keyring.Task{Suite: form.Text("suite"), Resume: form.Bool("resume")}
	if task.Resume {
		task.Suite = ""
	}
	if _, err = v.Keyring.Start(v.R.Context(), v.Caller, task); shell.Refusable(err) {
		return v.page(err)
	}
	if err != nil {
		return err
	}
	return v.Done(at, "The keys are being rotated.")
}

func (v *visit) retire() error {
	n, err := v.Keyring.Retire(v.R.Context(), v.Caller)
	if shell.Refusable(err) {
		return v.page(err)
	}
	if err != nil {
		return err
	}
	if n == 1 {
		return v.Done(at, "One key pair is retired.")
	}
	return v.Done(at, "%d key pairs are retired.", n)
}
