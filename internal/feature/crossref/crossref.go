// Package crossref is about links in texts that lead to records of the same
// tenant.
//
// Always true: a link to /records/ID says the name that the record has when it is
// read; whoever may not see the record reads the words that the writer saw, without
// a link, as if the record were gone.
package crossref

import (
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

const (
	prefix = "/records/"
	card   = "/card"
)

// URL is the address of a record, whatever its kind, for links that follow its
// name.
func URL(rec id.ID) string { return prefix + rec.String() }

// CardURL is that address for a record which is shown within the text.
func CardURL(rec id.ID) string { return URL(rec) + card }

// Parse reads such an address; asCard tells that it is that of a card.
func Parse(href string) (rec id.ID, asCard, ok bool) {
	rest, ok := strings.CutPrefix(href, prefix)
	if !ok {
		return 0, false, false
	}
	rest, asCard = strings.CutSuffix(rest, card)
	rec, ok = id.Parse(rest)
	return rec, asCard, ok
}

// Resolve gives a text as it is read now: links that follow a name have it, and
// lead to the record's own page. Addresses of cards stay.
func Resolve(tx *gate.Tx, e *record.Engine, text string) (string, error) {
	return resolve(tx, e, text, true)
}

// Plain is Resolve for what leaves the house: cards are links like others.
func Plain(tx *gate.Tx, e *record.Engine, text string) (string, error) {
	return resolve(tx, e, text, false)
}

func resolve(tx *gate.Tx, e *record.Engine, text string, cards bool) (string, error) {
	ids := named(text, func(href, _ string) id.ID { rec, _, _ := Parse(href); return rec })
	if len(ids) == 0 {
		return text, nil
	}
	links, err := e.Links(tx, ids...)
	if err != nil {
		return "", err
	}
	return richtext.Relink(text, func(href, words string) (string, string) {
		rec, asCard, ok := Parse(href)
		if !ok {
			return href, words
		}
		l, seen := links[rec]
		switch {
		case !seen:
			return "", words
		case asCard && cards:
			return href, l.Name
		}
		return "/" + e.Kinds.Kind(l.Kind).Plural + "/" + rec.String(), l.Name
	}), nil
}

// Follow gives a text as it is kept: a link to a record's page whose words are the
// record's name follows that name from now on. The caller reads what she may see.
func Follow(tx *gate.Tx, e *record.Engine, text string) (string, error) {
	page := func(href, words string) id.ID {
		if words == "" {
			return 0
		}
		return pageOf(e.Kinds, href)
	}
	ids := named(text, page)
	if len(ids) == 0 {
		return text, nil
	}
	links, err := e.Links(tx, ids...)
	if err != nil {
		return "", err
	}
	return richtext.Relink(text, func(href, words string) (string, string) {
		if rec := page(href, words); rec != 0 && links[rec].Name != "" && record.Fold(links[rec].Name) == record.Fold(words) {
			return URL(rec), words
		}
		return href, words
	}), nil
}

// named lists the records that links of a text name, as of finds them; 0 is none.
func named(text string, of func(href, words string) id.ID) []id.ID {
	var out []id.ID
	seen := map[id.ID]bool{0: true}
	richtext.Relink(text, func(href, words string) (string, string) {
		if rec := of(href, words); !seen[rec] {
			seen[rec] = true
			out = append(out, rec)
		}
		return href, words
	})
	return out
}

// pageOf reads the address of a record's page: /PLURAL/ID, or IT Glue's form
// /ORGANIZATION/PLURAL/ID with docs for documents; 0 when it is none.
func pageOf(kinds *record.Registry, href string) id.ID {
	parts := strings.Split(strings.TrimPrefix(href, "/"), "/")
	if !strings.HasPrefix(href, "/") {
		return 0
	}
	if _, ok := id.Parse(parts[0]); ok && len(parts) == 3 {
		parts = parts[1:]
	}
	if len(parts) != 2 {
		return 0
	}
	if parts[0] == "docs" {
		parts[0] = "documents"
	}
	rec, ok := id.Parse(parts[1])
	if !ok || kinds.Plural(parts[0]) == nil {
		return 0
	}
	return rec
}
