// Package passwords brings in what password managers export, as passwords in folders.
//
// Always true: the whole file is read and understood before anything is written; each
// secret of an entry is sealed, and one beside the password becomes a password of its
// own, called after the entry and the field, so that it is in no text that the search
// finds; an entry comes into the organization that was chosen for it or not at all.
package passwords

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/staging"
	"strongroom/internal/feature/importer/vaults"
)

// Layout reads the exports of one product.
type Layout struct{ Product string }

// Layouts gives one for each product.
func Layouts() (out []importer.Layout) {
	for _, p := range vaults.Products() {
		out = append(out, Layout{p.Name})
	}
	return out
}

// Name is that of the product.
func (l Layout) Name() string { return l.Product }

// Open reads the export, and where its entries go from the settings.
func (l Layout) Open(in *importer.Run, file *staging.File) (importer.Reading, error) {
	x := &reading{Run: in, orgs: map[string]*importer.Known{}}
	if len(in.Options.Settings) > 0 {
		if err := json.Unmarshal(in.Options.Settings, &x.Places); err != nil {
			return nil, fault.New(fault.Invalid, "Where the entries go cannot be read.").WithHint("Choose the organizations again.")
		}
	}
	if err := in.Importer.Gate.View(in.Ctx, in.Caller, x.prepare); err != nil {
		return nil, err
	}
	var err error
	if x.vault, err = vaults.Read(l.Product, vaults.File{ReaderAt: file, Size: file.Size, Name: file.Name}, in.Options.Password); err != nil {
		return nil, err
	}
	in.Source = l.Product
	in.Tables = map[string]string{foldersTable: "password_folder", entriesTable: "password"}
	return x, nil
}

// The tables of the foreign ids.
const foldersTable, entriesTable = "folders", "entries"

type reading struct {
	*importer.Run
	vaults.Places
	vault  *vaults.Vault
	orgs   map[string]*importer.Known // of top folders, and of "" for all others
	placed []*placed
}

// prepare finds the organizations that were chosen, as the caller sees them.
func (x *reading) prepare(tx *gate.Tx) error {
	for top, org := range x.Folders {
		if org == 0 {
			continue
		}
		if _, err := tx.Allow(access.View, gate.Thing{Kind: "organization", ID: org}); err != nil {
			return err
		}
		x.orgs[top] = &importer.Known{Rec: org}
	}
	if x.Org == 0 {
		return nil
	}
	if _, err := tx.Allow(access.View, gate.Thing{Kind: "organization", ID: x.Org}); err != nil {
		return err
	}
	x.orgs[""] = &importer.Known{Rec: x.Org}
	return nil
}

// Total counts the entries.
func (x *reading) Total() (int64, error) { return int64(len(x.vault.Entries)), nil }

// Steps are where entries go, the folders by their depth, the passwords and the files.
func (x *reading) Steps() []func() error {
	steps := []func() error{x.place}
	deepest := 0
	for _, e := range x.vault.Entries {
		deepest = max(deepest, len(e.Folder))
	}
	for depth := 1; depth <= deepest; depth++ {
		steps = append(steps, func() error { return x.folders(depth) })
	}
	return append(steps, x.passwords, x.files, x.others)
}

// passwords makes a password of each entry, and of each secret beside it.
func (x *reading) passwords() error {
	x.Stage("Passwords")
	for _, p := range x.placed {
		if x.Progress.Done++; x.Progress.Done%100 == 0 {
			x.Tell()
		}
		if err := x.Ctx.Err(); err != nil {
			return err
		}
		if err := x.password(p); err != nil {
			return err
		}
		names := map[string]int{}
		for _, h := range p.Hidden {
			if err := x.hidden(p, h, names); err != nil {
				return err
			}
		}
	}
	return nil
}

