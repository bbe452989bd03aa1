package location

import (
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func before(tx *gate.Tx, now, old *record.Record) error {
	if err := settleCountry(tx, now, old); err != nil {
		return err
	}
	iso, err := CountryCode(tx, now.Values.ID("country_id"))
	if err != nil {
		return err
	}
	for _, f := range []string{"phone", "fax"} {
		if s := FormatPhone(now.Values.Text(f), iso); s != "" {
			now.Values["formatted_"+f] = s
		} else {
			delete(now.Values, "formatted_"+f)
		}
	}
	return nil
}

// settleCountry makes region and country agree: a region alone gives the
// country, a new country drops a region of the old one.
func settleCountry(tx *gate.Tx, now, old *record.Record) error {
	region, country := now.Values.ID("region_id"), now.Values.ID("country_id")
	if region == 0 {
		return nil
	}
	var of int64
	err := tx.QueryRow(`select country_id from k_region where id = ?`, int64(region)).Scan(&of)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the engine says that there is no such region
	}
	switch {
	case err != nil:
		return err
	case id.ID(of) == country:
		return nil
	case country == 0:
		now.Values["country_id"] = id.ID(of)
		return nil
	case old != nil && old.Values.ID("region_id") == region:
		delete(now.Values, "region_id")
		return nil
	}
	return fault.Field("region_id", "This region lies in another country.")
}

// CountryCode gives the ISO 3166-1 code of a country, or "".
func CountryCode(tx *gate.Tx, country id.ID) (string, error) {
	if country == 0 {
		return "", nil
	}
	var iso string
	err := tx.QueryRow(`select iso from k_country where id = ?`, int64(country)).Scan(&iso)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return iso, err
}

// onePrimary unmarks the other primary location of the organization.
func onePrimary(k *record.Kind) func(tx *gate.Tx, now, old *record.Record) error {
	return func(tx *gate.Tx, now, old *record.Record) error {
		moved := old == nil || !old.Values.Bool("primary") || old.Org != now.Org
		if !now.Values.Bool("primary") || !moved || now.Trashed != 0 {
			return nil
		}
		others, err := primaries(tx, now)
		if err != nil || len(others) == 0 {
			return err
		}
		for _, o := range others {
			if _, err := k.Engine().Update(tx, k.Name, o, 0, record.Values{"primary": false}); err != nil {
				return err
			}
		}
		return nil
	}
}

// primaries lists the other primary locations that the caller may see; one that
// is hidden stays as it is.
func primaries(tx *gate.Tx, now *record.Record) ([]id.ID, error) {
	cond, args := tx.Visible("r")
	return tx.IDs(`select r.id from record r join k_location k on k.id = r.id where r.kind = 'location' and r.org_id = ? and k."primary" = 1
		and r.id <> ? and r.trashed_at is null and `+cond, append([]any{int64(now.Org), int64(now.ID)}, args...)...)
}

// findCountry gives a region the country that its country's code names.
func findCountry(tx *gate.Tx, now, _ *record.Record) error {
	if now.Values.ID("country_id") != 0 {
		return nil
	}
	var c int64
	err := tx.QueryRow(`select id from k_country where iso_fold = ?`, record.Fold(now.Values.Text("country_iso"))).Scan(&c)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Field("country_iso", "There is no country with this code.")
	}
	if err == nil {
		now.Values["country_id"] = id.ID(c)
	}
	return err
}
