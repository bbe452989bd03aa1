package importertest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/layout/passwords"
	"strongroom/internal/feature/importer/vaults"
)

// keep writes a file and gives its path.
func keep(t testing.TB, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// vault imports an export of a password manager.
func (h *house) vault(product, path string, to vaults.Places, dry bool, more ...func(*importer.Options)) (*importer.Report, error) {
	h.t.Helper()
	settings, err := json.Marshal(to)
	if err != nil {
		h.t.Fatal(err)
	}
	o := importer.Options{Layout: product, Settings: settings}
	for _, f := range more {
		f(&o)
	}
	h.im.Layouts = passwords.Layouts()
	if dry {
		return h.im.Check(h.t.Context(), h.Admin(), importer.Source{Path: path}, o)
	}
	return h.im.Run(h.t.Context(), h.Admin(), importer.Source{Path: path}, o, nil)
}

// logins gives what came in as lines: folder/folder/name|user|password|address.
func (h *house) logins() (out []string) {
	h.t.Helper()
	var list []*record.Record
	folders := map[id.ID]*record.Record{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		f, err := h.Records.List(tx, "password_folder", record.Query{Limit: 500})
		if err != nil {
			return err
		}
		for _, r := range f.Records {
			folders[r.ID] = r
		}
		p, err := h.Records.List(tx, "password", record.Query{Limit: 500})
		list = p.Records
		return err
	})
	for _, r := range list {
		line := r.Name
		for at := folders[r.Values.ID("password_folder_id")]; at != nil; at = folders[at.Values.ID("parent_id")] {
			line = at.Name + "/" + line
		}
		out = append(out, line+"|"+r.Values.Text("username")+"|"+h.secretOf(r.ID, "password")+"|"+r.Values.Text("url"))
	}
	slices.Sort(out)
	return out
}

// secretOf reveals a secret, or tells that there is none.
func (h *house) secretOf(rec id.ID, field string) string {
	h.t.Helper()
	has := false
	h.View(h.Admin(), func(tx *gate.Tx) error {
		have, err := secret.Current(tx, rec)
		has = have[field].Has
		return err
	})
	if !has {
		return "-"
	}
	return h.reveal(rec, field)
}

// wantLogins compares what came in.
func (h *house) wantLogins(want ...string) {
	h.t.Helper()
	slices.Sort(want)
	if got := h.logins(); !slices.Equal(got, want) {
		h.t.Errorf("there is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// noneInText sees that no text of a record holds a secret.
func (h *house) noneInText(secrets ...string) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, "password", record.Query{Limit: 500})
		for _, r := range p.Records {
			text := fmt.Sprint(r.Name, r.Values)
			for _, s := range secrets {
				if strings.Contains(text, s) {
					h.t.Errorf("%s holds the secret %q in a text: %s", r.Name, s, text)
				}
			}
		}
		return err
	})
}

const bitwardenJSON = `{
  "encrypted": false,
  "folders": [{"id": "f1", "name": "Network/Core"}, {"id": "f2", "name": "Web"}],
  "items": [
    {"id": "i1", "folderId": "f1", "type": 1, "name": "Router", "notes": "in the rack", "favorite": true,
     "fields": [{"name": "PIN", "value": "hid-4711", "type": 1}, {"name": "Port", "value": "8443", "type": 0}, {"name": "Linked", "value": null, "type": 3, "linkedId": 100}],
     "login": {"uris": [{"match": null, "uri": "https://router.example"}, {"uri": "https://router-2.example"}], "username": "root", "password": "pw-router", "totp": "JBSWY3DPEHPK3PXP", "fido2Credentials": [{"credentialId": "x"}]},
     "passwordHistory": [{"lastUsedDate": "2026-02-01T10:00:00.000Z", "password": "pw-newer"}, {"lastUsedDate": "2025-01-01T10:00:00.000Z", "password": "pw-oldest"}], "collectionIds": null},
    {"id": "i2", "folderId": null, "type": 2, "name": "Alarm", "notes": "hid-code is 99\nsecond line", "secureNote": {"type": 0}},
    {"id": "i3", "folderId": "f2", "type": 3, "name": "Company card", "notes": null, "card": {"cardholderName": "I. Berg", "brand": "Visa", "number": "hid-4111", "expMonth": "4", "expYear": "2031", "code": "hid-321"}},
    {"id": "i4", "type": 4, "name": "Ines", "identity": {"firstName": "Ines", "ssn": "hid-ssn", "username": "ines"}},
    {"id": "i5", "folderId": "f2", "type": 1, "name": "", "login": {"username": "nameless", "password": "p5", "uris": null}},
    {"id": "i6", "type": 5, "name": "Key", "sshKey": {"privateKey": "hid-private", "publicKey": "ssh-ed25519 AAAA", "keyFingerprint": "SHA256:x"}}
  ]
}`

