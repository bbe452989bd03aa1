package itglue

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/itglue/value"
)

// maxUpload is how big the body of an upload may be: a file, in base64 at worst.
func (a *API) maxUpload() int64 {
	most := int64(attachment.DefaultMax)
	if a.Attachments != nil && a.Attachments.Max > 0 {
		most = a.Attachments.Max
	}
	return most + most/2 + 1<<20
}

// file writes the resource object of an attachment.
func (c *call) file(f *attachment.File) []byte {
	b := jsonapi.StartItem(f.ID.String(), "attachments")
	b = value.Text(jsonapi.Attr(b, "name"), f.Name)
	b = value.Text(jsonapi.Attr(b, "attachment-file-name"), f.FileName)
	b = value.Text(jsonapi.Attr(b, "attachment-content-type"), f.Type)
	b = value.Plain(jsonapi.Attr(b, "attachment-file-size"), f.Size)
	b = value.Text(jsonapi.Attr(b, "ext"), attachment.Ext(f.FileName))
	b = value.Plain(jsonapi.Attr(b, "viewable"), attachment.Viewable(f.Type))
	b = value.Text(jsonapi.Attr(b, "download-url"), c.host+"/api/v1/attachments/"+f.ID.String()+"/download")
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), f.Created)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), f.Updated)
	return jsonapi.EndItem(b)
}

func listFiles(c *call, res *resource) error {
	var items [][]byte
	err := c.view(func(tx *gate.Tx) error {
		parent, err := c.owner(tx, res)
		if err != nil {
			return err
		}
		list, err := attachment.List(tx, parent, attachment.Attached)
		for _, f := range list {
			items = append(items, c.file(f))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.answerPart(items)
}

// fileOf finds an attachment of the record in the path.
func (c *call) fileOf(tx *gate.Tx, res *resource, file id.ID) (*attachment.File, error) {
	parent, err := c.owner(tx, res)
	if err != nil {
		return nil, err
	}
	f, err := attachment.Get(tx, file)
	if err == nil && (f.Record != parent || f.Role != attachment.Attached) {
		return nil, gate.Missing()
	}
	return f, err
}

func showFile(c *call, res *resource) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	var out []byte
	err = c.view(func(tx *gate.Tx) error {
		f, err := c.fileOf(tx, res, file)
		if err == nil {
			out = c.file(f)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{out}, false)
}

func renameFile(c *call, res *resource) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	item, err := c.item()
	if err != nil {
		return err
	}
	var out []byte
	err = c.editOwner(res, func(tx *gate.Tx, _ id.ID) error {
		f, err := c.fileOf(tx, res, file)
		if err != nil {
			return err
		}
		if name, ok := item.Attributes["name"].(string); ok && strings.TrimSpace(name) != "" {
			if f, err = attachment.Rename(tx, file, name); err != nil {
				return err
			}
		}
		out = c.file(f)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{out}, false)
}

// ownerID decides that the record in the path may be seen, outside of any
// transaction that lasts.
func (c *call) ownerID(res *resource) (parent id.ID, err error) {
	err = c.view(func(tx *gate.Tx) error {
		parent, err = c.owner(tx, res)
		return err
	})
	return parent, err
}

func addFiles(c *call, res *resource) error {
	parent, err := c.ownerID(res)
	if err != nil {
		return err
	}
	add := func(name string, content io.Reader) (*attachment.File, error) {
		return c.Attachments.Add(c.ctx, c.caller, parent, name, content)
	}
	if isMultipart(c.r) {
		f, err := c.upload(add)
		if err != nil {
			return err
		}
		return c.answerItems(http.StatusCreated, [][]byte{c.file(f)}, false)
	}
	d, err := c.upJSON()
	if err != nil {
		return err
	}
	var items [][]byte
	for i, item := range d.Items {
		name, content, err := value.File("attachment", item.Attributes["attachment"])
		if err != nil {
			return at(i, d.Many, err)
		}
		f, err := add(name, content)
		if err != nil {
			return at(i, d.Many, err)
		}
		items = append(items, c.file(f))
	}
	return c.answerItems(http.StatusCreated, items, d.Many)
}

// upJSON reads a document that holds files, which may be bigger than others.
func (c *call) upJSON() (jsonapi.Document, error) {
	if c.r.ContentLength > maxJSON {
		return jsonapi.Document{}, &http.MaxBytesError{Limit: maxJSON}
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxJSON)
	d, err := c.document()
	if err == nil && len(d.Items) == 0 {
		err = jsonapi.Malformed("There is nothing in data.")
	}
	return d, err
}

func isMultipart(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "multipart/form-data"
}

// upload streams the first file of a form into add.
func (c *call) upload(add func(string, io.Reader) (*attachment.File, error)) (*attachment.File, error) {
	form, err := c.r.MultipartReader()
	if err != nil {
		return nil, jsonapi.Malformed("The form cannot be read.")
	}
	for {
		var part *multipart.Part
		part, err = form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, fault.Field("attachment", "There is no file in the form.")
		}
		if err != nil {
			return nil, jsonapi.Malformed("The form did not arrive completely.")
		}
		if part.FileName() != "" {
			return add(part.FileName(), part)
		}
	}
}

func removeFile(c *call, res *resource) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	return c.removeFiles(res, []id.ID{file}, false)
}

func removeFiles(c *call, res *resource) error {
	d, err := c.document()
	if err != nil {
		return err
	}
	ids, err := idsIn(d.Items)
	if err != nil {
		return err
	}
	return c.removeFiles(res, ids, true)
}

func (c *call) removeFiles(res *resource, ids []id.ID, many bool) error {
	var items [][]byte
	err := c.editOwner(res, func(tx *gate.Tx, _ id.ID) error {
		for _, file := range ids {
			f, err := c.fileOf(tx, res, file)
			if err != nil {
				return err
			}
			if _, err := attachment.Remove(tx, file); err != nil {
				return err
			}
			items = append(items, c.file(f))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, items, many)
}

// downloadFile sends an attachment's content, never to be shown in place.
func downloadFile(c *call) error {
	file, err := c.id("id")
	if err != nil {
		return err
	}
	f, content, err := c.Attachments.Open(c.ctx, c.caller, file)
	if err != nil {
		return err
	}
	defer content.Close()
	web.Download(c.w, c.r, f.FileName, f.Type, time.UnixMilli(f.Created), content)
	return nil
}

// image writes the resource object of an image inside a document.
func (c *call) image(f *attachment.File) []byte {
	b := jsonapi.StartItem(f.ID.String(), "document-images")
	b = value.Text(jsonapi.Attr(b, "name"), f.Name)
	b = value.Text(jsonapi.Attr(b, "inline-resource-url"), document.ImageURL(f.ID))
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), f.Created)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), f.Updated)
	return jsonapi.EndItem(b)
}

