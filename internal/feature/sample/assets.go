package sample

import (
	"fmt"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
)

// design is a type of assets of the library, once the tenant has it.
type design struct {
	typ    id.ID
	fields map[string]string // the names of its values, by those for people
}

// makeDesigns takes the types over that the sample has assets of.
func (w *world) makeDesigns(tx *gate.Tx) error {
	w.designs = map[string]*design{}
	for _, ready := range flexibleasset.Library() {
		if ready.Name != "LAN" && ready.Name != "Internet access" && ready.Name != "Backup" {
			continue
		}
		typ, err := ready.Make(tx, w.filler.Records)
		if err != nil {
			return err
		}
		list, err := flexibleasset.Fields(tx, typ)
		if err != nil {
			return err
		}
		d := &design{typ, map[string]string{}}
		for _, f := range list {
			d.fields[f.Name] = record.TraitName(f.ID)
		}
		w.designs[ready.Name] = d
	}
	return nil
}

// asset makes an asset of a type; values gives its values by the names for people.
func (c *client) asset(typ string, values func() map[string]any) step {
	return func(tx *gate.Tx) error {
		d := c.w.designs[typ]
		v := record.Values{"organization_id": c.org, flexibleasset.TypeField: d.typ}
		for name, x := range values() {
			if x != nil {
				v[d.fields[name]] = x
			}
		}
		_, err := c.w.create(tx, "flexible_asset", v)
		return err
	}
}

// providers of lines, with the telephone on which they help.
var providers = []struct{ name, medium, telephone string }{
	{"Northline Fibre", "Fibre", "+44 20 7946 0310"}, {"Alder Cable", "Cable", "+44 20 7946 0311"}, {"Tidewater Telecom", "DSL", "+44 20 7946 0312"},
}

// assets makes a line, a network and a backup, which lead to the devices that
// they depend on.
func (c *client) assets() []step {
	p := providers[c.n%len(providers)]
	days := func(n int) string { return c.w.today.AddDate(0, 0, n).Format(time.DateOnly) }
	ends, tested, circuit := days(20+c.w.rng.IntN(700)), c.w.rng.IntN(120), c.w.rng.IntN(900000)
	down := []int{1000, 500, 100}[c.n%len(providers)]
	return []step{
		c.asset("Internet access", func() map[string]any {
			return map[string]any{"Provider": p.name, "Medium": p.medium, "Down, Mbit/s": down, "Up, Mbit/s": down / 2, "Customer number": fmt.Sprintf("%s-%05d", c.short, 20000+c.n),
				"Circuit number": fmt.Sprintf("C%06d", 100000+circuit), "Contract ends": ends, "Support telephone": p.telephone, "Public addresses": fmt.Sprintf("203.0.113.%d/30", 4+4*(c.n%60)),
				"Gateway": fmt.Sprintf("203.0.113.%d", 5+4*(c.n%60)), "Router": c.named("fw"), "Location": c.somewhere()}
		}),
		c.asset("LAN", func() map[string]any {
			return map[string]any{"Name": "Office network", "Subnet": fmt.Sprintf("10.%d.20.0/24", c.net), "VLAN": 20, "Gateway": fmt.Sprintf("10.%d.20.1", c.net),
				"DHCP range": fmt.Sprintf("10.%d.20.100 to 10.%d.20.250", c.net, c.net), "Name servers": fmt.Sprintf("10.%d.10.10", c.net), "DHCP server": c.named("dc"),
				"Firewall": c.named("fw"), "Switches": c.named("sw"), "Location": c.somewhere(), "Notes": "<p>People's devices. Servers are in VLAN 10, management is in VLAN 99, telephones are in VLAN 30.</p>"}
		}),
		c.asset("Backup", func() map[string]any {
			return map[string]any{"Name": "Nightly backup", "Product": "Veeam Backup & Replication 13", "Protected machines": c.named("dc", "fs", "app"), "Stored on": c.named("nas"),
				"Schedule": "Every night at 23:00", "Kept for": "30 days, 12 months, 7 years", "Off site": true, "Last restore test": days(-tested), "Next restore test": days(90 - tested),
				"How to restore": "<ol><li>Open the console on the backup server.</li><li>Choose the machine and the night.</li><li>Restore beside the original, never over it.</li></ol>"}
		}),
	}
}

// named gives the devices of these roles that there are; nil when there are none.
func (c *client) named(roles ...string) any {
	var out []id.ID
	for _, r := range roles {
		if d := c.roles[r]; d != nil {
			out = append(out, d.id)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// somewhere is where most things stand; nil when there is no place.
func (c *client) somewhere() any {
	if len(c.places) == 0 {
		return nil
	}
	return []id.ID{c.places[0].id}
}
