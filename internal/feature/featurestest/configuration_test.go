package featurestest_test

import (
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// office is an organization with something to choose from.
type office struct {
	*house
	org, other  id.ID
	server      id.ID // configuration type
	dell, hp    id.ID
	r660, dl380 id.ID
}

func newOffice(t *testing.T) *office {
	h := open(t, true)
	o := &office{house: h, org: h.Org("Harbour Dental"), other: h.Org("Kestrel"), server: h.one("configuration_type", "Server")}
	o.dell, o.hp = h.Make("manufacturer", 0, record.Values{"name": "Dell"}), h.Make("manufacturer", 0, record.Values{"name": "HPE"})
	o.r660 = h.Make("model", 0, record.Values{"name": "PowerEdge R660", "manufacturer_id": o.dell})
	o.dl380 = h.Make("model", 0, record.Values{"name": "ProLiant DL380", "manufacturer_id": o.hp})
	return o
}

func (o *office) config(v record.Values) id.ID {
	o.t.Helper()
	v["configuration_type_id"] = o.server
	if v["name"] == nil {
		v["name"] = "SRV-01"
	}
	return o.Make("configuration", o.org, v)
}

func TestModelBelongsToItsManufacturer(t *testing.T) {
	o := newOffice(t)
	c := o.config(record.Values{"model_id": o.r660})
	shows(t, o.get("configuration", c), record.Values{"manufacturer_id": o.dell, "model_id": o.r660})
	_, err := o.update("configuration", c, record.Values{"model_id": o.dl380})
	invalid(t, err, "model_id")
	shows(t, o.mustUpdate("configuration", c, record.Values{"manufacturer_id": o.hp}), record.Values{"manufacturer_id": o.hp, "model_id": nil})
	shows(t, o.mustUpdate("configuration", c, record.Values{"manufacturer_id": o.dell, "model_id": o.r660}), record.Values{"model_id": o.r660})
	loose := o.Make("model", 0, record.Values{"name": "Custom build"})
	shows(t, o.mustUpdate("configuration", c, record.Values{"model_id": loose}), record.Values{"manufacturer_id": o.dell, "model_id": loose})
}

func TestConfigurationStaysInsideItsOrganization(t *testing.T) {
	o := newOffice(t)
	place := o.Make("location", o.other, record.Values{"name": "Depot"})
	who := o.Make("contact", o.other, record.Values{"first_name": "Ines"})
	v := record.Values{"name": "X", "configuration_type_id": o.server}
	for field, to := range map[string]id.ID{"location_id": place, "contact_id": who} {
		w := v.Clone()
		w[field] = to
		invalid(t, o.create("configuration", o.org, w), field)
	}
	invalid(t, o.create("configuration", o.org, record.Values{"name": "X"}), "configuration_type_id")
}

func TestPrimaryInterfaceMirrors(t *testing.T) {
	o := newOffice(t)
	c := o.config(record.Values{"primary_ip": "10.0.0.5", "mac_address": "00:11:22:33:44:55"})
	port := func(v record.Values) id.ID {
		v["configuration_id"] = c
		return o.Make("configuration_interface", 0, v)
	}
	first := port(record.Values{"name": "eth0"})
	shows(t, o.get("configuration_interface", first), record.Values{"primary": true, "ip_address": "10.0.0.5", "mac_address": "00:11:22:33:44:55"})

	o.mustUpdate("configuration", c, record.Values{"primary_ip": "10.0.0.6"})
	shows(t, o.get("configuration_interface", first), record.Values{"ip_address": "10.0.0.6"})
	o.mustUpdate("configuration_interface", first, record.Values{"ip_address": "10.0.0.7", "mac_address": nil})
	shows(t, o.get("configuration", c), record.Values{"primary_ip": "10.0.0.7", "mac_address": nil})

	second := port(record.Values{"name": "eth1", "ip_address": "10.0.1.7"})
	shows(t, o.get("configuration_interface", second), record.Values{"primary": false})
	shows(t, o.get("configuration", c), record.Values{"primary_ip": "10.0.0.7"})
	o.mustUpdate("configuration_interface", second, record.Values{"primary": true})
	shows(t, o.get("configuration_interface", first), record.Values{"primary": false})
	shows(t, o.get("configuration", c), record.Values{"primary_ip": "10.0.1.7"})

	o.mustUpdate("configuration_interface", second, record.Values{"primary": false})
	shows(t, o.get("configuration_interface", second), record.Values{"primary": true}) // there is always one
	o.trash("configuration_interface", second)
	shows(t, o.get("configuration_interface", first), record.Values{"primary": true})
	shows(t, o.get("configuration", c), record.Values{"primary_ip": "10.0.0.7"})

	before := o.get("configuration", c).Version
	o.mustUpdate("configuration_interface", first, record.Values{"notes": "patched to A-12"})
	if v := o.get("configuration", c).Version; v != before {
		t.Errorf("a note on the interface made version %d of the configuration out of %d", v, before)
	}
}

func TestInterfaceStaysWithItsConfiguration(t *testing.T) {
	o := newOffice(t)
	a, b := o.config(record.Values{"name": "A"}), o.config(record.Values{"name": "B"})
	p := o.Make("configuration_interface", 0, record.Values{"configuration_id": a, "ip_address": "10.0.0.1"})
	_, err := o.update("configuration_interface", p, record.Values{"configuration_id": b})
	invalid(t, err, "configuration_id")
	if n := o.get("configuration_interface", p).Name; n != "10.0.0.1" {
		t.Errorf("an interface without a name is called %q", n)
	}
	o.trash("configuration", a) // takes its interface along without a change of either
	o.Change(func(tx *gate.Tx) error { return o.Records.Untrash(tx, "configuration", a) })
	shows(t, o.get("configuration_interface", p), record.Values{"primary": true})
}

func TestOperatingSystemFindsItsPlatform(t *testing.T) {
	h := open(t, true)
	for name, platform := range map[string]string{
		"Windows Server 2022": "Windows", "Ubuntu 24.04 LTS": "Linux", "iPadOS 18": "iOS", "Cisco IOS XE": "Network", "pfSense": "BSD", "VMware ESXi 8": "Hypervisor",
	} {
		if got := h.get("operating_system", h.one("operating_system", name)).Names["platform_id"]; got != platform {
			t.Errorf("%s runs on %q, want %q", name, got, platform)
		}
	}
	odd := h.Make("operating_system", 0, record.Values{"name": "Haiku R1"})
	if got := h.get("operating_system", odd).Names["platform_id"]; got != "Other" {
		t.Errorf("an unknown system runs on %q", got)
	}
}