func addImages(c *call) error {
	d, err := c.upJSON()
	if err != nil {
		return err
	}
	var items [][]byte
	for i, item := range d.Items {
		target, err := c.imageTarget(item.Attributes["target"])
		if err != nil {
			return at(i, d.Many, err)
		}
		name, content, err := value.File("image", item.Attributes["image"])
		if err != nil {
			return at(i, d.Many, err)
		}
		f, err := c.Attachments.AddImage(c.ctx, c.caller, target, name, content)
		if err != nil {
			return at(i, d.Many, err)
		}
		items = append(items, c.image(f))
	}
	return c.answerItems(http.StatusCreated, items, d.Many)
}

// imageTarget reads which document or gallery an image is for.
func (c *call) imageTarget(in any) (id.ID, error) {
	m, _ := in.(map[string]any)
	list, err := idList("target", []any{m["id"]})
	if err != nil || len(list) == 0 {
		return 0, fault.Field("target", "Say which document or gallery the image is for, by type and id.")
	}
	kind := "document"
	if t, _ := m["type"].(string); strings.EqualFold(t, "gallery") {
		kind = "document_section"
	}
	err = c.view(func(tx *gate.Tx) error {
		_, err := tx.Allow(access.View, gate.Thing{Kind: kind, ID: list[0]})
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = fault.Field("target", "The document or gallery does not exist, or you may not see it.")
	}
	return list[0], err
}

// imageOf finds an image by the id in the path.
func (c *call) imageOf(tx *gate.Tx) (*attachment.File, error) {
	file, err := c.id("id")
	if err != nil {
		return nil, err
	}
	f, err := attachment.Get(tx, file)
	if err == nil && f.Role != attachment.Image {
		return nil, gate.Missing()
	}
	return f, err
}

func showImage(c *call) error {
	var out []byte
	err := c.view(func(tx *gate.Tx) error {
		f, err := c.imageOf(tx)
		if err == nil {
			out = c.image(f)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{out}, false)
}

func removeImage(c *call) error {
	var f *attachment.File
	err := c.view(func(tx *gate.Tx) error {
		var err error
		f, err = c.imageOf(tx)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.Attachments.Remove(c.ctx, c.caller, f.ID); err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{c.image(f)}, false)
}
