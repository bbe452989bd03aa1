package vaults

import (
	"errors"
	"io"
	"path"
	"strings"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
)

// kindOfTable is one table that a product writes.
type kindOfTable struct {
	product string
	needs   []string                    // columns by which it is known
	read    func(e *Entry, r table.Row) // of a row
}

// tables are the tables that are known, the more particular first.
func tables() []kindOfTable {
	return []kindOfTable{
		{Bitwarden, []string{"login_uri", "login_username", "login_password", "type", "name"}, bitwardenRow},
		{LastPass, []string{"url", "username", "password", "extra", "name", "grouping"}, lastPassRow},
		{Dashlane, []string{"username", "username2", "title", "password", "url"}, dashlaneRow},
		{KeePass, []string{"group", "title", "username", "password", "url", "notes"}, keePassRow},
		{KeePass, []string{"account", "login name", "password", "web site", "comments"}, keePassRow},
		{OnePassword, []string{"title", "url", "username", "password", "otpauth", "favorite", "archived", "tags", "notes"}, onePasswordRow},
	}
}

// tableOf finds what a table is; nil when it is none of them.
func tableOf(t *table.Reader) *kindOfTable {
next:
	for _, k := range tables() {
		for _, c := range k.needs {
			if !t.Has(c) {
				continue next
			}
		}
		return &k
	}
	return nil
}

// table reads a table of the product.
func (v *Vault) table(r io.Reader, name string) error {
	t, err := table.Read(r, name, table.Options{})
	if err != nil {
		return err
	}
	k := tableOf(t)
	if k == nil || k.product != v.Product {
		return v.strange(name)
	}
	return v.rows(t, name, k.read)
}

// rows reads the rows of a table.
func (v *Vault) rows(t *table.Reader, name string, read func(*Entry, table.Row)) error {
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		e := &Entry{File: name, Line: row.Line}
		if read(e, row); e.said() {
			v.Entries = append(v.Entries, e)
		}
		if v.Product == LastPass && e.marked() {
			v.Warnings = append(v.Warnings, Warning{File: name, Line: row.Line, Text: "LastPass may have written &, < or > as &amp;, &lt; or &gt; in this entry. It came in as it stands: compare it."})
		}
	}
	for _, w := range t.Warnings() {
		v.Warnings = append(v.Warnings, Warning{name, w.Line, w.Text, w.Skipped})
	}
	return nil
}

// marked tells whether something in an entry looks as if it had been written for a page.
func (e *Entry) marked() bool {
	all := e.Title + e.User + e.Password + e.URL + e.Notes
	return strings.Contains(all, "&amp;") || strings.Contains(all, "&lt;") || strings.Contains(all, "&gt;")
}

// said tells whether there is anything in an entry.
func (e *Entry) said() bool {
	return e.Title+e.User+e.Password+e.OTP+e.URL+e.Notes != "" || len(e.Hidden) > 0
}

// bitwardenRow: the fields of a CSV do not tell which of them are hidden, so all are.
func bitwardenRow(e *Entry, r table.Row) {
	e.Title, e.Notes = r.Get("name"), r.Get("notes")
	where, _, _ := strings.Cut(r.Get("folder", "collections"), ",")
	e.Folder = folders(where, "/")
	e.User, e.Password, e.OTP = r.Get("login_username"), r.Get("login_password"), r.Get("login_totp")
	e.Archived = r.Get("archivedDate") != ""
	for _, u := range strings.Split(r.Get("login_uri"), ",") {
		e.address("", u)
	}
	if r.Get("type") == "note" {
		e.Password, e.Notes = e.Notes, ""
	}
	for _, f := range strings.Split(r.Get("fields"), "\n") {
		if label, value, ok := strings.Cut(f, ": "); ok {
			e.hide(or(label, "Field"), value)
		} else {
			e.hide("Field", f)
		}
	}
}

// lastPassNote is the address of what is a secure note in LastPass.
const lastPassNote = "http://sn"

