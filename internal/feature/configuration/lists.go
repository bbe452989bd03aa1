package configuration

import (
	"database/sql"
	"errors"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Sorts of configuration types: what picture stands for them, and what the API
// gives as configuration-type-kind.
const (
	Server      = "server"
	Virtual     = "virtual"
	Workstation = "workstation"
	Laptop      = "laptop"
	Tablet      = "tablet"
	Telephone   = "phone"
	Printer     = "printer"
	Firewall    = "firewall"
	Router      = "router"
	Switch      = "switch"
	Wireless    = "wireless"
	Storage     = "storage"
	Camera      = "camera"
	Power       = "power"
	Other       = "other"
)

func nameField() record.Field {
	return record.Field{Name: "name", Type: record.Text, Class: record.Public, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true}
}

func types() *record.Kind {
	k := &record.Kind{
		Name: "configuration_type", Plural: "configuration_types", Label: "Configuration type", Labels: "Configuration types", Icon: "category",
		Scope: record.OfTenant,
		Fields: []record.Field{nameField(), {Name: "kind", Label: "Sort", Type: record.Choice, Class: record.Public, List: true, Default: Other,
			Choices: []string{Server, Virtual, Workstation, Laptop, Tablet, Telephone, Printer, Firewall, Router, Switch, Wireless, Storage, Camera, Power, Other},
			Hint:    "Decides which picture stands for it."}},
	}
	for _, t := range [][2]string{
		{"Server", Server}, {"Virtual machine", Virtual}, {"Workstation", Workstation}, {"Laptop", Laptop}, {"Tablet", Tablet}, {"Phone", Telephone},
		{"Printer", Printer}, {"Firewall", Firewall}, {"Router", Router}, {"Switch", Switch}, {"Wireless access point", Wireless},
		{"Storage", Storage}, {"Camera", Camera}, {"UPS", Power}, {"Other", Other},
	} {
		k.Seed = append(k.Seed, record.Values{"name": t[0], "kind": t[1]})
	}
	return k
}

func statuses() *record.Kind {
	return list("configuration_status", "configuration_statuses", "Configuration status", "Configuration statuses", "circle-dot",
		"Active", "In stock", "In repair", "Planned", "Inactive", "Retired")
}

func manufacturers() *record.Kind {
	return list("manufacturer", "manufacturers", "Manufacturer", "Manufacturers", "building-factory-2")
}

func platforms() *record.Kind {
	return list("platform", "platforms", "Platform", "Platforms", "stack-2", "Windows", "macOS", "Linux", "BSD", "iOS", "Android", "Hypervisor", "Network", "Other")
}

func list(name, plural, label, labels, icon string, seeds ...string) *record.Kind {
	k := &record.Kind{Name: name, Plural: plural, Label: label, Labels: labels, Icon: icon, Scope: record.OfTenant, Fields: []record.Field{nameField()}}
	for _, s := range seeds {
		k.Seed = append(k.Seed, record.Values{"name": s})
	}
	return k
}

func models() *record.Kind {
	f := nameField()
	f.Unique = false // two makers may use the same name
	return &record.Kind{
		Name: "model", Plural: "models", Label: "Model", Labels: "Models", Icon: "box",
		Scope: record.OfTenant,
		Fields: []record.Field{f, {Name: "manufacturer_id", Label: "Manufacturer", Type: record.Ref, Ref: "manufacturer", Class: record.Public,
			Filter: true, Sort: true, List: true}},
	}
}

func systems() *record.Kind {
	k := &record.Kind{
		Name: "operating_system", Plural: "operating_systems", Label: "Operating system", Labels: "Operating systems", Icon: "device-desktop",
		Scope: record.OfTenant, Before: findPlatform,
		Fields: []record.Field{nameField(), {Name: "platform_id", Label: "Platform", Type: record.Ref, Ref: "platform", Class: record.Public,
			Filter: true, List: true, Hint: "Found by the name when left empty."}},
	}
	for _, n := range []string{
		"Windows 10", "Windows 11", "Windows Server 2016", "Windows Server 2019", "Windows Server 2022", "Windows Server 2025",
		"macOS 14 Sonoma", "macOS 15 Sequoia", "macOS 26 Tahoe", "Ubuntu 22.04 LTS", "Ubuntu 24.04 LTS", "Debian 12", "Debian 13",
		"Red Hat Enterprise Linux 9", "Red Hat Enterprise Linux 10", "Rocky Linux 9", "SUSE Linux Enterprise Server 15", "Synology DSM 7", "TrueNAS",
		"FreeBSD 14", "pfSense", "OPNsense", "iOS 18", "iPadOS 18", "iOS 26", "Android 14", "Android 15", "Android 16",
		"VMware ESXi 7", "VMware ESXi 8", "Hyper-V Server", "Proxmox VE 8", "Proxmox VE 9", "FortiOS 7", "PAN-OS 11", "Cisco IOS XE", "ArubaOS", "UniFi OS", "MikroTik RouterOS 7",
		"ChromeOS",
	} {
		k.Seed = append(k.Seed, record.Values{"name": n})
	}
	return k
}

// platformOf names the platform of an operating system by the beginning of its
// folded name.
var platformOf = []struct{ prefix, platform string }{
	{"windows", "Windows"}, {"microsoft windows", "Windows"}, {"macos", "macOS"}, {"mac os", "macOS"}, {"os x", "macOS"},
	{"ubuntu", "Linux"}, {"debian", "Linux"}, {"red hat", "Linux"}, {"rhel", "Linux"}, {"rocky", "Linux"}, {"alma", "Linux"}, {"centos", "Linux"},
	{"fedora", "Linux"}, {"suse", "Linux"}, {"opensuse", "Linux"}, {"linux", "Linux"}, {"synology", "Linux"}, {"truenas", "Linux"}, {"chromeos", "Linux"},
	{"freebsd", "BSD"}, {"openbsd", "BSD"}, {"netbsd", "BSD"}, {"pfsense", "BSD"}, {"opnsense", "BSD"},
	{"ios", "iOS"}, {"ipados", "iOS"}, {"android", "Android"},
	{"vmware", "Hypervisor"}, {"esxi", "Hypervisor"}, {"hyper-v", "Hypervisor"}, {"proxmox", "Hypervisor"}, {"xenserver", "Hypervisor"}, {"citrix", "Hypervisor"},
	{"fortios", "Network"}, {"pan-os", "Network"}, {"cisco", "Network"}, {"arubaos", "Network"}, {"junos", "Network"}, {"unifi", "Network"},
	{"mikrotik", "Network"}, {"routeros", "Network"}, {"sonicos", "Network"},
}

// findPlatform gives an operating system without a platform the one that its
// name tells.
func findPlatform(tx *gate.Tx, now, _ *record.Record) error {
	if now.Values.ID("platform_id") != 0 {
		return nil
	}
	want, name := "Other", record.Fold(now.Name)
	for _, p := range platformOf {
		if strings.HasPrefix(name, p.prefix) && (p.prefix != "ios" || !strings.HasPrefix(name, "ios xe")) {
			want = p.platform
			break
		}
	}
	var found int64
	err := tx.QueryRow(`select id from record where kind = 'platform' and name_fold = ? and trashed_at is null`, record.Fold(want)).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		now.Values["platform_id"] = id.ID(found)
	}
	return err
}