func TestBitwarden(t *testing.T) {
	h := open(t)
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	p := keep(t, "vault.json", bitwardenJSON)
	to := vaults.Places{Org: org}
	check, err := h.vault("bitwarden", p, to, true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.vault("bitwarden", p, to, false)
	if err != nil {
		t.Fatal(err)
	}
	samePlan(t, check, got)
	if text, _ := json.Marshal(check); strings.Contains(string(text), "hid-") || strings.Contains(string(text), "pw-") {
		t.Errorf("the report shows a secret: %s", text)
	}
	h.wantLogins("Network/Core/Router|root|pw-router|https://router.example", "Network/Core/Router: PIN||hid-4711|", "Alarm||hid-code is 99\nsecond line|", "Web/Company card|I. Berg|hid-4111|", "Web/Company card: Security code||hid-321|",
		"Ines|ines|-|", "Ines: Social security number||hid-ssn|", "Web/nameless|nameless|p5|", "Key||hid-private|")
	h.noneInText("hid-", "pw-")
	router := h.one("password", "Router")
	if notes := router.Values.Text("notes"); notes != "in the rack\nAddress: https://router-2.example\nPort: 8443" {
		t.Errorf("the notes are %q", notes)
	}
	if s := h.reveal(router.ID, "otp_secret"); s != "JBSWY3DPEHPK3PXP" {
		t.Errorf("the seed is %q", s)
	}
	h.said(got, "warning", "vault.json", 5, "a passkey")
	h.pastOf(router.ID, "pw-oldest until 2025-01-01", "pw-newer until 2026-02-01", "pw-router")
	again, err := h.vault("bitwarden", p, to, false)
	if err != nil || again.Created+again.Changed != 0 {
		t.Errorf("the same again did %+v, %v", again, err)
	}
	changed := keep(t, "vault.json", strings.NewReplacer("pw-router", "pw-now", "hid-4711", "hid-4712").Replace(bitwardenJSON))
	if r, err := h.vault("bitwarden", changed, to, false); err != nil || r.Changed != 2 || r.Created != 0 {
		t.Errorf("with two changes it did %+v, %v", r, err)
	}
	if s := h.reveal(router.ID, "password"); s != "pw-now" {
		t.Errorf("the password is now %q", s)
	}
}

// pastOf compares the versions of a password with the words that say until when each
// was in use.
func (h *house) pastOf(rec id.ID, want ...string) {
	h.t.Helper()
	var list []secret.Version
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		list, err = secret.Versions(tx, secret.Place{Kind: "password", Object: rec, Field: "password"})
		return err
	})
	var got []string
	rv := &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}
	for _, v := range list {
		s, err := rv.Reveal(h.t.Context(), h.Admin(), secret.Ref{Kind: "password", Object: rec, Field: "password", Version: v.Number}, "test")
		if err != nil {
			h.t.Fatal(err)
		}
		if _, day, ok := strings.Cut(v.Reason, "until "); ok {
			s += " until " + strings.TrimSuffix(day, ".")
		}
		got = append(got, s)
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		h.t.Errorf("its versions are %q, want %q", got, want)
	}
}

