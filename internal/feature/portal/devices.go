package portal

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
)

// configuration is the kind of devices.
const configuration = "configuration"

// mostDevices is how many devices of one person are shown.
const mostDevices = 200

// Device is what a customer reads of a configuration that she uses: nothing else of it
// leaves this package.
type Device struct {
	ID                      id.ID
	Name, Type, Serial, Tag string
}

func deviceOf(r *record.Record) Device {
	return Device{ID: r.ID, Name: r.Name, Type: r.Names["configuration_type_id"], Serial: r.Values.Text("serial_number"), Tag: r.Values.Text("asset_tag")}
}

// Devices are those of the caller, by name.
func (p *Portal) Devices(tx *gate.Tx) ([]Device, error) {
	me, err := p.Me(tx)
	if err != nil {
		return nil, err
	}
	list, err := p.Records.List(tx, configuration, record.Query{Archived: "no", Limit: mostDevices, NoTotal: true, Sort: []record.Order{{Field: "name"}},
		Filters: []record.Filter{{Field: "contact_id", Op: record.Eq, Values: []any{me.ID}}}})
	if err != nil {
		return nil, err
	}
	var out []Device
	for _, r := range list.Records {
		out = append(out, deviceOf(r))
	}
	return out, nil
}

// device refuses a device that is not the caller's, in the same words as one that there is not.
func (p *Portal) device(tx *gate.Tx, which id.ID) error {
	if which == 0 {
		return nil
	}
	if _, err := p.Records.Get(tx, configuration, which); fault.Is(err, fault.NotFound) {
		return fault.Field("device", "Choose one of your devices.").WithHint("Ask your service desk to note it as yours, or leave it out.")
	} else if err != nil {
		return err
	}
	return nil
}

// about relates a ticket to the device that it is about; it is the house that writes.
func (p *Portal) about(tx *gate.Tx, ticket, device id.ID) error {
	if device == 0 {
		return nil
	}
	_, err := (&relation.Relations{Records: p.Records}).Add(tx, ticket, device, "")
	return err
}

// concerned are the devices of the caller to which a ticket is related.
func (p *Portal) concerned(tx *gate.Tx, ticket id.ID) ([]Device, error) {
	ids, err := tx.IDs(`select case when t.low_id = ? then t.high_id else t.low_id end from relation t join record r on r.id = case when t.low_id = ? then t.high_id else t.low_id end
		where (t.low_id = ? or t.high_id = ?) and r.kind = ? order by 1 limit 20`, int64(ticket), int64(ticket), int64(ticket), int64(ticket), configuration)
	if err != nil {
		return nil, err
	}
	var out []Device
	for _, n := range ids {
		switch r, err := p.Records.Get(tx, configuration, n); {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return nil, err
		case !r.Archived:
			out = append(out, deviceOf(r))
		}
	}
	return out, nil
}
