package own

import (
	"net/http"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/notification"
	"strongroom/internal/surface/itglue/value"
)

func wrong(name, text string) error { return fault.Field(name, "%s", text) }
func missing(name string) error     { return wrong(name, "This is missing.") }

// about appends what a thing is about.
func (c *Call) about(b []byte, rec id.ID, kind, name string, org id.ID) []byte {
	b = value.Plain(jsonapi.Attr(b, "resource-id"), rec)
	b = value.Text(jsonapi.Attr(b, "resource-type"), jsonapi.Kebab(c.plural(kind)))
	b = value.Text(jsonapi.Attr(b, "resource-name"), name)
	b = c.URL(jsonapi.Attr(b, "resource-url"), kind, org, rec)
	return value.Plain(jsonapi.Attr(b, "organization-id"), org)
}

func (c *Call) plural(kind string) string {
	if k := c.Records.Kinds.Kind(kind); k != nil {
		return k.Plural
	}
	return kind
}

func (c *Call) comment(x *comment.Placed) []byte {
	b := c.about(jsonapi.StartItem(x.ID.String(), "comments"), x.Record, x.Kind, x.Name, x.Org)
	b = value.Text(jsonapi.Attr(b, "text"), x.Source)
	b = value.Text(jsonapi.Attr(b, "html"), x.HTML)
	b = value.Plain(jsonapi.Attr(b, "author-id"), x.Author)
	b = value.Text(jsonapi.Attr(b, "author-name"), x.AuthorName)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), x.At)
	return jsonapi.EndItem(jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), max(x.At, x.Edited)))
}

