package hudu_test

import (
	"bytes"
	"testing"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/feature/importer/layout/hudu"
)

// FuzzFile: whatever lies in a zip, it is of Hudu or not, and nothing breaks.
func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"companies":[{"id":1,"name":"Acme"}],"asset_layouts":[{"id":5}]}`), []byte("name,password\nRoot,x\n"))
	f.Add([]byte(`[null,{"id":1,"company_name":"A"}]`), []byte("\xff\xfe"))
	f.Add([]byte(`{"assets":{"a":[]},"assets":[1]}`), []byte(`"`))
	f.Fuzz(func(t *testing.T, text, rows []byte) {
		var zip bytes.Buffer
		w := archive.Create(&zip, "")
		for name, content := range map[string][]byte{"all.json": text, "companies.json": text, "passwords.csv": rows, "assets/LAN.csv": rows} {
			to, err := w.Add(name, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := to.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		hudu.Recognize(bytes.NewReader(zip.Bytes()), int64(zip.Len()), "")
	})
}
