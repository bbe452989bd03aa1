package configuration

import (
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// before makes model and manufacturer agree: a model alone gives its
// manufacturer, a new manufacturer drops a model of the old one.
func before(tx *gate.Tx, now, old *record.Record) error {
	model, maker := now.Values.ID("model_id"), now.Values.ID("manufacturer_id")
	if model == 0 {
		return nil
	}
	var of sql.NullInt64
	err := tx.QueryRow(`select manufacturer_id from k_model where id = ?`, int64(model)).Scan(&of)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the engine says that there is no such model
	}
	switch {
	case err != nil:
		return err
	case !of.Valid || id.ID(of.Int64) == maker:
		return nil
	case maker == 0:
		now.Values["manufacturer_id"] = id.ID(of.Int64)
		return nil
	case old != nil && old.Values.ID("model_id") == model:
		delete(now.Values, "model_id")
		return nil
	}
	return fault.Field("model_id", "This model is made by another manufacturer.")
}

// mirror keeps a configuration's own addresses and those of its primary
// interface alike. It knows both kinds in order to write the other one.
type mirror struct{ config, port *record.Kind }

// pairs are the fields that mirror each other: configuration, interface.
var pairs = [2][2]string{{"primary_ip", "ip_address"}, {"mac_address", "mac_address"}}

// port is a row of a configuration's interfaces.
type port struct {
	id      id.ID
	primary bool
}

// ports lists the interfaces of a configuration in a fixed order.
func ports(tx *gate.Tx, config id.ID) ([]port, error) {
	rows, err := tx.Query(`select k.id, coalesce(k."primary", 0) from k_configuration_interface k join record r on r.id = k.id
		where k.configuration_id = ? and r.trashed_at is null order by k.id`, int64(config))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []port
	for rows.Next() {
		var n int64
		var p port
		if err := rows.Scan(&n, &p.primary); err != nil {
			return nil, err
		}
		p.id = id.ID(n)
		out = append(out, p)
	}
	return out, rows.Err()
}

// fromConfiguration gives changed addresses to the primary interface.
func (m mirror) fromConfiguration(tx *gate.Tx, now, old *record.Record) error {
	change := record.Values{}
	for _, p := range pairs {
		if old != nil && old.Values[p[0]] != now.Values[p[0]] {
			change[p[1]] = now.Values[p[0]]
		}
	}
	if len(change) == 0 {
		return nil
	}
	list, err := ports(tx, now.ID)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.primary {
			return m.update(tx, m.port, p.id, change)
		}
	}
	return nil
}

// beforeInterface makes the first interface of a configuration the primary one,
// gives it the addresses that the configuration already has, and refuses to
// leave a configuration without a primary one.
func (m mirror) beforeInterface(tx *gate.Tx, now, old *record.Record) error {
	if old != nil && old.Values.ID("configuration_id") != now.Values.ID("configuration_id") {
		return fault.Field("configuration_id", "An interface stays with its configuration.")
	}
	list, err := ports(tx, now.Parent)
	if err != nil {
		return err
	}
	others := false
	for _, p := range list {
		others = others || p.primary && p.id != now.ID
	}
	if !others {
		now.Values["primary"] = true
	}
	if now.Values["primary"] == nil {
		now.Values["primary"] = false
	}
	if old != nil || others {
		return nil
	}
	var have [2]sql.NullString
	err = tx.QueryRow(`select primary_ip, mac_address from k_configuration where id = ?`, int64(now.Parent)).Scan(&have[0], &have[1])
	if err != nil {
		return err
	}
	for i, p := range pairs {
		if now.Values[p[1]] == nil && have[i].String != "" {
			now.Values[p[1]] = have[i].String
		}
	}
	return nil
}

// fromInterface gives the primary interface's addresses to the configuration
// and unmarks the interface that was primary before. When the primary one is
// deleted, the next takes its place.
func (m mirror) fromInterface(tx *gate.Tx, now, _ *record.Record) error {
	if !now.Values.Bool("primary") {
		return nil
	}
	gone, err := parentGone(tx, now.Parent)
	if err != nil || gone {
		return err
	}
	list, err := ports(tx, now.Parent)
	if err != nil {
		return err
	}
	if now.Trashed != 0 {
		if len(list) == 0 {
			return nil
		}
		return m.update(tx, m.port, list[0].id, record.Values{"primary": true})
	}
	for _, p := range list {
		if p.primary && p.id != now.ID {
			if err := m.update(tx, m.port, p.id, record.Values{"primary": false}); err != nil {
				return err
			}
		}
	}
	change := record.Values{}
	for _, p := range pairs {
		change[p[0]] = now.Values[p[1]]
	}
	return m.update(tx, m.config, now.Parent, change)
}

// parentGone tells whether the configuration is in the trash, where it takes
// its interfaces along.
func parentGone(tx *gate.Tx, config id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from record where id = ? and trashed_at is null`, int64(config)).Scan(&n)
	return n == 0, err
}

func (m mirror) update(tx *gate.Tx, k *record.Kind, rec id.ID, v record.Values) error {
	_, err := k.Engine().Update(tx, k.Name, rec, 0, v)
	return err
}
