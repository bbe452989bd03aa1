package ivanti

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/ivanti/odata"
)

// id reads the RecId out of the path. What is none is answered like one that nothing has.
func (c *call) id() (id.ID, error) {
	rid, ok := id.Parse(c.r.PathValue("id"))
	if !ok {
		return 0, gate.Missing()
	}
	return rid, nil
}

// rows adds to records what is shown beside their values.
func (c *call) rows(tx *gate.Tx, list []*record.Record) ([]row, error) {
	var people []id.ID
	for _, r := range list {
		people = append(people, r.CreatedBy, r.UpdatedBy)
	}
	names, err := c.Records.Names(tx, people...)
	if err != nil {
		return nil, err
	}
	out := make([]row, len(list))
	for i, r := range list {
		out[i] = row{r, names, c.objects}
	}
	return out, nil
}

// wanted are the names of $select, in small letters; nil is all of them.
func wanted(q odata.Query) map[string]bool {
	if q.Select == nil {
		return nil
	}
	out := map[string]bool{}
	for _, name := range q.Select {
		out[strings.ToLower(name)] = true
	}
	return out
}

// list answers GET of a set.
func list(c *call, o *object) error { return c.listing(o, nil, nil) }

func (c *call) answerList(o *object, rows []row, total int64, only map[string]bool) error {
	b := jsonapi.AppendString([]byte(`{"@odata.context":`), c.base(c.r)+"/api/odata/$metadata#"+o.set)
	b = strconv.AppendInt(append(b, `,"@odata.count":`...), total, 10)
	b = append(b, `,"value":[`...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		one := o.append(nil, r, only)
		b = append(append(append(b, '{'), one[1:]...), '}')
	}
	return c.answer(http.StatusOK, append(b, "]}"...))
}

// show answers GET of one record.
func show(c *call, o *object) error {
	wants, err := c.searched()
	if err != nil {
		return err
	}
	rid, err := c.id()
	if err != nil || wants != "" { // no RecId: the name of a saved search
		return c.saved(o, wants)
	}
	q, err := odata.Parse(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	return c.give(http.StatusOK, o, wanted(q), func(fn func(*gate.Tx) error) error { return c.Gate.View(c.r.Context(), c.caller, fn) }, func(tx *gate.Tx) (*record.Record, error) {
		return c.get(tx, o, rid)
	})
}

// get reads a record of an object.
func (c *call) get(tx *gate.Tx, o *object, rid id.ID) (*record.Record, error) {
	r, err := c.Records.Get(tx, o.kind.Name, rid)
	if err == nil {
		err = o.is(r)
	}
	return r, err
}

// give answers with the record that find gives in the transaction that within opens.
func (c *call) give(status int, o *object, only map[string]bool, within func(func(*gate.Tx) error) error, find func(*gate.Tx) (*record.Record, error)) error {
	var b []byte
	var version int64
	err := within(func(tx *gate.Tx) error {
		rec, err := find(tx)
		if err != nil {
			return err
		}
		rows, err := c.rows(tx, []*record.Record{rec})
		if err != nil {
			return err
		}
		version = rec.Version
		b = jsonapi.AppendString([]byte(`{"@odata.context":`), c.base(c.r)+"/api/odata/$metadata#"+o.set+"/$entity")
		b = append(o.append(b, rows[0], only), '}')
		return nil
	})
	if err != nil {
		return c.translate(o, err)
	}
	c.w.Header().Set("ETag", fmt.Sprintf(`W/"%d"`, version))
	return c.answer(status, b)
}

func (c *call) answer(status int, body []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("OData-Version", "4.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, err := c.w.Write(body)
	return err
}

// translate puts the names of the object for ours, in what is said of fields.
func (c *call) translate(o *object, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	said := map[string]string{}
	for name, what := range e.Fields {
		said[o.name+"."+o.called(name)] = what
	}
	return fault.Fields(said)
}

// body reads the fields of a record: JSON, whatever the content type says, or a form.
// Nothing at all is no field.
func (c *call) body() (map[string]any, error) {
	b, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	out := map[string]any{}
	if len(b) == 0 {
		return out, nil
	}
	bad := fault.New(fault.Invalid, "The body is no object of JSON.").WithHint(`Send {"Subject": "..."}.`)
	if kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" && b[0] != '{' {
		form, err := url.ParseQuery(string(b))
		if err != nil {
			return nil, bad
		}
		for name := range form {
			out[name] = form.Get(name)
		}
		return out, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&out); err != nil || out == nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return out, nil
}

// values turns the fields of a body into values to save. What only the server sets is
// left out.
func (c *call) values(tx *gate.Tx, o *object, body map[string]any) (record.Values, error) {
	out, wrong := record.Values{}, map[string]string{}
	for name, v := range body {
		if strings.HasPrefix(name, "@") {
			continue
		}
		p, ok := o.parts[strings.ToLower(name)]
		switch {
		case !ok:
			wrong[o.name+"."+name] = "There is no such field."
			continue
		case p.form == upward:
			if p.suffix != "_Category" && v != nil {
				if err := o.under(c.API, tx, v, out); err != nil {
					return nil, c.translate(o, err)
				}
			}
			continue
		case p.of == nil || p.of.ReadOnly || p.form == title || p.suffix == "_Category":
			continue
		case p.suffix == "_Valid" && given(body, p.name):
			continue // the name beside it counts
		}
		if s, ok := v.(string); ok && p.form != plain && strings.TrimSpace(s) == "" {
			v = nil
		}
		if s, ok := v.(string); ok {
			switch {
			case p.form == choice && p.suffix == "_Valid":
				if v = o.chosen(p.of, s); v == "" {
					wrong[o.name+"."+p.name] = "No choice has this RecId."
				}
			case p.form == named && p.suffix == "":
				list, err := c.named(tx, p.of, record.Eq, strings.TrimSpace(s), 2)
				if err != nil {
					return nil, err
				}
				if len(list) != 1 {
					wrong[o.name+"."+p.name] = map[bool]string{true: "Nothing that you may see is called like that.", false: "Several are called like that: give " + p.name + "_Valid."}[len(list) == 0]
					continue
				}
				v = list[0]
			case p.of.Type == record.Time:
				if at, ok := odata.Time(s); ok {
					v = at.UnixMilli()
				}
			}
		}
		out[p.of.Name] = v
	}
	return out, fault.Fields(wrong)
}

// given tells whether a body has a field, in any case.
func given(body map[string]any, name string) bool {
	for n, v := range body {
		if strings.EqualFold(n, name) && v != nil && v != "" {
			return true
		}
	}
	return false
}

// create answers POST of a set. A record of an organization that does not say of which
// belongs to that of the contact that it is for.
func create(c *call, o *object) error {
	return c.make(o, func(tx *gate.Tx, v record.Values) error {
		if o.kind.Scope != record.OfOrganization || v["organization_id"] != nil {
			return nil
		}
		return c.ofContact(tx, o, v)
	})
}

// make makes a record of what the body says, once complete has added to that.
func (c *call) make(o *object, complete func(*gate.Tx, record.Values) error) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var v record.Values
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		if v, err = c.values(tx, o, body); err != nil {
			return err
		}
		if o.kind.Variant != 0 {
			v[o.kind.Variants.By] = o.kind.Variant
		}
		if err := o.sub.set(c, tx, o.kind, v); err != nil {
			return c.translate(o, err)
		}
		return complete(tx, v)
	})
	if err != nil {
		return err
	}
	thing := gate.Thing{Kind: o.kind.Name}
	if org, err := (&record.Field{Name: "organization_id", Type: record.Ref, Ref: "organization"}).Parse(v["organization_id"]); err == nil {
		thing.Org, _ = org.(id.ID)
	}
	return c.give(http.StatusCreated, o, nil, func(fn func(*gate.Tx) error) error {
		err := c.Gate.Change(c.r.Context(), c.caller, access.Create, thing, fn)
		if thing.Org != 0 && fault.Is(err, fault.NotFound) {
			return fault.Field("organization_id", "The organization does not exist, or you may not see it.")
		}
		return err
	}, func(tx *gate.Tx) (*record.Record, error) {
		rec, err := c.Records.Create(tx, o.kind.Name, v)
		if err != nil {
			return nil, err
		}
		return c.Records.Again(tx, rec)
	})
}

