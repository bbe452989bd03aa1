package shell

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// FilesCard is the card of a record's files ("files-card"). A page that shows it
// defines {{define "files"}}{{template "files-card" .Data.Files}}{{end}}.
type FilesCard struct {
	Files []FileLine
	Drop  *ui.Drop   // nil for who may not add
	More  []*ui.Drop // for the fields of the record that hold files
}

// FileLine is a line of it.
type FileLine struct {
	Field string // of the record, that it belongs to; empty for none
	Name  string
	Page  string // where it is renamed and removed
	Href  string // its content
	Icon  string
	Image string // address of the picture itself, when it is one
	Size  int64
	Time  time.Time
}

// FilesOf reads the card of a record's files; nil when there are none and none
// may be added.
func (v *Visit) FilesOf(tx *gate.Tx, r *record.Record) (*FilesCard, error) {
	if v.files == nil {
		return nil, nil
	}
	return v.files(v, tx, r)
}

// Stream answers with the content of a file that people gave. A file is shown in
// place only when inline says that browsers draw its type; everything else is a
// download, and nothing in it may run.
func (v *Visit) Stream(name, typ string, inline bool, content io.ReadSeeker) {
	h := v.W.Header()
	how := "attachment"
	if inline {
		how = "inline"
	}
	if strings.HasPrefix(typ, "text/") {
		typ = "text/plain; charset=utf-8"
	}
	h.Set("Content-Type", typ)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", Disposition(how, name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	web.NoStore(v.W) // a tenant's files do not stay on a borrowed computer
	web.NoCompress(v.W)
	http.ServeContent(v.W, v.R, "", time.Time{}, content)
}

// Disposition is the header that says how a file is kept: "inline" or
// "attachment", and its name.
func Disposition(how, name string) string {
	if s := mime.FormatMediaType(how, map[string]string{"filename": name}); s != "" {
		return s
	}
	return how
}

// CSV answers with a file for a spreadsheet, named for what it holds and today.
func (v *Visit) CSV(name string, content []byte) error {
	h := v.W.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+v.Today().Format(time.DateOnly)+`.csv"`)
	v.W.WriteHeader(http.StatusOK)
	_, err := v.W.Write(content)
	return err
}
