package ivanti

import (
	"encoding/json"
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/surface/ivanti/odata"
)

// The addresses of the search for words.
const (
	fulltextAt = "/rest/search/fulltext"
	searchAt   = "/rest/search"
)

// mostEither is how many sides a search with or has at the most.
const mostEither = 8

func (a *API) mountSearch() {
	a.mux.Handle("POST "+fulltextAt, a.called(fulltext))
	a.mux.Handle("POST "+searchAt, a.called(searchAll))
}

// findAny finds what has all words of one side of the word or, the best first.
func findAny(tx *gate.Tx, text string, kinds ...string) ([]search.Hit, error) {
	var sides []string
	var side []string
	for _, word := range append(strings.Fields(text), "or") {
		if !strings.EqualFold(word, "or") {
			side = append(side, word)
			continue
		}
		if len(side) > 0 {
			sides = append(sides, strings.Join(side, " "))
		}
		side = nil
	}
	if len(sides) > mostEither {
		return nil, fault.New(fault.Invalid, "The search has more than %d sides.", mostEither).WithHint("Ask for fewer words with or between them.")
	}
	var out []search.Hit
	seen := map[id.ID]bool{}
	for _, s := range sides {
		hits, err := search.Find(tx, s, search.Options{Kinds: kinds, Limit: mostNamed})
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			if !seen[h.ID] {
				seen[h.ID] = true
				out = append(out, h)
			}
		}
	}
	return out, nil
}

// asked is what a search by POST says.
type asked struct {
	text   string
	object *object
	top    int
	skip   int
}

// asks reads Text, ObjectType, Top and Skip.
func (c *call) asks() (asked, error) {
	body, err := c.body()
	if err != nil {
		return asked{}, err
	}
	out := asked{top: odata.UsualTop}
	for name, v := range body {
		name = strings.TrimPrefix(strings.ToLower(name), "$")
		switch name {
		case "text", "objecttype":
			s, ok := v.(string)
			if !ok {
				return out, fault.New(fault.Invalid, "Text and ObjectType are texts.")
			}
			if name == "text" {
				out.text = strings.TrimSpace(s)
			} else if out.object = c.objectOf(s); out.object == nil && strings.TrimSpace(s) != "" {
				return out, fault.New(fault.Invalid, "ObjectType is no object.").WithHint("It is of the form Incident#.")
			}
		case "top", "skip":
			n, ok := v.(json.Number)
			i, err := n.Int64()
			if !ok || err != nil || i < 0 || name == "top" && i > odata.MostTop {
				return out, fault.New(fault.Invalid, "Top is a whole number from 0 to %d, and Skip one from 0.", odata.MostTop)
			}
			if name == "top" {
				out.top = int(i)
			} else {
				out.skip = int(min(i, 1<<31-1))
			}
		}
	}
	if out.text == "" {
		return out, fault.New(fault.Invalid, "There is nothing to search for.").WithHint(`Send {"Text": "words", "ObjectType": "Incident#"}.`)
	}
	return out, nil
}

// page is the part of what was found that is asked for.
func (a asked) page(hits []search.Hit) []search.Hit {
	from := min(a.skip, len(hits))
	return hits[from:min(from+a.top, len(hits))]
}

// fulltext answers with the records of one object that have the words, best first.
func fulltext(c *call) error {
	ask, err := c.asks()
	if err != nil {
		return err
	}
	if ask.object == nil {
		return fault.New(fault.Invalid, "ObjectType is missing.").WithHint(`Send {"Text": "words", "ObjectType": "Incident#"}.`)
	}
	o := ask.object
	data, total := []json.RawMessage{}, 0
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		hits, err := findAny(tx, ask.text, o.kind.Name)
		if err != nil {
			return err
		}
		total = len(hits)
		var list []*record.Record
		for _, h := range ask.page(hits) {
			r, err := c.Records.Get(tx, o.kind.Name, h.ID)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		rows, err := c.rows(tx, list)
		for _, r := range rows {
			data = append(data, append(append([]byte{'{'}, o.append(nil, r, nil)[1:]...), '}'))
		}
		return err
	})
	if err != nil {
		return err
	}
	columns := []map[string]string{}
	for _, f := range o.fields {
		for _, p := range properties(f) {
			columns = append(columns, map[string]string{"Name": p.Name, "Type": p.Type})
		}
	}
	return web.JSON(c.w, http.StatusOK, map[string]any{"data": data, "metaData": columns, "totalRows": total, "keyRef": recID, "searchText": ask.text})
}

// searchAll answers with what has the words, of every object.
func searchAll(c *call) error {
	ask, err := c.asks()
	if err != nil {
		return err
	}
	var kinds []string
	if ask.object != nil {
		kinds = []string{ask.object.kind.Name}
	}
	data, total := []map[string]any{}, 0
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		hits, err := findAny(tx, ask.text, kinds...)
		total = len(hits)
		for _, h := range ask.page(hits) {
			if o := c.objects[h.Kind]; o != nil {
				data = append(data, map[string]any{recID: h.ID.RecID(), "ObjectType": o.name + "#", display: h.Name})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, map[string]any{"data": data, "totalRows": total, "keyRef": recID, "searchText": ask.text})
}