// TestVaultsIntoOrganizations: an organization's export by collections, into the
// organizations that folders are said to be, or are called like.
func TestVaultsIntoOrganizations(t *testing.T) {
	text := `{"encrypted":false,"collections":[{"id":"c1","organizationId":"o","name":"Harbour/Web"},{"id":"c2","name":"Kestrel"},{"id":"c3","name":"Private"}],"items":[
		{"id":"1","type":1,"name":"A","login":{"password":"a"},"collectionIds":["c1"]},{"id":"2","type":1,"name":"B","login":{"password":"b"},"collectionIds":["c2"]},
		{"id":"3","type":1,"name":"C","login":{"password":"c"},"collectionIds":["c3"]},{"id":"4","type":1,"name":"D","login":{"password":"d"},"collectionIds":[]}]}`
	p := keep(t, "org.json", text)
	t.Run("named", func(t *testing.T) {
		h := open(t)
		h.Make("organization", 0, record.Values{"name": "Harbour"})
		r, err := h.vault("bitwarden", p, vaults.Places{Named: true}, false, func(o *importer.Options) { o.CreateMissingOrganizations = true })
		if err != nil || r.Kinds["organization"].Created != 2 || r.Kinds["password"].Created != 3 || r.Skipped != 1 {
			t.Fatalf("it is %+v, %v", r, err)
		}
		h.said(r, "error", "org.json", 3, "nothing says to which organization")
		h.wantLogins("Web/A||a|", "B||b|", "C||c|")
		if again, err := h.vault("bitwarden", p, vaults.Places{Named: true}, false); err != nil || again.Created+again.Changed != 0 {
			t.Errorf("the same again did %+v, %v", again, err)
		}
	})
	t.Run("chosen", func(t *testing.T) {
		h := open(t)
		kestrel, rest := h.Make("organization", 0, record.Values{"name": "Kestrel"}), h.Make("organization", 0, record.Values{"name": "Rest"})
		r, err := h.vault("bitwarden", p, vaults.Places{Org: rest, Folders: map[string]id.ID{"Kestrel": kestrel, "Private": 0}}, false)
		if err != nil || r.Kinds["password"].Created != 3 || r.Skipped != 1 {
			t.Fatalf("it is %+v, %v", r, err)
		}
		h.wantLogins("Harbour/Web/A||a|", "B||b|", "D||d|")
		if h.one("password", "B").Org != kestrel || h.one("password", "A").Org != rest {
			t.Error("they are in other organizations")
		}
	})
	t.Run("hidden", func(t *testing.T) {
		h := open(t)
		if _, err := h.vault("bitwarden", p, vaults.Places{Org: 4711}, false); err == nil {
			t.Error("an organization that is not there takes an import")
		}
	})
}

// TestVaultFolders: a folder of that name that is here already takes what belongs
// into it.
func TestVaultFolders(t *testing.T) {
	h := open(t)
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	web := h.Make("password_folder", org, record.Values{"name": "WEB"})
	r, err := h.vault("lastpass", keep(t, "lastpass.csv", csv("url,username,password,totp,extra,name,grouping,fav", `https://a.example,ann,one,,"two
lines",A,web\deep,0`, `http://sn,,,,hid-note,Note,web,1`, "https://a.example,ann,two,,,A,web\\deep,0", ",,,,,,,")), vaults.Places{Org: org}, false)
	if err != nil || r.Kinds["password_folder"].Created != 1 || r.Kinds["password_folder"].Unchanged != 1 || r.Kinds["password"].Created != 3 {
		t.Fatalf("it is %+v, %+v, %v", r, r.Kinds["password_folder"], err)
	}
	h.wantLogins("WEB/deep/A|ann|one|https://a.example", "WEB/deep/A|ann|two|https://a.example", "WEB/Note||hid-note|")
	if h.one("password", "Note").Values.ID("password_folder_id") != web {
		t.Error("the note is in another folder")
	}
}

// TestVaultTables: the tables of all products.
func TestVaultTables(t *testing.T) {
	for _, test := range []struct {
		product, name string
		file          files // one is a table; several are a zip
		want          []string
	}{
		{"bitwarden", "csv", files{"b.csv": csv("folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp",
			`Web/In,1,login,Shop,n,"PIN: hid-1
hid-2",0,"https://shop.example,https://shop2.example",u,p,`, `,,note,Safe,hid-3,,0,,,,`)}, []string{"Web/In/Shop|u|p|https://shop.example", "Web/In/Shop: PIN||hid-1|", "Web/In/Shop: Field||hid-2|", "Safe||hid-3|"}},
		{"bitwarden", "collections", files{"b.csv": csv("collections,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp", `"One/Two,Three",login,Shop,,,0,,u,p,`)}, []string{"One/Two/Shop|u|p|"}},
		{"1password", "csv", files{"1.csv": csv("Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes", "Shop,https://shop.example,u,p,,false,true,\"a, b\",n")}, []string{"Shop|u|p|https://shop.example"}},
		{"keepass", "KeePassXC", files{"k.csv": csv(`"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"`, `"Root/Web/In","Shop","u","p","https://shop.example","n","","0","2026-01-02T03:04:05Z","2026-01-02T03:04:05Z"`)}, []string{"Web/In/Shop|u|p|https://shop.example"}},
		{"keepass", "KeePass 1", files{"k.csv": csv(`"Account","Login Name","Password","Web Site","Comments"`, `"Shop","u","p","https://shop.example","n"`)}, []string{"Shop|u|p|https://shop.example"}},
		{"dashlane", "one table", files{"credentials.csv": csv("username,username2,username3,title,password,note,url,category,otpSecret", "u,u2,,Shop,p,n,https://shop.example,Web,")}, []string{"Web/Shop|u|p|https://shop.example"}},
		{"dashlane", "zip", files{"credentials.csv": csv("username,username2,username3,title,password,note,url,category,otpSecret", "u,u2,,Shop,p,n,https://shop.example,,"),
			"securenotes.csv": csv("title,note", "Safe,hid-1"), "payments.csv": csv("type,account_name,account_holder,cc_number,code,expiration_month,expiration_year,routing_number,account_number,country,issuing_bank", "payment_card,Card,H,hid-2,hid-3,1,2030,,,US,B"),
			"personalInfo.csv": csv("type,title", "name,x"), "wifi.csv": ""}, []string{"Shop|u|p|https://shop.example", "Safe||hid-1|", "Card|H|hid-2|", "Card: Security code||hid-3|"}},
	} {
		t.Run(test.product+" "+test.name, func(t *testing.T) {
			h := open(t)
			org := h.Make("organization", 0, record.Values{"name": "Harbour"})
			var p string
			if len(test.file) == 1 {
				for name, text := range test.file {
					p = keep(t, name, text)
				}
			} else {
				p = test.file.pack(t, "")
			}
			r, err := h.vault(test.product, p, vaults.Places{Org: org}, false)
			if err != nil || r.Skipped != 0 {
				t.Fatalf("it is %+v, %v", r, err)
			}
			h.wantLogins(test.want...)
			h.noneInText("hid-")
			if again, err := h.vault(test.product, p, vaults.Places{Org: org}, false); err != nil || again.Created+again.Changed != 0 {
				t.Errorf("the same again did %+v, %v", again, err)
			}
		})
	}
}

