package importertest_test

import (
	"testing"
)

// small is an export of two organizations.
func small() files {
	return files{
		"organizations.csv": "\ufeff" + csv("id,name,organization_type,organization_status,short_name,description,quick_notes,alert",
			`101,Northbeam Dental,Customer,Active,NBD,"First line`+"\n"+`second line",<p>Call <b>Ann</b></p>,Backup fails`,
			`102,Harbor Logistics,Shipping line,Active,HL,,,`),
		"locations.csv": csv("id,organization,name,address_1,address_2,city,region,postal_code,country,phone",
			`201,Northbeam Dental,Head office,1 Main Street,,Seattle,WA,98101,United States,206-555-0100`,
			`202,Harbor Logistics,Dock,Kade 1,,Rotterdam,Zuid-Holland,3011,The Netherlands,`),
		"contacts.csv": csv("id,organization,first_name,last_name,title,contact_type,location,important,notes,email,mobile_phone",
			`301,Northbeam Dental,Ann,Berg,Office manager,Approver,Head office,Yes,"a, b",ann@northbeam.example,206-555-0111`),
		"configurations.csv": csv("id,organization,name,hostname,ip,mac,serial,manufacturer,model,notes,configuration_type,configuration_status,configuration_interfaces,archived,location,contact,warranty_expires_at,cpu",
			`401,Northbeam Dental,NBD-SRV1,nbd-srv1,10.0.0.5,00:11:22:33:44:55,SN1,Dell,R740,"line 1`+"\n"+`line 2",Server,Active,"[{""name"":""eth0"",""ip_address"":""10.0.0.5"",""mac_address"":""00:11:22:33:44:55"",""primary"":true,""notes"":null},{""name"":""idrac"",""ip_address"":""10.0.0.6"",""primary"":false}]",No,Head office,Ann Berg,2027-03-01,Xeon`,
			`402,Harbor Logistics,HL-FW,,,,,Fortinet,60F,,Firewall,,,Yes,,,,`),
		"passwords.csv": csv("id,organization,name,password_category,resource_type,resource_id,username,password,otp_secret,url,notes,archived",
			`501,Northbeam Dental,Server admin,Local administrator,Configuration,401,administrator,S3cr3t-one!,,,,No`,
			`502,Northbeam Dental,Portal,Website,,,ann,"pa,ss""word",JBSWY3DPEHPK3PXP,https://portal.example,see notes,No`,
			`503,Harbor Logistics,Wifi,,StructuredData::Row,9001,,hidden-wifi,,,,No`),
	}
}

func TestImport(t *testing.T) {
	h := open(t)
	p := small().pack(t, "")
	plan := h.check(p)
	if !plan.DryRun || plan.Created == 0 || plan.Skipped != 0 {
		t.Fatalf("plan %+v", plan)
	}
	got := h.run(p)
	t.Logf("%+v", got)
	for k, c := range plan.Kinds {
		if got.Kinds[k] == nil || *got.Kinds[k] != *c {
			t.Errorf("%s: planned %+v, done %+v", k, c, got.Kinds[k])
		}
	}
	srv := h.one("configuration", "NBD-SRV1")
	if srv.Names["location_id"] != "Head office" || srv.Names["contact_id"] != "Ann Berg" || srv.Names["model_id"] != "R740" || srv.Values.Text("primary_ip") != "10.0.0.5" {
		t.Errorf("configuration %+v %+v", srv.Values, srv.Names)
	}
	pw := h.one("password", "Server admin")
	if pw.Values["resource_id"] != int64(srv.ID) {
		t.Errorf("password %+v", pw.Values)
	}
	if s := h.reveal(pw.ID, "password"); s != "S3cr3t-one!" {
		t.Errorf("revealed %q", s)
	}
	again := h.run(p)
	if again.Created+again.Changed+again.Conflicts+again.Skipped != 0 || again.Unchanged != 10 {
		t.Errorf("again %+v", again.Counts)
	}
}
