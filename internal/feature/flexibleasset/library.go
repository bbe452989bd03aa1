package flexibleasset

import (
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Ready is a type that comes with the product, to be taken over and changed.
type Ready struct {
	Name, Icon, Description string
	Fields                  []ReadyField
}

// ReadyField is a field of a Ready.
type ReadyField struct {
	Name, Kind string
	Flags      string // words: title list required expires; of a Tag: depends used
	More       string // of a Tag its type, of a Select its choices separated by |
	Hint       string
}

// Library lists the types that come with the product, by name.
func Library() []Ready {
	return []Ready{
		{"Active Directory", "users", "A directory of users and computers, and how it is kept.", []ReadyField{
			{"Domain name", Text, "title list required", "", "As in corp.example.com."}, {"Short name", Text, "list", "", ""},
			{"Functional level", Select, "list", "Windows Server 2012 R2|Windows Server 2016|Windows Server 2025|Other", ""},
			{"Domain controllers", Tag, "depends", "Configurations", ""}, {"Role holders", Textbox, "", "", "Who holds which of the five roles."},
			{"Structure", Header, "", "", ""}, {"Organizational units", Textbox, "", "", ""}, {"Group policies", Textbox, "", "", ""}, {"Naming rules", Textbox, "", "", ""},
			{"Restore mode password", Password, "", "", ""}, {"Hybrid", Checkbox, "list", "", "Synchronised with a directory in the cloud."}}},
		{"Application", "box", "A program that somebody depends on.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Vendor", Text, "list", "", ""}, {"Version", Text, "list", "", ""},
			{"Importance", Select, "list", "Critical|Important|Useful", ""}, {"Runs on", Tag, "depends", "Configurations", ""}, {"Key users", Tag, "", "Contacts", ""},
			{"Licence", Header, "", "", ""}, {"Licence key", Password, "", "", ""}, {"Seats", Number, "list", "", ""}, {"Support ends", Date, "expires list", "", ""},
			{"Care", Header, "", "", ""}, {"Installation", Textbox, "", "", ""}, {"Updates", Textbox, "", "", ""}, {"Support", Textbox, "", "", "How to reach it, and with which number."}, {"Files", Upload, "", "", ""}}},
		{"Backup", "database", "What is saved, where to, and how it comes back.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Product", Text, "list", "", ""}, {"Protected machines", Tag, "", "Configurations", ""},
			{"Stored on", Tag, "depends", "Configurations", ""}, {"Schedule", Text, "list", "", ""}, {"Kept for", Text, "list", "", ""}, {"Off site", Checkbox, "list", "", ""},
			{"Encryption password", Password, "", "", ""}, {"Restore", Header, "", "", ""}, {"Last restore test", Date, "list", "", ""}, {"Next restore test", Date, "expires list", "", ""},
			{"How to restore", Textbox, "", "", ""}, {"Who is told of failures", Tag, "", "Contacts", ""}}},
		{"E-mail", "mail", "Where mail lives and how it gets there.", []ReadyField{
			{"Domain", Text, "title list required", "", ""}, {"Kind", Select, "list", "Microsoft 365|Google Workspace|Exchange Server|IMAP|Other", ""},
			{"Administration address", Text, "", "", ""}, {"Filter", Text, "list", "", "What checks mail for spam and viruses."}, {"Administrators", Tag, "", "Contacts", ""},
			{"Administrator password", Password, "", "", ""}, {"Records", Header, "", "", ""}, {"MX", Text, "", "", ""}, {"SPF", Text, "", "", ""}, {"DKIM selectors", Text, "", "", ""}, {"DMARC", Text, "", "", ""},
			{"Shared mailboxes", Textbox, "", "", ""}, {"Notes", Textbox, "", "", ""}}},
		{"File sharing", "folder", "Shares and who may use them.", []ReadyField{
			{"Share", Text, "title list required", "", ""}, {"Path", Text, "list", "", ""}, {"Server", Tag, "depends", "Configurations", ""}, {"Drive letter", Text, "list", "", ""},
			{"Who reads", Textbox, "", "", ""}, {"Who writes", Textbox, "", "", ""}, {"Owner", Tag, "", "Contacts", ""}, {"Backed up", Checkbox, "list", "", ""}}},
		{"Internet access", "globe", "A line, its provider, and what to say on the telephone.", []ReadyField{
			{"Provider", Text, "title list required", "", ""}, {"Location", Tag, "depends", "Locations", ""}, {"Medium", Select, "list", "Fibre|Cable|DSL|Radio|Satellite|Mobile", ""},
			{"Down, Mbit/s", Number, "list", "", ""}, {"Up, Mbit/s", Number, "list", "", ""}, {"Contract", Header, "", "", ""}, {"Customer number", Text, "list", "", ""}, {"Circuit number", Text, "", "", ""},
			{"Contract ends", Date, "expires list", "", ""}, {"Support telephone", Text, "", "", ""}, {"Addresses", Header, "", "", ""}, {"Public addresses", Text, "", "", ""},
			{"Gateway", Text, "", "", ""}, {"Name servers", Text, "", "", ""}, {"Router", Tag, "depends", "Configurations", ""}, {"Access password", Password, "", "", ""}}},
		{"LAN", "network", "A network, its addresses and its parts.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Subnet", Text, "list", "", "As in 10.20.0.0/24."}, {"VLAN", Number, "list", "", ""}, {"Gateway", Text, "list", "", ""},
			{"DHCP server", Tag, "depends", "Configurations", ""}, {"DHCP range", Text, "", "", ""}, {"Name servers", Text, "", "", ""}, {"Location", Tag, "depends", "Locations", ""},
			{"Firewall", Tag, "depends", "Configurations", ""}, {"Switches", Tag, "depends", "Configurations", ""}, {"Diagram", Upload, "", "", ""}, {"Notes", Textbox, "", "", ""}}},
		{"Licence", "tag", "The right to use something, and until when.", []ReadyField{
			{"Product", Text, "title list required", "", ""}, {"Vendor", Text, "list", "", ""}, {"Key", Password, "", "", ""}, {"Seats", Number, "list", "", ""}, {"Bought on", Date, "", "", ""},
			{"Renewal", Date, "expires list", "", ""}, {"Installed on", Tag, "", "Configurations", ""}, {"Users", Tag, "", "Contacts", ""}, {"Invoice", Upload, "", "", ""}, {"Notes", Textbox, "", "", ""}}},
		{"Printing", "printer", "Printers, drivers and who to call.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Printers", Tag, "depends", "Configurations", ""}, {"Print server", Tag, "depends", "Configurations", ""}, {"Driver", Text, "list", "", ""},
			{"Service contract", Text, "list", "", ""}, {"Contract ends", Date, "expires list", "", ""}, {"Administrator password", Password, "", "", ""}, {"Scanning", Textbox, "", "", ""}, {"Supplies", Textbox, "", "", ""}}},
		{"Rack", "server-2", "A rack and what stands in it.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Location", Tag, "depends", "Locations", ""}, {"Height, units", Number, "list", "", ""}, {"First unit", Number, "", "", ""},
			{"Power, W", Number, "list", "", "What it may draw."}, {"Devices", Tag, "used", "", "Configurations or assets."}, {"Contents", Textbox, "", "", "What stands where, from the top."}, {"Key", Password, "", "", ""},
			{"Photo", Upload, "", "", ""}, {"Notes", Textbox, "", "", ""}}},
		{"Remote access", "key", "How to get in from outside.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Kind", Select, "list", "VPN|Remote desktop gateway|Remote support|Zero trust|Other", ""}, {"Address", Text, "list", "", ""},
			{"Ends at", Tag, "depends", "Configurations", ""}, {"Second factor", Checkbox, "list", "", ""}, {"Shared secret", Password, "", "", ""}, {"Who may", Textbox, "", "", ""}, {"Client set-up", Textbox, "", "", ""}, {"Certificate ends", Date, "expires list", "", ""}}},
		{"Runbook", "book", "What is done, step by step, when something happens.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"When", Text, "list", "", "What calls for it."}, {"Importance", Select, "list", "Critical|Important|Useful", ""}, {"Concerns", Tag, "", "Configurations", ""},
			{"Before you start", Textbox, "", "", ""}, {"Steps", Textbox, "", "", ""}, {"Way back", Textbox, "", "", ""}, {"Who decides", Tag, "", "Contacts", ""}, {"Last tried", Date, "list", "", ""}, {"Review", Date, "expires list", "", ""}}},
		{"Telephony", "phone", "Telephones, numbers and the line they use.", []ReadyField{
			{"System", Text, "title list required", "", ""}, {"Provider", Text, "list", "", ""}, {"Numbers", Text, "list", "", ""}, {"Main unit", Tag, "depends", "Configurations", ""}, {"Administration address", Text, "", "", ""},
			{"Administrator password", Password, "", "", ""}, {"Contract ends", Date, "expires list", "", ""}, {"Call flow", Textbox, "", "", ""}, {"Extensions", Textbox, "", "", ""}}},
		{"Vendor", "building", "Somebody who sells to or works for the organization.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"For what", Text, "list", "", ""}, {"Account number", Text, "list", "", ""}, {"Support telephone", Text, "list", "", ""}, {"Support address", Text, "", "", ""},
			{"Portal password", Password, "", "", ""}, {"Contacts", Tag, "", "Contacts", ""}, {"Contract", Upload, "", "", ""}, {"Contract ends", Date, "expires list", "", ""}, {"Notes", Textbox, "", "", ""}}},
		{"Virtualisation", "stack-2", "Hosts and what runs on them.", []ReadyField{
			{"Name", Text, "title list required", "", ""}, {"Product", Select, "list", "Hyper-V|VMware vSphere|Proxmox VE|Nutanix|KVM|Other", ""}, {"Hosts", Tag, "depends", "Configurations", ""}, {"Guests", Tag, "used", "Configurations", ""},
			{"Administration address", Text, "list", "", ""}, {"Administrator password", Password, "", "", ""}, {"Storage", Textbox, "", "", ""}, {"Networks", Textbox, "", "", ""}, {"Licence ends", Date, "expires list", "", ""}}},
		{"Wireless", "wifi", "A wireless network and its keys.", []ReadyField{
			{"Network name", Text, "title list required", "", "SSID"}, {"Key", Password, "", "", ""}, {"Security", Select, "list", "WPA3 Enterprise|WPA3 Personal|WPA2 Enterprise|WPA2 Personal|Open", ""},
			{"VLAN", Number, "list", "", ""}, {"For guests", Checkbox, "list", "", ""}, {"Hidden", Checkbox, "", "", ""}, {"Controller", Tag, "depends", "Configurations", ""}, {"Access points", Tag, "depends", "Configurations", ""}, {"Location", Tag, "", "Locations", ""}, {"Notes", Textbox, "", "", ""}}},
	}
}

// Make makes a type of the library in the tenant. Fault kinds: Denied, Conflict
// when a type of that name is there.
func (y Ready) Make(tx *gate.Tx, e *record.Engine) (id.ID, error) {
	typ, err := e.Create(tx, TypeKind, record.Values{"name": y.Name, "icon": y.Icon, "description": y.Description})
	if err != nil {
		return 0, err
	}
	for i, f := range y.Fields {
		flag := func(name string) bool { return strings.Contains(" "+f.Flags+" ", " "+name+" ") }
		v := record.Values{TypeField: typ.ID, "name": f.Name, "kind": f.Kind, "order": int64(i + 1), "hint": f.Hint,
			"required": flag("required"), "show_in_list": flag("list"), "use_for_title": flag("title"), "expiration": flag("expires")}
		switch f.Kind {
		case Tag:
			v["tag_type"] = f.More
			if flag("depends") {
				v["dependence"] = string(record.DependsOn)
			} else if flag("used") {
				v["dependence"] = string(record.UsedBy)
			}
		case Select:
			v["default_value"] = strings.ReplaceAll(f.More, "|", "\n")
		}
		if _, err := e.Create(tx, FieldKind, v); err != nil {
			return 0, err
		}
	}
	return typ.ID, nil
}
