package contact

import (
	"database/sql"
	"errors"
	"maps"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/location"
)

func before(tx *gate.Tx, now, _ *record.Record) error {
	if nameOf(now.Values) == "" {
		return fault.Field("first_name", "Give a first name or a last name.")
	}
	emails := onePrimary(now.Values.Rows("contact_emails"))
	phones := onePrimary(now.Values.Rows("contact_phones"))
	if len(phones) > 0 {
		iso, err := country(tx, now.Values.ID("location_id"))
		if err != nil {
			return err
		}
		for _, p := range phones {
			writeNumber(p, iso)
		}
	}
	put(now.Values, "contact_emails", "primary_email", emails, "value")
	put(now.Values, "contact_phones", "primary_phone", phones, "formatted_value")
	return nil
}

// onePrimary copies the rows so that exactly one is primary: the first that is
// marked, or the first. Rows without a label get one.
func onePrimary(rows []map[string]any) []map[string]any {
	out := make([]map[string]any, len(rows))
	primary := 0
	for i := len(rows) - 1; i >= 0; i-- {
		out[i] = maps.Clone(rows[i])
		if on, _ := rows[i]["primary"].(bool); on {
			primary = i
		}
		if l, _ := rows[i]["label_name"].(string); l == "" {
			out[i]["label_name"] = Work
		}
	}
	for i := range out {
		out[i]["primary"] = i == primary
	}
	return out
}

// writeNumber keeps a number as digits, the way the API promises, and beside it
// the way people read it.
func writeNumber(p map[string]any, iso string) {
	raw, _ := p["value"].(string)
	p["value"] = location.PhoneDigits(raw)
	p["formatted_value"] = location.FormatPhone(raw, iso)
	if t, _ := p["label_type"].(string); t == "" {
		p["label_type"] = "phone"
	}
}

// put saves the rows under name and what the primary one says under shown.
func put(v record.Values, name, shown string, rows []map[string]any, cell string) {
	if len(rows) == 0 {
		delete(v, name)
		delete(v, shown)
		return
	}
	v[name] = rows
	for _, r := range rows {
		if r["primary"] == true {
			v[shown] = r[cell]
		}
	}
}

// country gives the ISO code of the country that a location lies in, or "".
func country(tx *gate.Tx, place id.ID) (string, error) {
	if place == 0 {
		return "", nil
	}
	var c sql.NullInt64
	err := tx.QueryRow(`select country_id from k_location where id = ?`, int64(place)).Scan(&c)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !c.Valid {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return location.CountryCode(tx, id.ID(c.Int64))
}
