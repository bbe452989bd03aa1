package sample

import (
	"fmt"
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// hardware is what devices are made of. The role is what documents call it.
var hardware = []struct {
	role, typ, maker, model, os string
	prefix                      string // of the host name, after the organization's
	vlan, host                  int    // third and fourth part of the address; people's devices count on from 100
	years                       int    // of warranty
}{
	{"fw", "Firewall", "Fortinet", "FortiGate 70G", "FortiOS 7", "FW", 99, 1, 3},
	{"sw", "Switch", "HPE Aruba", "CX 6200F 48G", "ArubaOS", "SW", 99, 10, 5},
	{"hv", "Server", "Dell", "PowerEdge R660xs", "Hyper-V Server", "HV", 99, 20, 5},
	{"dc", "Virtual machine", "Microsoft", "Virtual machine", "Windows Server 2022", "DC", 10, 10, 0},
	{"fs", "Virtual machine", "Microsoft", "Virtual machine", "Windows Server 2022", "FS", 10, 12, 0},
	{"app", "Virtual machine", "Microsoft", "Virtual machine", "Windows Server 2019", "APP", 10, 20, 0},
	{"nas", "Storage", "Synology", "RS1221+", "Synology DSM 7", "NAS", 10, 40, 3},
	{"ap", "Wireless access point", "Ubiquiti", "U7 Pro", "UniFi OS", "AP", 99, 30, 2},
	{"ups", "UPS", "APC", "Smart-UPS 1500", "", "UPS", 99, 60, 3},
	{"prn", "Printer", "Ricoh", "IM C3010", "", "PRN", 20, 5, 3},
	{"pc", "Workstation", "HP", "EliteDesk 800 G9", "Windows 11", "PC", 20, 0, 3},
	{"lap", "Laptop", "Lenovo", "ThinkPad T14 Gen 5", "Windows 11", "LT", 20, 0, 3},
	{"mac", "Laptop", "Apple", "MacBook Air M4", "macOS 26 Tahoe", "MB", 20, 0, 1},
	{"tab", "Tablet", "Apple", "iPad (11th generation)", "iPadOS 18", "TB", 40, 0, 1},
	{"tel", "Phone", "Yealink", "T54W", "", "TEL", 30, 0, 2},
}

// device is a configuration that other things name.
type device struct {
	id       id.ID
	name, ip string
}

const servers = 10 // the first roles of hardware are infrastructure, one each

// infrastructure makes the devices that every organization has.
func (c *client) infrastructure() []step {
	var out []step
	for i := range servers {
		out = append(out, c.device(i, 1))
		switch hardware[i].role {
		case "fw":
			out = append(out, c.port("fw", "LAN", "", ""), c.port("fw", "WAN", fmt.Sprintf("10.255.%d.2", c.net), "Leased line, addressed privately in this sample."))
		case "hv":
			out = append(out, c.port("hv", "NIC1", "", "Management"), c.port("hv", "NIC2", "", "Virtual machines, trunk of VLAN 10, 20 and 30"))
		}
	}
	return out
}

// people's devices, as many as asked for: mostly laptops.
func (c *client) desks(n int) []step {
	var out []step
	for i := range n {
		kind := servers + []int{1, 0, 1, 2, 0, 3, 1, 4}[i%8]
		out = append(out, c.device(kind, i+1))
	}
	return out
}

// device makes one configuration of a sort of hardware.
func (c *client) device(kind, number int) step {
	h := hardware[kind]
	name := fmt.Sprintf("%s-%s%02d", c.short, h.prefix, number)
	host := h.host
	if kind >= servers {
		host = 100 + number
	}
	ip := fmt.Sprintf("10.%d.%d.%d", c.net, h.vlan+host/250, 1+(host-1)%250)
	serial, mac := c.serial(10), c.mac()
	age := 60 + c.w.rng.IntN(1500)
	bought := c.w.today.AddDate(0, 0, -age)
	ends := c.ends(bought, h.years)
	patch := c.w.rng.IntN(24) + 1
	return func(tx *gate.Tx) error {
		v := record.Values{
			"organization_id": c.org, "name": name, "hostname": strings.ToLower(name) + "." + c.domain,
			"configuration_type_id": c.w.of("configuration_type", h.typ), "configuration_status_id": c.w.of("configuration_status", "Active"),
			"model_id": c.w.models[h.model], "primary_ip": ip, "default_gateway": fmt.Sprintf("10.%d.%d.1", c.net, h.vlan), "mac_address": mac,
			"location_id": c.place(number), "installed_at": bought.AddDate(0, 0, 6).Format(time.DateOnly), "installed_by": own.name,
		}
		if h.os != "" {
			v["operating_system_id"] = c.w.of("operating_system", h.os)
		}
		if h.years > 0 {
			v["serial_number"], v["purchased_at"], v["warranty_expires_at"] = serial, bought.Format(time.DateOnly), ends.Format(time.DateOnly)
			v["asset_tag"] = fmt.Sprintf("%s-%04d", c.short, 1000+len(c.devices))
		}
		if kind < servers {
			v["position"], v["notes"] = fmt.Sprintf("Rack 1, U%d", 2+2*kind), notesOf(h.role, patch)
		} else if len(c.people) > 0 {
			v["contact_id"] = c.people[(number-1)%len(c.people)].id
		}
		made, err := c.w.create(tx, "configuration", v)
		d := &device{made, name, ip}
		c.devices = append(c.devices, d)
		if number == 1 {
			c.roles[h.role] = d
			c.wire(h.role)
		}
		return err
	}
}

// wiring is which part of the infrastructure fails with which, and why.
var wiring = []struct{ role, on, why string }{
	{"sw", "fw", "uplink"}, {"hv", "sw", "network"}, {"hv", "ups", "power"}, {"nas", "sw", "network"}, {"ap", "sw", "network and power"}, {"prn", "sw", "network"},
	{"dc", "hv", "runs on it"}, {"fs", "hv", "runs on it"}, {"app", "hv", "runs on it"}, {"app", "dc", "sign-in"},
}

// wire notes what a device that was just made depends on, and what on it.
func (c *client) wire(role string) {
	for _, w := range wiring {
		from, to := c.roles[w.role], c.roles[w.on]
		if (w.role == role || w.on == role) && from != nil && to != nil {
			c.pairs = append(c.pairs, pair{&from.id, &to.id, w.why, record.DependsOn})
		}
	}
}

// ends is the day a warranty ends; now and then one that is close to today, so
// that the board of expirations is never empty.
func (c *client) ends(bought time.Time, years int) time.Time {
	if near := c.w.rng.IntN(14); near < 3 {
		return c.w.today.AddDate(0, 0, 6+near*17+c.w.rng.IntN(9))
	}
	return bought.AddDate(years, 0, -1)
}

func notesOf(role string, patch int) string {
	text := map[string]string{
		"fw":  "Two-factor sign-in for administrators. The configuration is saved every night to the file server.",
		"sw":  "Ports 1 to 40 are VLAN 20, 41 to 46 VLAN 30, 47 and 48 trunks. Labelled on the patch panel.",
		"hv":  "Host of all virtual machines. Updates on the second Sunday of the month, host last.",
		"dc":  "Domain controller, DNS and DHCP. Do not restore from a snapshot: see the backup document.",
		"fs":  "Departments' shares under D:\\Shares, home folders under D:\\Home. Previous versions are kept for 30 days.",
		"app": "The line-of-business application and its database. Restart in the order of the runbook only.",
		"nas": "Target of the nightly backup. Nobody but the backup account may write to it.",
		"ap":  "Powered by the switch. Staff and guest networks, see the wireless document.",
		"ups": "Batteries changed every three years. Shuts the host down at 20 % charge.",
		"prn": "Scans go to the file server, folder Scans. Toner arrives by itself.",
	}[role]
	return fmt.Sprintf("<p>%s</p><p>Patched to <code>A-%02d</code>.</p>", text, patch)
}

// port makes one more interface of a device.
func (c *client) port(role, name, ip, notes string) step {
	mac := c.mac()
	return func(tx *gate.Tx) error {
		v := record.Values{"configuration_id": c.roles[role].id, "name": name, "notes": notes}
		if ip != "" {
			v["ip_address"], v["mac_address"] = ip, mac
			v["primary"] = false
		}
		_, err := c.w.create(tx, "configuration_interface", v)
		return err
	}
}

// names makes the domain of the organization, and the certificates of what it
// shows to the world.
func (c *client) names() []step {
	registered, web, mail := 20+c.w.rng.IntN(340), 12+c.w.rng.IntN(60), 90+c.w.rng.IntN(200)
	certificate := func(host string, days int) step {
		return func(tx *gate.Tx) error {
			until := c.w.today.AddDate(0, 0, days)
			rid, err := c.w.create(tx, "ssl_certificate", record.Values{"organization_id": c.org, "host": host, "issued_to": host, "issued_by": "Openseal Trust",
				"valid_from": until.AddDate(0, -12, 0).Format(time.DateOnly), "valid_until": until.Format(time.DateOnly)})
			if err != nil {
				return err
			}
			t := c.follow()
			return t.put(tx, rid, "tls", "TLS certificate", 0, t.certificate(host, until))
		}
	}
	return []step{
		func(tx *gate.Tx) error {
			rid, err := c.w.create(tx, "domain", record.Values{"organization_id": c.org, "name": c.domain, "registrar_name": "Namehold",
				"expires_on": c.w.today.AddDate(0, 0, registered).Format(time.DateOnly), "notes": "<p>Renews by itself; the invoice goes to accounts. DNS is kept at the registrar.</p>"})
			if err != nil {
				return err
			}
			r, err := c.w.filler.Records.Get(tx, "domain", rid)
			if err != nil {
				return err
			}
			return c.follow().domain(tx, r)
		},
		certificate("www."+c.domain, web), certificate("mail."+c.domain, mail),
	}
}

const letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"

func (c *client) serial(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[c.w.rng.IntN(len(letters))]
	}
	return string(b)
}

// mac is a locally administered address, which no maker uses.
func (c *client) mac() string {
	r := c.w.rng.Uint64()
	return fmt.Sprintf("02:%02X:%02X:%02X:%02X:%02X", byte(r), byte(r>>8), byte(r>>16), byte(r>>24), byte(r>>32))
}
