package sample

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// client is one organization while it is made.
type client struct {
	spec
	w   *world
	n   int
	net int // second part of its addresses

	org     id.ID
	places  []place
	people  []person
	devices []*device
	roles   map[string]*device
	folders map[string]id.ID
	docs    map[string]*id.ID // by title
	pairs   []pair
	moved   []id.ID // changes that are related to something
}

type place struct {
	id   id.ID
	name string
	city city
}

type person struct {
	id          id.ID
	name, title string
	mail, phone string
}

// pair is what will be related once all is made.
type pair struct {
	from, to *id.ID
	notes    string
	depends  record.Dependence
}

func (w *world) client(n int) *client {
	return &client{spec: specOf(n), w: w, n: n, net: 20 + n%230, roles: map[string]*device{}, folders: map[string]id.ID{}, docs: map[string]*id.ID{}}
}

// plan lists the steps that make exactly n records, in an order in which each
// finds what it refers to.
func (c *client) plan(n int) []step {
	documents := max(5, n*15/100)
	if c.n == 0 {
		documents = max(documents, len(ownPages))
	}
	secrets, people, places := max(4, n*22/100), max(2, n*13/100), max(len(c.cities), min(6, n/60))
	out := []step{c.organization}
	for i := range places {
		out = append(out, c.location(i))
	}
	for i := range people {
		out = append(out, c.contact(i))
	}
	out = append(out, c.departments()...)
	out = append(out, c.infrastructure()...)
	out = append(out, c.assets()...)
	out = append(out, c.names()...)
	out = append(out, c.checklist()...)
	out = append(out, c.documentFolders()...)
	out = append(out, c.documents(documents)...)
	out = append(out, c.passwordFolders()...)
	out = append(out, c.passwords(secrets)...)
	if rest := n - len(out); rest > 0 {
		calls := c.tickets()
		out = append(out, calls[:min(len(calls), rest*2/3)]...)
		if n > len(out) {
			out = append(out, c.loan())
		}
		out = append(out, c.desks(n-len(out))...)
	}
	return out[:n]
}

func (c *client) organization(tx *gate.Tx) error {
	typ := "Customer"
	if c.n == 0 {
		typ = "Internal"
	}
	v := record.Values{
		"name": c.name, "short_name": c.short, "organization_type_id": c.w.of("organization_type", typ),
		"organization_status_id": c.w.of("organization_status", c.status), "primary": c.n == 0,
		"description": strings.ToUpper(c.trade[:1]) + c.trade[1:] + ".",
	}
	if c.note != "" {
		v["quick_notes"] = c.note
	}
	if c.alert != "" {
		v["alert"] = c.alert
	}
	var err error
	c.org, err = c.w.create(tx, "organization", v)
	return err
}

// place gives the location of the number-th thing, or nil when there is none.
func (c *client) place(number int) any {
	if len(c.places) == 0 {
		return nil
	}
	return c.places[number%len(c.places)].id
}

func (c *client) location(i int) step {
	town := cityOf(c.cities[i%len(c.cities)])
	name := town.name
	if i >= len(c.cities) {
		name += []string{" warehouse", " annexe", " archive", " training room", " second floor"}[(i-len(c.cities))%5]
	}
	number, line := 2+c.w.rng.IntN(140), c.w.rng.IntN(100)
	return func(tx *gate.Tx) error {
		v := record.Values{
			"organization_id": c.org, "name": name, "primary": i == 0, "address_1": fmt.Sprintf("%d %s", number, town.street), "city": town.name,
			"postal_code": town.postal, "phone": fmt.Sprintf(town.phone, line),
			"notes": "Comms cupboard behind reception, key in the safe. Open Monday to Friday, 08:00 to 18:00.",
		}
		if r := c.w.lists["region"][town.country+" "+town.region]; r != 0 {
			v["region_id"] = r
		}
		made, err := c.w.create(tx, "location", v)
		c.places = append(c.places, place{made, name, town})
		return err
	}
}

func (c *client) contact(i int) step {
	k := c.n*31 + i // 300 in a row have different names
	first, last := givenNames[k*7%len(givenNames)], surnames[(k*11+k/30*3)%len(surnames)]
	title, typ := jobTitles[i%len(jobTitles)], "End user"
	switch i {
	case 0:
		title, typ = "Managing director", "Decision maker"
	case 1:
		title, typ = "Office manager", "Site contact"
	}
	line := c.w.rng.IntN(100)
	return func(tx *gate.Tx) error {
		p := person{name: first + " " + last, title: title, mail: plainLetters(first+"."+last) + "@" + c.domain}
		town := cityOf(c.cities[0])
		if len(c.places) > 0 {
			town = c.places[i%len(c.places)].city
		}
		p.phone = fmt.Sprintf(town.phone, line)
		v := record.Values{
			"organization_id": c.org, "first_name": first, "last_name": last, "title": title, "contact_type_id": c.w.of("contact_type", typ), "important": i < 2,
			"contact_emails": []any{map[string]any{"value": p.mail, "label_name": "Work", "primary": true}},
			"contact_phones": []any{map[string]any{"value": p.phone, "label_name": "Work", "primary": true}},
		}
		if at := c.place(i); at != nil {
			v["location_id"] = at
		}
		var err error
		p.id, err = c.w.create(tx, "contact", v)
		c.people = append(c.people, p)
		return err
	}
}

// plainLetters writes a name the way it stands in an address.
func plainLetters(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFD.String(s))
}
