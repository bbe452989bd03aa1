package importertest_test

import (
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
)

// foreign is an export of IT Glue with types of assets: tags by name, files of
// fields in both spellings of their folders, embedded passwords of both sorts.
func foreign() files {
	return files{
		"organizations.csv":  csv("id,name", "1,Harbour", "2,Kestrel"),
		"configurations.csv": csv("id,organization,name,configuration_type", "11,Harbour,sw-1,Switch", "12,Harbour,sw-2,Switch", "13,Kestrel,sw-1,Switch"),
		"contacts.csv":       csv("id,organization,first_name,last_name", "21,Harbour,Ann,Smith"),
		"lan.csv": csv("id,organization,name,vlan,valid-until,guests,notes,switches,Floor plans,Admin password,archived",
			`31,Harbour,Office,12,2027-01-31,Yes,"<p>Under the <b>stairs</b></p>","sw-1, sw-2",plan.png,,No`,
			`32,Harbour,Guests,13,2027-02-28,No,plain,sw-2,,,No`,
			`33,Kestrel,Cellar,,,,,sw-1,"other.txt",,Yes`),
		"internet-access.csv":             csv("id,organization,provider,lan,account number", "41,Harbour,Zeewind,Office,0012", "42,Kestrel,Polder,Cellar,77"),
		"lan-floor-plans/31-plan.png":     "the plan",
		"lan_floor_plans/33/other.txt":    "another",
		"attachments/lan/32/contract.pdf": "%PDF contract",
		"passwords.csv": csv("id,organization,name,resource_type,resource_id,username,password",
			"51,Kestrel,Admin password,StructuredData::Cell,991,,cellar-secret", "52,Harbour,Guest key,StructuredData::Row,32,,guest-secret",
			"53,Harbour,Router,StructuredData::Row,41,admin,router-secret"),
		"checklists.csv": csv("id,organization,name", "61,Harbour,New starter"),
	}
}

func (h *house) traitNames(typ id.ID) map[string]string {
	h.t.Helper()
	out := map[string]string{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := flexibleasset.Fields(tx, typ)
		for _, f := range list {
			out[f.Name] = record.TraitName(f.ID)
			out[f.Name+" kind"] = strings.TrimSpace(f.Kind + " " + f.TagType)
		}
		return err
	})
	return out
}

func TestForeignAssets(t *testing.T) {
	h := open(t)
	p := foreign().pack(t, "")
	plan, got := h.check(p), h.run(p)
	for _, r := range []*importer.Report{plan, got} {
		if r.Skipped+r.Conflicts != 0 || len(r.Problems) != 0 || len(r.Unknown) != 1 || r.Unknown[0].File != "checklists.csv" {
			t.Errorf("%+v", r)
		}
	}
	for k, c := range plan.Kinds {
		if got.Kinds[k] == nil || *got.Kinds[k] != *c {
			t.Errorf("%s: planned %+v, done %+v", k, c, got.Kinds[k])
		}
	}
	lan := h.one(flexibleasset.TypeKind, "LAN").ID
	f := h.traitNames(lan)
	for name, want := range map[string]string{"Name": "Text", "VLAN": "Number", "Valid until": "Date", "Guests": "Checkbox", "Notes": "Textbox", "Switches": "Tag Configurations",
		"Floor plans": "Upload", "Admin password": "Password"} {
		if f[name+" kind"] != want {
			t.Errorf("the field %s is %s, want %s", name, f[name+" kind"], want)
		}
	}
	net := h.traitNames(h.one(flexibleasset.TypeKind, "Internet access").ID)
	if net["LAN kind"] != "Tag FlexibleAssetType: "+lan.String() || net["Account number kind"] != "Text" {
		t.Errorf("internet access has %v", net)
	}
	office, guests, cellar := h.one(flexibleasset.Kind, "Office"), h.one(flexibleasset.Kind, "Guests"), h.one(flexibleasset.Kind, "Cellar")
	if v := office.Values; v[f["VLAN"]] != 12.0 || v[f["Valid until"]] != "2027-01-31" || v[f["Guests"]] != true || len(v.IDs(f["Switches"])) != 2 || !strings.Contains(v.Text(f["Notes"]), "<strong>stairs</strong>") {
		t.Errorf("the office is %v", v)
	}
	if to := cellar.Values.IDs(f["Switches"]); len(to) != 1 || cellar.Links[to[0]].Name != "sw-1" || !cellar.Archived {
		t.Errorf("the cellar refers to %v", cellar.Links)
	}
	line := h.one(flexibleasset.Kind, "Zeewind")
	if to := line.Values.IDs(net["LAN"]); len(to) != 1 || to[0] != office.ID {
		t.Errorf("the line refers to %v", to)
	}
	for _, x := range []struct {
		rec  id.ID
		role string
		want string
	}{{office.ID, f["Floor plans"], "[plan.png]"}, {cellar.ID, f["Floor plans"], "[other.txt]"}, {guests.ID, "", "[contract.pdf]"}} {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			list, err := attachment.List(tx, x.rec, attachment.Role(x.role))
			names := []string{}
			for _, f := range list {
				names = append(names, f.Name)
			}
			if fmt.Sprint(names) != x.want {
				t.Errorf("%d has the files %v, want %s", x.rec, names, x.want)
			}
			return err
		})
	}
	pw := h.one("password", "Admin password")
	if v := pw.Values; v["resource_id"] != int64(cellar.ID) || v["flexible_asset_field_id"] == nil || h.reveal(pw.ID, "password") != "cellar-secret" {
		t.Errorf("the password of a field is %v", v)
	}
	if v := h.one("password", "Guest key").Values; v["resource_id"] != int64(guests.ID) || v.Text("resource_type") != "Flexible Asset" {
		t.Errorf("the embedded password is %v", v)
	}
	if again := h.run(p); again.Created+again.Changed+again.Conflicts+again.Skipped != 0 {
		t.Errorf("again: %+v", again)
	}
}

// TestForeignAssetsOfKnownTypes: a type that is here already is used, and what
// its fields cannot hold is not lost.
func TestForeignAssetsOfKnownTypes(t *testing.T) {
	h := open(t)
	var typ id.ID
	h.Change(func(tx *gate.Tx) (err error) {
		for _, y := range flexibleasset.Library() {
			if y.Name == "LAN" {
				typ, err = y.Make(tx, h.Records)
			}
		}
		return err
	})
	p := files{
		"organizations.csv": csv("id,name", "1,Harbour"),
		"lan.csv":           csv("id,organization,name,vlan,subnet,gateway,comment", "31,Harbour,Office,twelve,10.0.0.0/24,10.0.0.1,new here"),
	}.pack(t, "")
	if r := h.run(p); r.Created != 3 || r.Kinds[flexibleasset.FieldKind].Created != 1 {
		t.Errorf("%+v", r)
	}
	f := h.traitNames(typ)
	r := h.one(flexibleasset.Kind, "Office")
	if r.Values[f["Subnet"]] != "10.0.0.0/24" || r.Values[f["Comment"]] != "new here" || r.Rest[f["VLAN"]] != "twelve" {
		t.Errorf("it is %v, and besides %v", r.Values, r.Rest)
	}
}
