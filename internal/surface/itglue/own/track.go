package own

import (
	"encoding/json"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/surface/itglue/value"
)

// level is a level in a word.
func level(l seen.Level) string {
	return map[seen.Level]string{seen.Good: "good", seen.Note: "note", seen.Warn: "warning", seen.Bad: "bad"}[l]
}

func (c *Call) state(l *tracker.Line) []byte {
	type finding struct {
		Level string `json:"level"`
		Text  string `json:"text"`
		Do    string `json:"do"`
	}
	findings := []finding{}
	for _, f := range l.Findings {
		findings = append(findings, finding{level(f.Level), f.Text, f.Do})
	}
	if l.Fields == nil {
		l.Fields = map[string]string{}
	}
	b := c.about(jsonapi.StartItem(l.Record.String()+"-"+l.Tracker, "trackers"), l.Record, l.Kind, l.Name, l.Org)
	b = value.Text(jsonapi.Attr(b, "tracker"), l.Tracker)
	b = value.Text(jsonapi.Attr(b, "level"), level(l.Level))
	b = value.Text(jsonapi.Attr(b, "summary"), l.Summary)
	b = object(jsonapi.Attr(b, "findings"), findings)
	b = object(jsonapi.Attr(b, "fields"), l.Fields)
	b = value.Plain(jsonapi.Attr(b, "paused"), l.Paused)
	b = value.Text(jsonapi.Attr(b, "error"), l.Error)
	b = value.Text(jsonapi.Attr(b, "hint"), l.Hint)
	b = value.Plain(jsonapi.Attr(b, "failures"), int64(l.Failures))
	b = jsonapi.AppendTime(jsonapi.Attr(b, "checked-at"), l.Checked)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "changed-at"), l.Changed)
	return jsonapi.EndItem(jsonapi.AppendTime(jsonapi.Attr(b, "next-at"), l.Next))
}

// object appends a list or an object.
func object(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // maps and structs of texts can be written
		return append(b, "null"...)
	}
	return append(b, text...)
}

// mostStates is how many states can be listed.
const mostStates = 5000

func listTrackers(c *Call) error {
	number, size := c.Query.Page()
	q := tracker.Query{Tracker: c.filter("tracker"), Problems: c.filter("problems") == "true", Text: c.filter("name"), Limit: min(number*size, mostStates)}
	if org, set := c.filterID("organization_id"); set {
		q.Org = org
	}
	var items [][]byte
	var total int64
	err := c.view(func(tx *gate.Tx) error {
		list, n, err := c.Trackers.List(tx, q)
		total, items = n, nil
		for _, l := range list[min((number-1)*size, len(list)):] {
			items = append(items, c.state(l))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.Page(items, total)
}

// followed finds a record that the caller sees.
func (c *Call) followed(tx *gate.Tx, rec id.ID) (*record.Record, error) {
	if _, err := tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
		return nil, err
	}
	r, err := c.Records.Get(tx, "", rec)
	if err == nil && !c.Trackers.Follows(r.Kind.Name) {
		err = gate.Missing()
	}
	return r, err
}

func recordTrackers(c *Call) error {
	rec, err := c.ID("id")
	if err != nil {
		return err
	}
	var items [][]byte
	err = c.view(func(tx *gate.Tx) error {
		r, err := c.followed(tx, rec)
		if err != nil {
			return err
		}
		states, err := c.Trackers.Of(tx, r)
		if err != nil {
			return err
		}
		paused, err := c.Trackers.Paused(tx, rec)
		items = nil
		for _, s := range states {
			items = append(items, c.state(&tracker.Line{State: s, Kind: r.Kind.Name, Name: r.Name, Org: r.Org, Paused: paused}))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.all(items)
}

func trackerVersions(c *Call) error {
	rec, err := c.ID("id")
	if err != nil {
		return err
	}
	var items [][]byte
	err = c.view(func(tx *gate.Tx) error {
		r, err := c.followed(tx, rec)
		if err != nil {
			return err
		}
		items = nil
		for _, t := range c.Trackers.Trackers {
			if only := c.filter("tracker"); !t.Of(r.Kind.Name) || only != "" && only != t.Name {
				continue
			}
			list, err := c.Trackers.Versions(tx, rec, t.Name)
			if err != nil {
				return err
			}
			for _, v := range list {
				b := jsonapi.StartItem(t.Name+"-"+id.ID(v.Number).String(), "tracker-versions")
				b = value.Text(jsonapi.Attr(b, "tracker"), t.Name)
				b = value.Text(jsonapi.Attr(b, "facts"), v.Facts)
				items = append(items, jsonapi.EndItem(jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), v.At)))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.all(items)
}

// kindOf gives the kind of a record that is followed.
func (c *Call) kindOf(rec id.ID) (kind string, err error) {
	err = c.view(func(tx *gate.Tx) error {
		r, err := c.followed(tx, rec)
		if err == nil {
			kind = r.Kind.Name
		}
		return err
	})
	return kind, err
}

func checkNow(c *Call) error {
	rec, err := c.ID("id")
	if err != nil {
		return err
	}
	kind, err := c.kindOf(rec)
	if err == nil {
		err = c.Trackers.Ask(c.Ctx, c.Caller, kind, rec)
	}
	if err != nil {
		return err
	}
	return recordTrackers(c)
}

func pause(c *Call) error {
	rec, err := c.ID("id")
	if err != nil {
		return err
	}
	it, err := c.Item()
	if err != nil {
		return err
	}
	on, set, err := boolIn(it, "paused")
	if err != nil {
		return err
	}
	kind, err := c.kindOf(rec)
	if err == nil && !set {
		err = missing("paused")
	}
	if err == nil {
		err = c.Trackers.Pause(c.Ctx, c.Caller, kind, rec, on)
	}
	if err != nil {
		return err
	}
	return recordTrackers(c)
}
