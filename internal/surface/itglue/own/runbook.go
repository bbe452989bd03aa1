package own

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/paper"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/surface/itglue/value"
)

func bookItem(r *runbook.Runbook) []byte {
	b := jsonapi.StartItem(r.ID.String(), "runbooks")
	b = value.Text(jsonapi.Attr(b, "name"), r.Name)
	b = value.Plain(jsonapi.Attr(b, "organization-id"), r.Org)
	b = value.Text(jsonapi.Attr(b, "organization-name"), r.OrgName)
	b = value.Plain(jsonapi.Attr(b, "owner-id"), r.Owner)
	b = value.Text(jsonapi.Attr(b, "owner-name"), r.OwnerName)
	parts := []runbook.Part{}
	b = object(jsonapi.Attr(b, "parts"), append(parts, r.Parts...))
	b = value.Plain(jsonapi.Attr(b, "archived"), r.Archived)
	b = value.Plain(jsonapi.Attr(b, "related"), r.Related)
	b = value.Text(jsonapi.Attr(b, "size"), string(r.Size))
	b = value.Text(jsonapi.Attr(b, "rhythm"), string(r.When.Rhythm))
	for _, n := range []struct {
		name string
		n    int
	}{{"day", r.When.Day}, {"hour", r.When.Hour}, {"minute", r.When.Minute}, {"keep", r.Keep}} {
		b = value.Plain(jsonapi.Attr(b, n.name), int64(n.n))
	}
	b = jsonapi.AppendTime(jsonapi.Attr(b, "next-at"), r.Next)
	return jsonapi.EndItem(value.Text(jsonapi.Attr(b, "stopped"), r.Stopped))
}

func listRunbooks(c *Call) error {
	var items [][]byte
	err := c.view(func(tx *gate.Tx) error {
		list, err := c.Runbooks.List(tx)
		items = nil
		for _, r := range list {
			items = append(items, bookItem(r))
		}
		return err
	})
	if err != nil {
		return err
	}
	number, size := c.Query.Page()
	from := min((number-1)*size, len(items))
	return c.Page(items[from:min(from+size, len(items))], int64(len(items)))
}

// book finds the runbook of the address.
func (c *Call) book() (r *runbook.Runbook, err error) {
	n, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	err = c.view(func(tx *gate.Tx) (err error) {
		r, err = c.Runbooks.Get(tx, n)
		return err
	})
	return r, err
}

func showRunbook(c *Call) error {
	r, err := c.book()
	if err != nil {
		return err
	}
	return c.one(http.StatusOK, bookItem(r))
}

// fill sets what a body says of a runbook.
func fill(r *runbook.Runbook, it jsonapi.Item) error {
	if s, ok := it.Attributes["name"].(string); ok {
		r.Name = s
	}
	if s, ok := it.Attributes["size"].(string); ok {
		r.Size = paper.Size(s)
	}
	if s, ok := it.Attributes["rhythm"].(string); ok {
		r.When.Rhythm = rhythm.Rhythm(s)
	}
	if v, ok := it.Attributes["organization_id"]; ok {
		f := record.Field{Name: "organization_id", Label: "Organization", Type: record.Ref, Ref: "organization"}
		p, err := f.Parse(v)
		if err != nil {
			return err
		}
		r.Org, _ = p.(id.ID)
	}
	for name, to := range map[string]*bool{"archived": &r.Archived, "related": &r.Related} {
		on, set, err := boolIn(it, name)
		if err != nil {
			return err
		}
		if set {
			*to = on
		}
	}
	for name, to := range map[string]*int{"day": &r.When.Day, "hour": &r.When.Hour, "minute": &r.When.Minute, "keep": &r.Keep} {
		if v, ok := it.Attributes[name]; ok && v != nil {
			b, _ := json.Marshal(v)
			n, err := strconv.Atoi(string(b))
			if err != nil {
				return wrong(name, "This must be a whole number.")
			}
			*to = n
		}
	}
	return parts(r, it)
}

