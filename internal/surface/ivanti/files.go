package ivanti

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/surface/ivanti/odata"
)

// The addresses of files.
const (
	filesAt     = "/rest/attachment"
	fileSet     = "attachments"
	containsAll = "containsattachment" // behind the name of an object, the relationship to its files
)

// mostHeld is how much of a file is held in memory when it comes before the fields that
// say where it belongs.
const mostHeld = 16 << 20

func (a *API) mountFiles() {
	most := int64(attachment.DefaultMax)
	if a.Attachments != nil && a.Attachments.Max > 0 {
		most = a.Attachments.Max
	}
	at := func(pattern string, fn func(*call) error, o ...web.Option) { a.mux.Handle(pattern, a.called(fn), o...) }
	at("POST "+filesAt, upload, web.MaxBody(most+1<<20), web.Within(0))
	at("GET "+filesAt, download, web.Within(0))
	at("GET "+filesAt+"/{id}", download, web.Within(0))
	at("DELETE "+filesAt, removeFile)
	at("DELETE "+filesAt+"/{id}", removeFile)
	at("GET "+business+fileSet, listFiles)
	at("GET "+business+fileSet+"/{id}", showFile)
	at("DELETE "+business+fileSet+"/{id}", removeFile)
}

// mountFilesOf mounts the relationship to the files of an object.
func (a *API) mountFilesOf(o *object) {
	if o.kind.Scope != record.OfOrganization && o.kind.Scope != record.Organization {
		return
	}
	a.mux.Handle("GET "+business+o.set+"/{parent}/"+strings.ToLower(o.name)+containsAll, a.called(func(c *call) error {
		parent, err := c.parent()
		if err != nil {
			return err
		}
		return c.answerFiles(parent, o)
	}))
}

// objectOf finds an object by its name, as in Incident# or Task#Assignment.
func (a *API) objectOf(name string) *object {
	name, _, _ = strings.Cut(strings.TrimSpace(name), "#")
	for _, o := range a.objects {
		if strings.EqualFold(o.name, name) {
			return o
		}
	}
	return nil
}

// fileID reads which file is meant: from the path, or from the parameter ID.
func (c *call) fileID() (id.ID, error) {
	text := c.r.PathValue("id")
	for name, v := range c.r.URL.Query() {
		if strings.EqualFold(name, "id") && text == "" {
			text = v[0]
		}
	}
	rid, ok := id.Parse(strings.Trim(text, "'"))
	if !ok {
		return 0, gate.Missing()
	}
	return rid, nil
}

// uploading is what a form has said so far.
type uploading struct {
	object, typ string // where the file belongs
	name        string // of the file
	content     io.Reader
}

// upload answers POST of a form with one file.
func upload(c *call) error {
	form, err := c.r.MultipartReader()
	if err != nil {
		return fault.New(fault.Invalid, "The body is no form with a file.").WithHint("Send multipart/form-data with ObjectID, ObjectType and a file.")
	}
	var up uploading
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "The form did not arrive completely.").WithHint("Send it again.")
		}
		if part.FileName() != "" && up.content == nil {
			up.name, up.content = part.FileName(), part
			if up.object != "" && up.typ != "" {
				return c.keep(up) // streamed: nothing behind it is read
			}
			held, err := io.ReadAll(io.LimitReader(part, mostHeld+1))
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "The form did not arrive completely.").WithHint("Send it again.")
			}
			if len(held) > mostHeld {
				return fault.New(fault.Invalid, "The file comes before the fields that say where it belongs, and is bigger than %d MiB.", mostHeld>>20).WithHint("Send ObjectID and ObjectType before the file.")
			}
			up.content = bytes.NewReader(held)
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, 1<<10))
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "The form did not arrive completely.").WithHint("Send it again.")
		}
		switch strings.ToLower(part.FormName()) {
		case "objectid", "businessobjectid":
			up.object = string(value)
		case "objecttype":
			up.typ = string(value)
		}
	}
	return c.keep(up)
}