func lastPassRow(e *Entry, r table.Row) {
	e.Title, e.User, e.Password, e.OTP = r.Get("name"), r.Get("username"), r.Get("password"), r.Get("totp")
	e.Folder = folders(r.Get("grouping"), `\`)
	if r.Get("url") == lastPassNote {
		e.Password = r.Get("extra")
		return
	}
	if u := r.Get("url"); u != "http://" && u != "https://" { // it demands an address, and people enter none
		e.address("", u)
	}
	e.Notes = r.Get("extra")
}

func dashlaneRow(e *Entry, r table.Row) {
	e.Title, e.User, e.Password, e.Notes = r.Get("title"), r.Get("username"), r.Get("password"), r.Get("note")
	e.OTP = r.Get("otpUrl", "otpSecret")
	e.Folder = folders(r.Get("category"), "\x00")
	e.address("", r.Get("url"))
	e.note("Second user name", r.Get("username2"))
	e.note("Third user name", r.Get("username3"))
}

func keePassRow(e *Entry, r table.Row) {
	e.Title, e.User, e.Password, e.Notes = r.Get("title", "account"), r.Get("username", "login name"), r.Get("password"), r.Get("notes", "comments")
	e.OTP = r.Get("totp")
	e.address("", r.Get("url", "web site"))
	if e.Folder = folders(r.Get("group"), "/"); len(e.Folder) > 0 && (e.Folder[0] == "Root" || e.Folder[0] == "Passwords") {
		e.Folder = e.Folder[1:] // the database itself
	}
}

func onePasswordRow(e *Entry, r table.Row) {
	e.Title, e.User, e.Password, e.OTP, e.Notes = r.Get("title"), r.Get("username"), r.Get("password"), r.Get("otpauth"), r.Get("notes")
	e.address("", r.Get("url"))
	e.note("Tags", r.Get("tags"))
	archived, _ := table.ParseBool(r.Get("archived")) // what is neither is not archived
	e.Archived = archived
}

// dashlane reads the tables of a zip.
func (v *Vault) dashlane(z *archive.Archive) error {
	for _, f := range z.Files() {
		if f.Size == 0 {
			continue
		}
		name := path.Base(f.Name)
		read := map[string]func(*Entry, table.Row){"credentials.csv": dashlaneRow, "securenotes.csv": dashlaneNote, "payments.csv": dashlanePayment, "wifi.csv": dashlaneWifi}[strings.ToLower(name)]
		in, err := z.Open(f.Name)
		if err != nil {
			return err
		}
		err = v.dashlaneTable(in, name, read)
		in.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *Vault) dashlaneTable(in io.Reader, name string, read func(*Entry, table.Row)) error {
	t, err := table.Read(in, name, table.Options{})
	if fault.Is(err, fault.Invalid) && read == nil {
		v.left(name, "This file is not a table. It is not brought in.")
		return nil
	}
	if err != nil {
		return err
	}
	if read != nil {
		return v.rows(t, name, read)
	}
	n := int64(0)
	for {
		_, err := t.Next()
		if err != nil {
			break // the end, or what is broken in a file that is not brought in
		}
		n++
	}
	if n > 0 {
		v.Left = append(v.Left, Left{name, n, "These are about a person and no passwords. They are not brought in."})
	}
	return nil
}

func dashlaneNote(e *Entry, r table.Row) {
	e.Title, e.Password = r.Get("title"), r.Get("note")
	e.Folder = folders(r.Get("category"), "\x00")
}

func dashlanePayment(e *Entry, r table.Row) {
	e.Title, e.User, e.Notes = r.Get("account_name", "name", "issuing_bank"), r.Get("account_holder"), r.Get("note")
	e.note("Type", r.Get("type"))
	e.note("Bank", r.Get("issuing_bank"))
	e.note("Expires", strings.Trim(r.Get("expiration_month")+"/"+r.Get("expiration_year"), "/"))
	e.Password = r.Get("cc_number", "account_number")
	e.hide("Security code", r.Get("code"))
	e.hide("Routing number", r.Get("routing_number"))
}

func dashlaneWifi(e *Entry, r table.Row) {
	e.Title, e.User, e.Password, e.Notes = r.Get("name", "ssid"), r.Get("ssid"), r.Get("passphrase", "password"), r.Get("note")
	e.note("Encryption", r.Get("encryption_type"))
}
