package glue

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
)

// savePorts gives a configuration its interfaces: those that it has are changed
// in their order, further ones added, the rest deleted.
func (it *item) savePorts(rows []record.Values) func(*gate.Tx, *record.Record) error {
	return func(tx *gate.Tx, rec *record.Record) error {
		e := it.r.Importer.Records.Bare()
		var have []*record.Record
		if it.What != importer.Created {
			p, err := e.List(tx, "configuration_interface", record.Query{Parent: rec.ID, Limit: 1000, NoTotal: true, Sort: []record.Order{{Field: "id"}}})
			if err != nil {
				return err
			}
			have = p.Records
		}
		for i, v := range rows {
			v = v.Clone()
			var err error
			if i < len(have) {
				_, err = e.Update(tx, "configuration_interface", have[i].ID, 0, v)
			} else {
				v["configuration_id"] = rec.ID
				var made *record.Record
				if made, err = e.Create(tx, "configuration_interface", v); err == nil {
					err = it.r.Wrote(tx, made.ID, 0)
				}
			}
			if err != nil {
				return err
			}
		}
		for _, old := range have[min(len(rows), len(have)):] {
			if err := e.Trash(tx, "configuration_interface", old.ID); err != nil {
				return err
			}
		}
		return nil
	}
}