// keep attaches a file to what the form names. A second file of the same name is refused.
func (c *call) keep(up uploading) error {
	o := c.objectOf(up.typ)
	switch {
	case up.content == nil:
		return fault.New(fault.Invalid, "There is no file in the form.").WithHint("Send ObjectID, ObjectType and one file.")
	case o == nil:
		return fault.New(fault.Invalid, "ObjectType is no object.").WithHint("It is of the form Incident#.")
	}
	rid, ok := id.Parse(up.object)
	if !ok {
		return gate.Missing()
	}
	same := false
	err := c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		if _, err := c.Records.Get(tx, o.kind.Name, rid); err != nil {
			return err
		}
		list, err := attachment.List(tx, rid, attachment.Attached)
		for _, f := range list {
			same = same || strings.EqualFold(f.FileName, attachment.CleanName(up.name))
		}
		return err
	})
	if err != nil {
		return err
	}
	if same {
		return c.refuse("A file of this name is there already.")
	}
	f, err := c.Attachments.Add(c.r.Context(), c.caller, rid, up.name, up.content)
	if say := fault.Say(err); err != nil && len(say.Fields) > 0 {
		return c.refuse(say.Fields["attachment"])
	}
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, []map[string]any{{"FileName": f.FileName, "IsUploaded": true, "Message": f.ID.RecID()}})
}

// refuse answers as Ivanti does when a file is not taken: 300.
func (c *call) refuse(why string) error {
	return web.JSON(c.w, http.StatusMultipleChoices, failure{Code: "ISM_3000", Description: why, Message: []string{why}})
}

// download sends a file's content, never to be shown in place.
func download(c *call) error {
	file, err := c.fileID()
	if err != nil {
		return err
	}
	f, content, err := c.Attachments.Open(c.r.Context(), c.caller, file)
	if err != nil {
		return err
	}
	defer content.Close()
	web.Download(c.w, c.r, f.FileName, f.Type, time.UnixMilli(f.Created), content)
	return nil
}

// removeFile answers DELETE of a file: what is taken off a record is gone.
func removeFile(c *call) error {
	file, err := c.fileID()
	if err != nil {
		return err
	}
	if err := c.Attachments.Remove(c.r.Context(), c.caller, file); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// listFiles answers GET of the set of files, which are asked for by what they belong to.
func listFiles(c *call) error {
	q, err := odata.Parse(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	ask := fault.New(fault.Invalid, "Files are listed by what they belong to.").WithHint("Use $filter=ParentLink_RecID eq 'RecId'.")
	if len(q.Filter) != 1 || len(q.Filter[0]) != 1 {
		return ask
	}
	t := q.Filter[0][0]
	text, ok := t.Value.(string)
	if !ok || t.Op != odata.Equal || !strings.EqualFold(t.Field, "ParentLink_RecID") && !strings.EqualFold(t.Field, "ParentLink") {
		return ask
	}
	parent, _ := id.Parse(text) // what is no RecId is nobody's
	return c.answerFiles(parent, nil)
}

// answerFiles lists the files of a record, which is of o unless that is nil. Of what the
// caller may not see there are none.
func (c *call) answerFiles(parent id.ID, o *object) error {
	q, err := odata.Parse(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	var list []*attachment.File
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		if o != nil {
			if _, err := c.Records.Get(tx, o.kind.Name, parent); err != nil {
				return err
			}
		}
		list, err = attachment.List(tx, parent, attachment.Attached)
		if o == nil && fault.Is(err, fault.NotFound) {
			list, err = nil, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	b := strconv.AppendInt([]byte(`{"@odata.count":`), int64(len(list)), 10)
	b = append(b, `,"value":[`...)
	from := min(q.Skip, len(list))
	for i, f := range list[from:min(from+q.Top, len(list))] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, file(f)...)
	}
	return c.answer(http.StatusOK, append(b, "]}"...))
}

func showFile(c *call) error {
	rid, err := c.fileID()
	if err != nil {
		return err
	}
	var b []byte
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		f, err := attachment.Get(tx, rid)
		if err != nil {
			return err
		}
		if f.Role != attachment.Attached {
			return gate.Missing()
		}
		b = file(f)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, b)
}

// file is a file as an object.
func file(f *attachment.File) []byte {
	b := jsonapi.AppendString([]byte(`{"RecId":`), f.ID.RecID())
	b = jsonapi.AppendString(append(b, `,"ATTACHNAME":`...), f.FileName)
	b = jsonapi.AppendString(append(b, `,"ATTACHDESC":`...), f.Name)
	b = strconv.AppendInt(append(b, `,"ATTACHSIZE":`...), f.Size, 10)
	b = jsonapi.AppendString(append(b, `,"ParentLink_RecID":`...), f.Record.RecID())
	b = jsonapi.AppendString(append(b, `,"CreatedDateTime":`...), instant(f.Created))
	return append(jsonapi.AppendString(append(b, `,"LastModDateTime":`...), instant(f.Updated)), '}')
}