const puxData = `{"accounts":[{"attrs":{"accountName":"N"},"vaults":[{"attrs":{"uuid":"v1","name":"Servers","type":"U"},"items":[
 {"uuid":"a","favIndex":0,"createdAt":1700000000,"updatedAt":1700000000,"state":"active","categoryUuid":"001","details":{"loginFields":[{"value":"u","id":"","name":"username","fieldType":"T","designation":"username"},{"value":"p","name":"password","fieldType":"P","designation":"password"}],
  "notesPlain":"n","sections":[{"title":"More","name":"s","fields":[{"title":"one-time password","id":"TOTP_1","value":{"totp":"JBSWY3DPEHPK3PXP"}},{"title":"PIN","id":"x","value":{"concealed":"hid-1"}},{"title":"Since","id":"y","value":{"date":1700000000}},
  {"title":"Contact","id":"z","value":{"email":{"email_address":"a@b.example","provider":null}}},{"title":"Scan","id":"f","value":{"file":{"fileName":"scan.txt","documentId":"doc1","decryptedSize":4}}},{"title":"New","id":"n","value":{"somethingNew":"hid-2"}}]}],
  "passwordHistory":[{"value":"old","time":1600000000}]},"overview":{"title":"Host","url":"https://h.example","urls":[{"label":"website","url":"https://h.example"},{"label":"backup","url":"https://h2.example"}],"tags":["x","y"]}},
 {"uuid":"b","state":"archived","categoryUuid":"003","details":{"notesPlain":"hid-3"},"overview":{"title":"Note"}},
 {"uuid":"c","state":"active","categoryUuid":"112","details":{"sections":[{"title":"","fields":[{"title":"username","id":"username","value":{"string":"api"}},{"title":"credential","id":"credential","value":{"concealed":"hid-4"}}]}]},"overview":{"title":"API"}}]}]}]}`

func TestOnePassword(t *testing.T) {
	h := open(t)
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	p := files{"export.attributes": "{}", "export.data": puxData, "files/doc1__scan.txt": "scan"}.pack(t, "")
	check, err := h.vault("1password", p, vaults.Places{Org: org}, true)
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.vault("1password", p, vaults.Places{Org: org}, false)
	if err != nil {
		t.Fatal(err)
	}
	samePlan(t, check, r)
	h.wantLogins("Servers/Host|u|p|https://h.example", "Servers/Host: PIN||hid-1|", "Servers/Host: New||hid-2|", "Servers/Note||hid-3|", "Servers/API|api|hid-4|")
	h.noneInText("hid-", "JBSWY")
	host := h.one("password", "Host")
	if notes := host.Values.Text("notes"); notes != "n\nbackup: https://h2.example\nSince: 2023-11-14\nContact: a@b.example\nTags: x, y" {
		t.Errorf("the notes are %q", notes)
	}
	h.pastOf(host.ID, "old until 2020-09-13", "p")
	if !h.one("password", "Note").Archived {
		t.Error("what is archived there is not here")
	}
	filesOf := func() (names []string) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			list, err := attachment.List(tx, host.ID, attachment.Attached)
			for _, f := range list {
				names = append(names, f.Name)
			}
			return err
		})
		return names
	}
	if got := filesOf(); !slices.Equal(got, []string{"scan.txt"}) {
		t.Errorf("its files are %q", got)
	}
	if again, err := h.vault("1password", p, vaults.Places{Org: org}, false); err != nil || again.Created+again.Changed != 0 || len(filesOf()) != 1 {
		t.Errorf("the same again did %+v, %v, and there are %q", again, err, filesOf())
	}
}

