// Package places finds countries and regions by what people call them.
//
// Always true: a name that means several regions finds none, unless their country
// is said too.
package places

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Places knows the countries and regions of a tenant. It does not change.
type Places struct {
	countries map[string]id.ID
	regions   map[region]id.ID
}

type region struct {
	country id.ID // 0 for any
	name    string
}

// Load reads them.
func Load(tx *gate.Tx) (*Places, error) {
	p := &Places{countries: map[string]id.ID{}, regions: map[region]id.ID{}}
	if err := p.loadCountries(tx); err != nil {
		return nil, err
	}
	return p, p.loadRegions(tx)
}

func (p *Places) loadCountries(tx *gate.Tx) error {
	rows, err := tx.Query(`select r.id, r.name_fold, k.iso from record r join k_country k on k.id = r.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var fold, iso string
		if err := rows.Scan(&n, &fold, &iso); err != nil {
			return err
		}
		p.countries[fold], p.countries[record.Fold(iso)] = id.ID(n), id.ID(n)
	}
	for alias, iso := range countryAliases {
		if n := p.countries[iso]; n != 0 && p.countries[alias] == 0 {
			p.countries[alias] = n
		}
	}
	return rows.Err()
}

func (p *Places) loadRegions(tx *gate.Tx) error {
	rows, err := tx.Query(`select r.id, r.name_fold, k.iso, k.country_id from record r join k_region k on k.id = r.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n, country int64
		var fold, iso string
		if err := rows.Scan(&n, &fold, &iso, &country); err != nil {
			return err
		}
		for _, name := range []string{fold, record.Fold(iso)} {
			p.regions[region{id.ID(country), name}] = id.ID(n)
			if _, twice := p.regions[region{0, name}]; twice {
				p.regions[region{0, name}] = 0
			} else {
				p.regions[region{0, name}] = id.ID(n)
			}
		}
	}
	return rows.Err()
}

// Country finds a country by its name, its ISO 3166-1 code or what people write;
// 0 for none.
func (p *Places) Country(name string) id.ID { return p.countries[record.Fold(name)] }

// Region finds a region by its name or ISO 3166-2 code, in a country or, with 0,
// in any; 0 for none.
func (p *Places) Region(country id.ID, name string) id.ID {
	return p.regions[region{country, record.Fold(name)}]
}

// countryAliases are names that people write, and the code that is meant.
var countryAliases = map[string]string{
	"usa": "us", "u.s.a.": "us", "u.s.": "us", "united states": "us", "united states of america": "us", "america": "us",
	"uk": "gb", "u.k.": "gb", "great britain": "gb", "england": "gb", "scotland": "gb", "wales": "gb", "northern ireland": "gb", "united kingdom": "gb",
	"holland": "nl", "the netherlands": "nl", "deutschland": "de", "schweiz": "ch", "suisse": "ch", "österreich": "at", "españa": "es", "italia": "it",
	"south korea": "kr", "russia": "ru", "czech republic": "cz", "czechia": "cz", "vietnam": "vn", "taiwan": "tw", "turkey": "tr", "ivory coast": "ci",
}