// item makes the item of an entry, or of a secret beside one.
func (x *reading) item(p *placed, foreign string, r row) *importer.Item {
	it := x.Item("password", entriesTable, foreign, p.File, p.Line)
	it.Row, it.Org = r, p.org
	it.Secret = []string{"password", "otp_secret"}
	it.Values["organization_id"] = p.org.Rec
	it.Values["password_folder_id"] = nil
	if f := x.folderOf(p); f != nil {
		it.Values["password_folder_id"] = f.Rec
		it.Marks = append(it.Marks, "folder "+p.folderKey(len(p.path)))
	}
	it.Values["archived"] = p.Archived
	it.Marks = append(it.Marks, fmt.Sprint("archived ", p.Archived))
	return it
}

func (x *reading) password(p *placed) error {
	it := x.item(p, p.foreign, row{{"name", p.Title}, {"username", p.User}, {"password", p.Password}, {"otp", p.OTP}, {"url", p.URL}, {"notes", p.Notes}})
	it.Named("Password", "username", "url")
	it.Set("username", p.User)
	it.Set("url", p.URL)
	it.Set("notes", p.Notes)
	it.Values["password"], it.Values["otp_secret"] = p.Password, strings.TrimSpace(p.OTP)
	if p.OTP != "" && secret.CheckSeed(p.OTP) != nil {
		it.Warn("Look it up here and put in the key that the other system shows.", "Line %d of %s: the one-time-code key of %s gives no codes; it is taken over as it is.", it.Line, it.File, it.Title())
	}
	for _, lost := range p.Lost {
		it.Warn("Set it up anew where it is used.", "Line %d of %s: %s has %s, which does not come in.", it.Line, it.File, it.Title(), lost)
	}
	x.past(it, p)
	return x.Decide(it)
}

// past gives a new password its earlier values.
func (x *reading) past(it *importer.Item, p *placed) {
	for _, old := range p.Past {
		if old.Password == "" || old.Password == p.Password {
			continue
		}
		reason := "Imported as an earlier password."
		if old.Until != "" {
			reason = "Imported; it was in use until " + old.Until + "."
		}
		it.Past = append(it.Past, importer.Version{Field: "password", Value: old.Password, Reason: reason})
	}
	if n := len(it.Past) - mostPast; n > 0 {
		it.Past = it.Past[n:]
	}
	if len(it.Past) > 0 && p.Password != "" {
		it.Past = append(it.Past, importer.Version{Field: "password", Value: p.Password, Reason: "Imported."})
	}
}

// mostPast is how many earlier passwords of an entry come in: the newest.
const mostPast = 50

// hidden makes a password of a secret beside the password of an entry.
func (x *reading) hidden(p *placed, h vaults.Hidden, names map[string]int) error {
	names[h.Label]++
	foreign := p.foreign + "#" + x.Sum(func(put func(string)) { put(h.Label); put(fmt.Sprint(names[h.Label])) }).String()
	name := strings.TrimSpace(p.Title + ": " + h.Label)
	it := x.item(p, foreign, row{{"name", name}, {"password", h.Value}})
	it.Named("Password")
	it.Values["password"] = h.Value
	return x.Decide(it)
}

// others lists what does not come in.
func (x *reading) others() error {
	for _, l := range x.vault.Left {
		x.Report.Unknown = append(x.Report.Unknown, importer.Unknown{File: l.What, Rows: l.Count, Note: l.Note})
	}
	for _, w := range x.vault.Warnings {
		s := problem.Warning
		if w.Skipped {
			s = problem.Error
			x.Report.Count("password", importer.Skipped)
		}
		x.Report.Add(importer.Problem{File: w.File, Line: w.Line, Severity: s, Text: w.Text, Hint: "Correct the line in the file, and import it again."})
	}
	return nil
}

// row is what an entry says, in a fixed order.
type row []struct{ name, value string }

// Has tells whether a column is so.
func (r row) Has(column string) bool {
	return slices.ContainsFunc(r, func(c struct{ name, value string }) bool { return c.name == column })
}

// Get gives the first that is not empty.
func (r row) Get(columns ...string) string {
	for _, want := range columns {
		for _, c := range r {
			if c.name == want && c.value != "" {
				return c.value
			}
		}
	}
	return ""
}

// Each calls f with what is not empty.
func (r row) Each(f func(column, value string)) {
	for _, c := range r {
		if c.value != "" {
			f(c.name, c.value)
		}
	}
}
