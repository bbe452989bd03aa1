package itglue

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/surface/itglue/value"
)

// listExports answers with the caller's exports, newest first unless another
// order is asked for.
func listExports(c *call) error {
	var list []*exporter.File
	err := c.view(func(tx *gate.Tx) (err error) {
		list, err = c.Exports.List(tx)
		return err
	})
	if err != nil {
		return err
	}
	if f, ok := c.query.Filter("id"); ok && f.Raw != "" {
		parts, _ := jsonapi.Split(f.Raw)
		list = slices.DeleteFunc(list, func(x *exporter.File) bool { return slices.Contains(parts, x.ID.String()) == (f.Op == jsonapi.Not) })
	}
	slices.SortStableFunc(list, func(x, y *exporter.File) int {
		for _, o := range c.query.Sort {
			n := map[string]int{"created_at": cmp.Compare(x.Created, y.Created), "updated_at": cmp.Compare(x.Updated, y.Updated)}[o.Name]
			if o.Desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	var items [][]byte
	for _, f := range list {
		items = append(items, c.export(f))
	}
	return c.answerPart(items)
}

func (c *call) export(f *exporter.File) []byte {
	status, url := f.State, ""
	switch f.State {
	case job.Done:
		status, url = "completed", c.host+"/api/v1/exports/"+f.ID.String()+"/download"
	case job.Waiting:
		status = "pending"
	}
	b := jsonapi.StartItem(f.ID.String(), "exports")
	b = value.Plain(jsonapi.Attr(b, "organization-id"), f.Org)
	b = value.Text(jsonapi.Attr(b, "organization-name"), f.OrgName)
	b = value.Plain(jsonapi.Attr(b, "export-all"), f.Org == 0)
	b = value.Plain(jsonapi.Attr(b, "include-logs"), false) // the log is exported on its own
	b = value.Plain(jsonapi.Attr(b, "encrypted-status"), f.Locked)
	b = value.Text(jsonapi.Attr(b, "export-status"), status)
	b = value.Text(jsonapi.Attr(b, "error"), f.Error)
	b = value.Text(jsonapi.Attr(b, "download-url"), url)
	b = value.Plain(jsonapi.Attr(b, "file-size"), f.Size)
	b = value.Plain(jsonapi.Attr(b, "withheld-count"), f.Withheld)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), f.Created)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), f.Updated)
	return jsonapi.EndItem(b)
}

func showExport(c *call) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	return c.answerExport(http.StatusOK, file)
}

func (c *call) answerExport(status int, file id.ID) error {
	var f *exporter.File
	err := c.view(func(tx *gate.Tx) (err error) {
		f, err = c.Exports.Get(tx, file)
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(status, [][]byte{c.export(f)}, false)
}

// startExport answers POST: an export of everything, or of one organization.
func startExport(c *call) error {
	item, err := c.item()
	if err != nil {
		return err
	}
	var o exporter.Options
	f := record.Field{Name: "organization_id", Label: "Organization", Type: record.Ref, Ref: "organization"}
	p, err := f.Parse(item.Attributes["organization_id"])
	if err != nil {
		return err
	}
	o.Org, _ = p.(id.ID)
	o.Password, _ = item.Attributes["zip_password"].(string)
	file, err := c.Exports.Start(c.ctx, c.caller, o)
	if o.Org != 0 && fault.Is(err, fault.NotFound) {
		err = fault.Field("organization_id", "Organization does not exist, or you may not see it.")
	}
	if err != nil {
		return err
	}
	return c.answerExport(http.StatusCreated, file)
}

func removeExport(c *call) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	if err := c.Exports.Remove(c.ctx, c.caller, file); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// downloadExport sends the zip of a finished export.
func downloadExport(c *call) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	zip, err := c.Exports.Open(c.ctx, c.caller, file)
	if err != nil {
		return err
	}
	defer zip.Close()
	h := c.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "export-" + file.String() + ".zip"}))
	http.ServeContent(c.w, c.r, "", time.Time{}, zip)
	return nil
}
