package vaults_test

import (
	"bytes"
	"io"
	"testing"

	"strongroom/internal/feature/importer/vaults"
)

// FuzzRead: whatever a file holds, reading ends, and what is given is whole.
func FuzzRead(f *testing.F) {
	for _, s := range []string{`{"encrypted":false,"folders":[{"id":"f","name":"a/b"}],"items":[{"id":"1","folderId":"f","type":1,"name":"n","fields":[{"name":"x","value":"y","type":1}],"login":{"uris":[{"uri":"u"}]}},{"type":3,"card":{"number":"1","expMonth":4}}]}`,
		"url,username,password,totp,extra,name,grouping,fav\r\nhttp://sn,,,,x,n,a\\b,0\r\n", "folder,type,name,notes,fields,login_uri,login_username,login_password,login_totp\r\na/b,login,n,,\"x: y\nz\",\"u,v\",,,\r\n",
		`"Group","Title","Username","Password","URL","Notes"` + "\r\nRoot/a,t,u,p,,\r\n", "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\r\nt,u,n,p,,,maybe,,\r\n", "PK\x03\x04", "<KeePassFile/>", "\x03\xd9\xa2\x9a", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := vaults.File{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), Name: "x"}
		if _, err := vaults.Recognize(in); err != nil {
			t.Fatalf("it cannot even be looked at: %v", err)
		}
		for _, p := range vaults.Products() {
			v, err := vaults.Read(p.Name, in, "")
			if (v == nil) == (err == nil) {
				t.Fatalf("%s: neither a vault nor an error, or both", p.Name)
			}
			if v == nil {
				continue
			}
			for _, e := range v.Entries {
				for _, h := range e.Hidden {
					if h.Label == "" || h.Value == "" {
						t.Errorf("a hidden field says nothing: %+v", h)
					}
				}
				for _, a := range e.Files {
					r, err := a.Open()
					if err == nil {
						_, _ = io.Copy(io.Discard, r)
						r.Close()
					}
				}
			}
		}
	})
}