func parts(r *runbook.Runbook, it jsonapi.Item) error {
	v, ok := it.Attributes["parts"]
	if !ok {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.Parts = nil
	if err := json.Unmarshal(b, &r.Parts); err != nil {
		return wrong("parts", "Parts are a list of objects with a kind, and perhaps of.")
	}
	return nil
}

// saved keeps a runbook as a body says.
func (c *Call) saved(r *runbook.Runbook, status int) error {
	it, err := c.Item()
	if err == nil {
		err = fill(r, it)
	}
	if err == nil {
		err = c.Runbooks.Save(c.Ctx, c.Caller, r)
	}
	if err != nil {
		return err
	}
	err = c.view(func(tx *gate.Tx) (err error) {
		r, err = c.Runbooks.Get(tx, r.ID)
		return err
	})
	if err != nil {
		return err
	}
	return c.one(status, bookItem(r))
}

func createRunbook(c *Call) error { return c.saved(&runbook.Runbook{}, http.StatusCreated) }

func updateRunbook(c *Call) error {
	r, err := c.book()
	if err != nil {
		return err
	}
	return c.saved(r, http.StatusOK)
}

func removeRunbook(c *Call) error {
	r, err := c.book()
	if err == nil {
		err = c.Runbooks.Remove(c.Ctx, c.Caller, r.ID)
	}
	if err != nil {
		return err
	}
	return c.done()
}

func (c *Call) made(f *runbook.File) []byte {
	b := jsonapi.StartItem(f.ID.String(), "runbook-files")
	b = value.Plain(jsonapi.Attr(b, "runbook-id"), f.Runbook)
	b = value.Text(jsonapi.Attr(b, "state"), f.State)
	b = value.Text(jsonapi.Attr(b, "error"), f.Error)
	b = value.Plain(jsonapi.Attr(b, "file-size"), f.Size)
	b = value.Plain(jsonapi.Attr(b, "pages"), int64(f.Pages))
	b = value.Plain(jsonapi.Attr(b, "planned"), f.Planned)
	url := ""
	if f.State == job.Done {
		url = c.Host + "/api/v1/runbook_files/" + f.ID.String() + "/download"
	}
	b = value.Text(jsonapi.Attr(b, "download-url"), url)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), f.Created)
	return jsonapi.EndItem(jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), f.Updated))
}

func listMade(c *Call) error {
	r, err := c.book()
	if err != nil {
		return err
	}
	var items [][]byte
	for _, f := range r.Files {
		items = append(items, c.made(f))
	}
	return c.all(items)
}

func makeRunbook(c *Call) error {
	it, err := c.Item()
	if err != nil {
		return err
	}
	book, err := idIn(it, "runbook_id")
	if err != nil {
		return err
	}
	file, err := c.Runbooks.Make(c.Ctx, c.Caller, book)
	if fault.Is(err, fault.NotFound) {
		err = wrong("runbook_id", "There is no such runbook of yours.")
	}
	if err != nil {
		return err
	}
	return c.answerMade(http.StatusCreated, file)
}

func (c *Call) answerMade(status int, file id.ID) error {
	var f *runbook.File
	err := c.view(func(tx *gate.Tx) (err error) {
		_, f, err = c.Runbooks.File(tx, file)
		return err
	})
	if err != nil {
		return err
	}
	return c.one(status, c.made(f))
}

func showMade(c *Call) error {
	file, err := c.ID("id")
	if err != nil {
		return err
	}
	return c.answerMade(http.StatusOK, file)
}

func downloadMade(c *Call) error {
	file, err := c.ID("id")
	if err != nil {
		return err
	}
	in, err := c.Runbooks.Open(c.Ctx, c.Caller, file)
	if err != nil {
		return err
	}
	defer in.Close()
	h := c.W.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": in.Name + ".pdf"}))
	http.ServeContent(c.W, c.R, "", time.Time{}, in)
	return nil
}