// TestVaultsThatAreNone: what is not of the product, or broken, is refused as a whole.
func TestVaultsThatAreNone(t *testing.T) {
	for _, test := range []struct{ product, name, text, says string }{
		{"bitwarden", "x.json", `{"encrypted":true,"passwordProtected":false}`, "is an encrypted export"},
		{"bitwarden", "x.json", `{"encrypted":true,"passwordProtected":true}`, "has a password of its own"},
		{"bitwarden", "x.json", "{\"encrypted\":false,\n\"items\":[}", "it is broken in line 2"},
		{"bitwarden", "x.json", "{\"encrypted\":false,\"items\":[{\"id\":\"1\",\"name\":\"ok\"},\n{\"id\":\"2\",\"name\":17}]}", "Entry 2 of x.json, in line 2, cannot be read: the field name is a number"},
		{"bitwarden", "x.json", `{"encrypted":false}`, "is no export of Bitwarden"},
		{"bitwarden", "x.csv", "a,b\r\n1,2\r\n", "is no export of Bitwarden"},
		{"lastpass", "x.json", `{"encrypted":false}`, "is no export of LastPass"},
		{"1password", "x.zip", "PK\x03\x04", "zip"},
		{"dashlane", "x.csv", "", "empty"},
	} {
		h := open(t)
		org := h.Make("organization", 0, record.Values{"name": "Harbour"})
		_, err := h.vault(test.product, keep(t, test.name, test.text), vaults.Places{Org: org}, false)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s of %q: %v, want it to say %q", test.product, test.text, err, test.says)
		}
		h.wantLogins()
	}
}

// TestKeePass: a database that KeePassXC made, by its passphrase; its XML is the same.
func TestKeePass(t *testing.T) {
	h := open(t)
	org := h.Make("organization", 0, record.Values{"name": "Harbour"})
	to := vaults.Places{Org: org}
	from := "../../../base/kdbx/testdata/"
	lock := func(o *importer.Options) { o.Password = vaults.Lock{Passphrase: "correct horse"}.String() }
	if _, err := h.vault("keepass", from+"aes.kdbx", to, false); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "does not open with this passphrase") {
		t.Errorf("without a passphrase it is %v", err)
	}
	r, err := h.vault("keepass", from+"aes.kdbx", to, false, lock)
	if err != nil {
		t.Fatal(err)
	}
	h.wantLogins("Router|root|sw0rd & <fish> ü|https://router.example", "Router: PIN||4711|", "Web/Shop|u|p|", "Web/Deep/Below||-|")
	h.noneInText("4711", "fish", "JBSWY")
	router := h.one("password", "Router")
	h.pastOf(router.ID, "older until 2026-03-04", "sw0rd & <fish> ü")
	if notes := router.Values.Text("notes"); notes != "in the rack\nsecond line\nPort: 8443\nTags: one, two\nExpires: 2030-01-02" {
		t.Errorf("the notes are %q", notes)
	}
	if s := h.reveal(router.ID, "otp_secret"); !strings.Contains(s, "secret=JBSWY3DPEHPK3PXP") {
		t.Errorf("the seed is %q", s)
	}
	if len(r.Unknown) != 1 || r.Unknown[0].Rows != 1 || r.Kinds["attachment"].Created != 1 {
		t.Errorf("it is %+v, %+v", r.Unknown, r.Kinds)
	}
	key, err := os.ReadFile(from + "both.keyx")
	if err != nil {
		t.Fatal(err)
	}
	for name, lock := range map[string]string{"both.kdbx": vaults.Lock{Passphrase: "correct horse", KeyFile: key}.String(), "seed.xml": "", "three.kdbx": "correct horse"} {
		again, err := h.vault("keepass", from+name, to, false, func(o *importer.Options) { o.Password = lock })
		if err != nil || again.Created != 0 || len(h.logins()) != 4 {
			t.Errorf("%s did %+v, %v", name, again, err)
		}
	}
}
