// Package configuration holds the things an organization runs: servers,
// firewalls, workstations and everything else with a serial number, with their
// network interfaces, makers, models and operating systems.
//
// Always true: a configuration's model is made by its manufacturer; a
// configuration with interfaces has exactly one primary interface, and its own
// primary IP and MAC address are that interface's.
package configuration

import (
	"strongroom/internal/core/record"
)

// Feature is the kinds of configurations and of the lists they choose from.
func Feature() record.Feature {
	config, port := configurations(), interfaces()
	m := mirror{config: config, port: port}
	config.Before, config.After = before, m.fromConfiguration
	port.Before, port.After = m.beforeInterface, m.fromInterface
	return record.Feature{Name: "configuration", Kinds: []*record.Kind{
		types(), statuses(), manufacturers(), models(), platforms(), systems(), config, port,
	}}
}

func configurations() *record.Kind {
	return &record.Kind{
		Name: "configuration", Plural: "configurations", Label: "Configuration", Labels: "Configurations", Icon: "server-2",
		Scope: record.OfOrganization, Menu: 2,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "configuration_type_id", Label: "Type", Type: record.Ref, Ref: "configuration_type", Class: record.Internal, Required: true, Filter: true, List: true},
			{Name: "configuration_status_id", Label: "Status", Type: record.Ref, Ref: "configuration_status", Class: record.Internal, Filter: true, List: true},
			{Name: "contact_id", Label: "Contact", Type: record.Ref, Ref: "contact", Class: record.Internal, Filter: true,
				Hint: "Who uses it or answers for it."},
			{Name: "location_id", Label: "Location", Type: record.Ref, Ref: "location", Depends: record.DependsOn, Class: record.Internal, Filter: true, List: true},
			{Name: "position", Type: record.Text, Class: record.Internal, Hint: "Where in the location it stands, such as Rack 2, U14."},
			{Name: "hostname", Label: "Host name", Type: record.Text, Format: record.Mono, Class: record.Internal, Group: "Network", Filter: true, Search: true},
			{Name: "primary_ip", Label: "Primary IP", Type: record.Text, Format: record.IP, Class: record.Internal, Group: "Network", Search: true, List: true},
			{Name: "default_gateway", Type: record.Text, Format: record.IP, Class: record.Internal, Group: "Network"},
			{Name: "mac_address", Label: "MAC address", Type: record.Text, Format: record.MAC, Class: record.Internal, Group: "Network", Filter: true, Search: true},
			{Name: "manufacturer_id", Label: "Manufacturer", Type: record.Ref, Ref: "manufacturer", Class: record.Internal, Group: "Hardware", Filter: true},
			{Name: "model_id", Label: "Model", Type: record.Ref, Ref: "model", Class: record.Internal, Group: "Hardware", Filter: true},
			{Name: "serial_number", Type: record.Text, Format: record.Mono, Class: record.Internal, Group: "Hardware", Filter: true, Search: true, List: true},
			{Name: "asset_tag", Type: record.Text, Format: record.Mono, Class: record.Internal, Group: "Hardware", Filter: true, Search: true},
			{Name: "operating_system_id", Label: "Operating system", Type: record.Ref, Ref: "operating_system", Class: record.Internal, Group: "Software", Filter: true},
			{Name: "operating_system_notes", Type: record.Multiline, Class: record.Internal, Group: "Software"},
			{Name: "installed_at", Label: "Installed on", Type: record.Date, Class: record.Internal, Group: "Life"},
			{Name: "installed_by", Type: record.Text, Class: record.Personal, Group: "Life"},
			{Name: "purchased_at", Label: "Purchased on", Type: record.Date, Class: record.Internal, Group: "Life"},
			{Name: "purchased_by", Type: record.Text, Class: record.Personal, Group: "Life"},
			{Name: "warranty_expires_at", Label: "Warranty ends", Type: record.Date, Class: record.Internal, Group: "Life", Sort: true, Expires: true},
			{Name: "mitp_device_expiration_date", Label: "Device expires", Type: record.Date, Class: record.Internal, Group: "Life", Expires: true},
			{Name: "mitp_end_of_life_date", Label: "End of life", Type: record.Date, Class: record.Internal, Group: "Life", Expires: true},
			{Name: "notes", Type: record.HTML, Class: record.Internal, Group: "Notes", Search: true},
		},
	}
}

func interfaces() *record.Kind {
	return &record.Kind{
		Name: "configuration_interface", Plural: "configuration_interfaces", Label: "Interface", Labels: "Interfaces", Icon: "network",
		Scope: record.OfParent, Parent: "configuration_id", NameOf: interfaceName,
		Fields: []record.Field{
			{Name: "configuration_id", Label: "Configuration", Type: record.Ref, Ref: "configuration", Class: record.Internal, Required: true, Filter: true},
			{Name: "name", Type: record.Text, Class: record.Internal, Filter: true, Sort: true, Search: true, List: true, Hint: "Such as eth0 or WAN."},
			{Name: "primary", Type: record.Bool, Class: record.Internal, List: true,
				Hint: "Its addresses are the configuration's own. Marking this one unmarks the other."},
			{Name: "ip_address", Label: "IP address", Type: record.Text, Format: record.IP, Class: record.Internal, Filter: true, Search: true, List: true},
			{Name: "mac_address", Label: "MAC address", Type: record.Text, Format: record.MAC, Class: record.Internal, Search: true, List: true},
			{Name: "notes", Type: record.Multiline, Class: record.Internal},
		},
	}
}

// interfaceName is for an interface that nobody gave a name.
func interfaceName(v record.Values) string {
	for _, n := range []string{"name", "ip_address", "mac_address"} {
		if s := v.Text(n); s != "" {
			return s
		}
	}
	return "Interface"
}