func listComments(c *Call) error {
	number, size := c.Query.Page()
	q := comment.Query{Offset: (number - 1) * size, Limit: size}
	for name, to := range map[string]*id.ID{"resource_id": &q.Record, "author_id": &q.Author, "id": &q.ID} {
		if i, set := c.filterID(name); set {
			*to = i
		}
	}
	var items [][]byte
	var total int64
	err := c.view(func(tx *gate.Tx) error {
		list, n, err := comment.All(tx, q)
		total, items = n, nil
		for _, x := range list {
			items = append(items, c.comment(x))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.Page(items, total)
}

// find gives a comment by its id.
func find(tx *gate.Tx, cid id.ID) (*comment.Placed, error) {
	list, _, err := comment.All(tx, comment.Query{ID: cid, Limit: 1})
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func showComment(c *Call) error {
	cid, err := c.ID("id")
	if err != nil {
		return err
	}
	return c.answerComment(http.StatusOK, cid)
}

func (c *Call) answerComment(status int, cid id.ID) error {
	var item []byte
	err := c.view(func(tx *gate.Tx) error {
		x, err := find(tx, cid)
		if err == nil {
			item = c.comment(x)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.one(status, item)
}

func say(c *Call) error {
	it, err := c.Item()
	if err != nil {
		return err
	}
	rec, err := idIn(it, "resource_id")
	if err != nil {
		return err
	}
	text, _ := it.Attributes["text"].(string)
	var said *comment.Said
	err = c.Gate.Change(c.Ctx, c.Caller, access.Comment, gate.Thing{ID: rec}, func(tx *gate.Tx) (err error) {
		said, err = c.Comments.Say(tx, rec, text)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = wrong("resource_id", "The record does not exist, or you may not see it.")
	}
	if err != nil {
		return err
	}
	return c.answerComment(http.StatusCreated, said.ID)
}

// changed runs a change of a comment.
func (c *Call) changed(cid id.ID, fn func(tx *gate.Tx, rec id.ID) error) error {
	var rec id.ID
	err := c.view(func(tx *gate.Tx) error {
		x, err := find(tx, cid)
		if err == nil {
			rec = x.Record
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.Gate.Change(c.Ctx, c.Caller, access.Comment, gate.Thing{ID: rec}, func(tx *gate.Tx) error { return fn(tx, rec) })
}

func editComment(c *Call) error {
	cid, err := c.ID("id")
	if err != nil {
		return err
	}
	it, err := c.Item()
	if err != nil {
		return err
	}
	text, _ := it.Attributes["text"].(string)
	err = c.changed(cid, func(tx *gate.Tx, rec id.ID) error {
		_, err := c.Comments.Edit(tx, rec, cid, text)
		return err
	})
	if err != nil {
		return err
	}
	return c.answerComment(http.StatusOK, cid)
}

func removeComment(c *Call) error {
	cid, err := c.ID("id")
	if err == nil {
		err = c.changed(cid, func(tx *gate.Tx, rec id.ID) error { return c.Comments.Remove(tx, rec, cid) })
	}
	if err != nil {
		return err
	}
	return c.done()
}

func flagItem(f flag.Flag) []byte {
	b := jsonapi.StartItem(f.ID.String(), "record-flags")
	b = value.Text(jsonapi.Attr(b, "name"), f.Name)
	b = value.Text(jsonapi.Attr(b, "colour"), f.Colour)
	return jsonapi.EndItem(value.Text(jsonapi.Attr(b, "meaning"), f.Meaning))
}

// flags gives the flags of a record that the caller sees.
func (c *Call) flags(rec id.ID) (list []flag.Flag, err error) {
	err = c.view(func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
			return err
		}
		list, err = flag.Of(tx, rec)
		return err
	})
	return list, err
}

func listFlags(c *Call) error {
	rec, err := c.ID("id")
	if err != nil {
		return err
	}
	list, err := c.flags(rec)
	if err != nil {
		return err
	}
	var items [][]byte
	for _, f := range list {
		items = append(items, flagItem(f))
	}
	return c.all(items)
}

func putFlag(c *Call) error {
	rec, err := c.ID("id")
	if err != nil {
		return err
	}
	it, err := c.Item()
	if err != nil {
		return err
	}
	fid, err := idIn(it, "flag_id")
	if err != nil {
		return err
	}
	err = c.Gate.Change(c.Ctx, c.Caller, access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error { return flag.Put(tx, rec, fid) })
	if err != nil {
		return err
	}
	list, err := c.flags(rec)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(f flag.Flag) bool { return f.ID == fid })
	if i < 0 {
		return gate.Missing()
	}
	return c.one(http.StatusCreated, flagItem(list[i]))
}

func takeFlag(c *Call) error {
	rec, err := c.ID("parent")
	if err != nil {
		return err
	}
	fid, err := c.ID("id")
	if err != nil {
		return err
	}
	list, err := c.flags(rec)
	if err == nil && !slices.ContainsFunc(list, func(f flag.Flag) bool { return f.ID == fid }) {
		err = gate.Missing()
	}
	if err == nil {
		err = c.Gate.Change(c.Ctx, c.Caller, access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error { return flag.Take(tx, rec, fid) })
	}
	if err != nil {
		return err
	}
	return c.done()
}

// mostNotices is how many notices can be listed.
const mostNotices = 1000

func notice(c *Call, l *notification.Line) []byte {
	b := jsonapi.StartItem(l.ID.String(), "notifications")
	b = value.Text(jsonapi.Attr(b, "topic"), l.Topic.Name)
	b = value.Text(jsonapi.Attr(b, "text"), l.Plain())
	b = value.Text(jsonapi.Attr(b, "caused-by"), l.By)
	b = value.Plain(jsonapi.Attr(b, "resource-id"), l.Record)
	b = value.Text(jsonapi.Attr(b, "resource-type"), jsonapi.Kebab(c.plural(l.Kind)))
	b = value.Plain(jsonapi.Attr(b, "read"), l.Read)
	return jsonapi.EndItem(jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), l.At))
}

func (c *Call) notices(q notification.Query) (items [][]byte, err error) {
	err = c.view(func(tx *gate.Tx) error {
		p, err := notification.List(tx, q)
		if err != nil {
			return err
		}
		items = nil
		for _, l := range p.Lines {
			items = append(items, notice(c, l))
		}
		return nil
	})
	return items, err
}

func listNotices(c *Call) error {
	q := notification.Query{Topic: c.filter("topic"), Unread: c.filter("unread") == "true", Limit: mostNotices}
	if i, set := c.filterID("id"); set {
		q.ID = i
	}
	items, err := c.notices(q)
	if err != nil {
		return err
	}
	number, size := c.Query.Page()
	from := min((number-1)*size, len(items))
	return c.Page(items[from:min(from+size, len(items))], int64(len(items)))
}

func showNotice(c *Call) error {
	n, err := c.ID("id")
	if err != nil {
		return err
	}
	items, err := c.notices(notification.Query{ID: n, Limit: 1})
	if err == nil && len(items) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return err
	}
	return c.one(http.StatusOK, items[0])
}

func markNotice(c *Call) error {
	n, err := c.ID("id")
	if err != nil {
		return err
	}
	it, err := c.Item()
	if err != nil {
		return err
	}
	read, set, err := boolIn(it, "read")
	if err != nil {
		return err
	}
	if set {
		if c.Caller.Scope.ReadOnly {
			return fault.New(fault.Denied, "This key may change nothing.").WithHint("Use a key that is not read-only.")
		}
		if err := c.Gate.Change(c.Ctx, c.Caller, access.View, gate.Thing{}, func(tx *gate.Tx) error { return notification.Mark(tx, n, read) }); err != nil {
			return err
		}
	}
	return showNotice(c)
}
