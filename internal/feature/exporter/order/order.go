// Package order says what can be asked of an export, and what is told of one.
//
// Always true: a file of passwords alone has a reason, and a password that is not tried in a
// moment.
package order

import (
	"io"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/id"
)

// The formats of exports beside IT Glue's, which is "". They hold passwords alone, as
// password managers read them, filed by organization and folder.
const (
	KDBX      = "kdbx"      // KeePass 4; a passphrase opens it
	Bitwarden = "bitwarden" // Bitwarden's JSON; a password of its own opens it
	CSV       = "csv"       // the columns of Bitwarden, in a zip that a password opens
)

// Formats lists them.
func Formats() []string { return []string{KDBX, Bitwarden, CSV} }

// shortest is how many characters the password of such a file has at least: what it holds is
// tried offline.
const shortest = 12

// Options say what to export; the zero value is everything that the caller may
// see.
type Options struct {
	Org       id.ID  // only this organization
	Password  string // of the zip: every entry is AES-256; names of entries stay readable
	Reason    string // recorded with each secret
	NoSecrets bool   // leaves passwords and one-time-code seeds empty
	Format    string // "" is IT Glue's; see Formats
}

// Portable tells whether an export is one of passwords alone.
func (o Options) Portable() bool { return o.Format != "" }

// Check refuses options of an export of passwords that lack something: Invalid with fields.
func (o Options) Check() error {
	if !o.Portable() {
		return nil
	}
	bad := map[string]string{}
	if !slices.Contains(Formats(), o.Format) {
		bad["format"] = "Choose one of the formats."
	}
	if len([]rune(o.Password)) < shortest {
		bad["password"] = "Choose a password for the file of at least 12 characters: whoever has the file can try others."
	}
	if strings.TrimSpace(o.Reason) == "" {
		bad["reason"] = "Say why these passwords leave."
	}
	return fault.Fields(bad)
}

// File is an export that was asked for.
type File struct {
	ID      id.ID
	Org     id.ID  // 0 for everything
	OrgName string // where the caller may see it
	Locked  bool   // the zip has a password
	Format  string // "" is IT Glue's; see Formats
	By      id.ID  // who asked for it
	Size    int64  // bytes, once it is done
	State   string // of its job: job.Waiting, job.Running, job.Done, job.Failed or job.Cancelled
	Error   string // why it failed

	Withheld int64 // secrets that it lacks, for want of an approval or a check-out; it names them itself

	Created, Updated int64 // Unix milliseconds
}

// FileName is how the file is called.
func (f *File) FileName() string {
	switch f.Format {
	case KDBX:
		return "passwords-" + f.ID.String() + ".kdbx"
	case Bitwarden:
		return "passwords-" + f.ID.String() + ".json"
	case CSV:
		return "passwords-" + f.ID.String() + ".zip"
	}
	return "export-" + f.ID.String() + ".zip"
}

// Opened is the file of an export.
type Opened struct {
	io.ReadSeeker
	Size  int64
	Ended func() error
}

// Close ends reading.
func (o *Opened) Close() error { return o.Ended() }
