package exporter

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/bitjson"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/kdbx"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/exporter/order"
)

// login is a password that goes out.
type login struct {
	id                            id.ID
	folders                       []string // the organization first
	name, username, password, otp string
	url, notes                    string
	archived                      bool
	changed                       int64 // Unix milliseconds
}

// portable writes the passwords that the caller sees in the chosen format.
func (r *run) portable(out io.Writer) error {
	if r.o.NoSecrets {
		return fault.New(fault.Denied, "The tenant's settings do not let you have passwords in exports.").
			WithHint("See /password-exports: it may take the consent of an administrator.")
	}
	k := r.e.Records.Kinds.Kind("password")
	if err := r.view(func(tx *gate.Tx) error { return r.planTable(tx, k.Name, k.Plural) }); err != nil {
		return err
	}
	folders, err := r.filing()
	if err != nil {
		return err
	}
	r.stage(k.Labels)
	var all []login
	err = r.records(k.Name, r.ids[k.Plural], chunk, func(list []*record.Record) error {
		if r.o.NoSecrets { // the setting was changed meanwhile
			return fault.New(fault.Denied, "The tenant's settings do not let you have passwords in exports any more.")
		}
		secrets, err := r.secretsOf(k, list)
		if err != nil {
			return err
		}
		for _, rec := range list {
			all = append(all, entryOf(rec, folders, secrets))
		}
		r.did(k.Name, len(list))
		return nil
	})
	if err != nil {
		return err
	}
	switch r.o.Format {
	case order.KDBX:
		return r.kdbx(out, all)
	case order.Bitwarden:
		return r.bitwarden(out, all)
	}
	return r.csv(all)
}

// filing gives the path of each folder of passwords that the caller sees.
func (r *run) filing() (map[id.ID][]string, error) {
	var ids []id.ID
	err := r.view(func(tx *gate.Tx) (err error) { ids, err = r.idsOf(tx, "password_folder"); return err })
	out := map[id.ID][]string{}
	if err != nil {
		return nil, err
	}
	err = r.records("password_folder", ids, chunk, func(list []*record.Record) error {
		for _, rec := range list { // those above come first
			out[rec.ID] = append(slices.Clone(out[rec.Values.ID("parent_id")]), rec.Name)
		}
		return nil
	})
	return out, err
}

func entryOf(rec *record.Record, folders map[id.ID][]string, secrets map[secret.Ref]string) login {
	v := rec.Values
	changed, _ := v["password_updated_at"].(int64)
	return login{
		id: rec.ID, name: rec.Name, username: v.Text("username"), url: v.Text("url"), notes: v.Text("notes"), archived: rec.Archived, changed: changed,
		password: secrets[secretRef(rec, "password")], otp: secrets[secretRef(rec, "otp_secret")],
		folders: append([]string{rec.OrgName}, folders[v.ID("password_folder_id")]...),
	}
}

// address is a seed as authenticators read it.
func (l *login) address() string {
	if l.otp == "" || strings.Contains(l.otp, ":") {
		return l.otp
	}
	return "otpauth://totp/Strongroom?secret=" + l.otp
}

// path is where a login is filed, in one text; a stroke within a name is another one there.
func (l *login) path() string {
	parts := slices.Clone(l.folders)
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, "/", "\u2215")
	}
	return strings.Join(parts, "/")
}

func (r *run) kdbx(out io.Writer, all []login) error {
	root := &kdbx.Group{Name: "Strongroom"}
	groups := map[string]*kdbx.Group{"": root}
	var at func(path []string) *kdbx.Group
	at = func(path []string) *kdbx.Group {
		key := strings.Join(path, "\x00")
		if len(path) == 0 {
			return root
		}
		if groups[key] == nil {
			above := at(path[:len(path)-1])
			groups[key] = &kdbx.Group{Name: path[len(path)-1]}
			above.Groups = append(above.Groups, groups[key])
		}
		return groups[key]
	}
	for _, l := range all {
		e := &kdbx.Entry{Fields: []kdbx.Field{{Name: "Title", Value: l.name}, {Name: "UserName", Value: l.username}, {Name: "Password", Value: l.password, Protected: true},
			{Name: "URL", Value: l.url}, {Name: "Notes", Value: l.notes}}}
		if l.otp != "" {
			e.Fields = append(e.Fields, kdbx.Field{Name: "otp", Value: l.address(), Protected: true})
		}
		if l.changed != 0 {
			e.Changed = time.UnixMilli(l.changed).UTC()
		}
		g := at(l.folders)
		g.Entries = append(g.Entries, e)
	}
	b, err := kdbx.Seal(&kdbx.Database{Root: root}, r.o.Password, kdbx.Cost(r.e.Cost))
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// The JSON of Bitwarden, as far as it is written.
type (
	bitFile struct {
		Encrypted bool        `json:"encrypted"`
		Folders   []bitFolder `json:"folders"`
		Items     []bitItem   `json:"items"`
	}
	bitFolder struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	bitItem struct {
		ID       string   `json:"id"`
		FolderID string   `json:"folderId"`
		Type     int      `json:"type"`
		Name     string   `json:"name"`
		Notes    string   `json:"notes,omitempty"`
		Archived string   `json:"archivedDate,omitempty"`
		Login    bitLogin `json:"login"`
	}
	bitLogin struct {
		URIs     []bitURI `json:"uris"`
		Username string   `json:"username"`
		Password string   `json:"password"`
		TOTP     string   `json:"totp,omitempty"`
	}
	bitURI struct {
		URI string `json:"uri"`
	}
)

func (r *run) bitwarden(out io.Writer, all []login) error {
	f := bitFile{Folders: []bitFolder{}, Items: []bitItem{}}
	known := map[string]string{}
	for _, l := range all {
		path := l.path()
		if known[path] == "" {
			known[path] = "folder-" + strconv.Itoa(len(known)+1)
			f.Folders = append(f.Folders, bitFolder{known[path], path})
		}
		it := bitItem{ID: l.id.String(), FolderID: known[path], Type: 1, Name: l.name, Notes: l.notes, Login: bitLogin{Username: l.username, Password: l.password, TOTP: l.otp, URIs: []bitURI{}}}
		if l.url != "" {
			it.Login.URIs = append(it.Login.URIs, bitURI{l.url})
		}
		if l.archived {
			it.Archived = r.now.UTC().Format(time.RFC3339)
		}
		f.Items = append(f.Items, it)
	}
	plain, err := json.Marshal(f)
	if err != nil {
		return err
	}
	rounds := bitjson.Rounds
	if r.e.Cost.Passes != 0 {
		rounds = 5000
	}
	b, err := bitjson.Seal(plain, r.o.Password, rounds)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// csv writes the columns of Bitwarden into the zip. Values are as they are: a guard against
// formulas would change passwords.
func (r *run) csv(all []login) error {
	w, err := r.add("passwords.csv")
	if err != nil {
		return err
	}
	c := csv.NewWriter(w)
	rows := [][]string{{"folder", "favorite", "type", "name", "notes", "fields", "reprompt", "login_uri", "login_username", "login_password", "login_totp", "archivedDate"}}
	for _, l := range all {
		archived := ""
		if l.archived {
			archived = r.now.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{l.path(), "", "login", l.name, l.notes, "", "0", l.url, l.username, l.password, l.otp, archived})
	}
	if err := c.WriteAll(rows); err != nil {
		return err
	}
	return r.zip.Close()
}