// ofContact fills in the organization of the contact that a record is for.
func (c *call) ofContact(tx *gate.Tx, o *object, v record.Values) error {
	for _, f := range o.kind.Fields {
		if f.Type != record.Ref || f.Ref != "contact" || v[f.Name] == nil {
			continue
		}
		rid, err := f.Parse(v[f.Name])
		if err != nil {
			return c.translate(o, err)
		}
		contact, ok := rid.(id.ID)
		if !ok {
			continue
		}
		r, err := c.Records.Get(tx, f.Ref, contact)
		if fault.Is(err, fault.NotFound) {
			return nil // saving says what is wrong
		}
		if err != nil {
			return err
		}
		v["organization_id"] = r.Org
		return nil
	}
	return nil
}

// update answers PATCH and PUT of one record, which are the same. If-Match with the ETag
// of an answer makes sure that nobody has changed it since.
func update(c *call, o *object) error {
	rid, err := c.id()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	var version int64
	if tag := c.r.Header.Get("If-Match"); tag != "" && tag != "*" {
		if version, err = strconv.ParseInt(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`), 10, 64); err != nil || version <= 0 {
			return fault.New(fault.Invalid, "If-Match is no ETag of an answer.").WithHint("Get the record again and send the ETag that comes with it, or leave If-Match out.")
		}
	}
	return c.give(http.StatusOK, o, nil, func(fn func(*gate.Tx) error) error {
		return c.Gate.Change(c.r.Context(), c.caller, access.Edit, gate.Thing{Kind: o.kind.Name, ID: rid}, fn)
	}, func(tx *gate.Tx) (*record.Record, error) {
		v, err := c.values(tx, o, body)
		if err == nil && o.narrow() {
			_, err = c.get(tx, o, rid)
		}
		if err != nil {
			return nil, err
		}
		rec, err := c.Records.Update(tx, o.kind.Name, rid, version, v)
		if err != nil {
			return nil, err
		}
		return c.Records.Again(tx, rec)
	})
}

// destroy answers DELETE of one record, which goes into the trash.
func destroy(c *call, o *object) error {
	rid, err := c.id()
	if err != nil {
		return err
	}
	err = c.Gate.Change(c.r.Context(), c.caller, access.Delete, gate.Thing{Kind: o.kind.Name, ID: rid}, func(tx *gate.Tx) error {
		if o.narrow() {
			if _, err := c.get(tx, o, rid); err != nil {
				return err
			}
		}
		return c.Records.Trash(tx, o.kind.Name, rid)
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
