package importertest_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"strongroom/internal/base/archive"
)

// synthetic writes an export of about n records: a fifth each of contacts,
// documents and passwords, two fifths of configurations.
func synthetic(t testing.TB, n int) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "big.zip")
	f, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	z := archive.Create(out, "")
	orgs := max(1, n/500)
	write := func(name, header string, count int, row func(i int) string) {
		w, err := z.Add(name, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "%s\r\n", header)
		for i := range count {
			fmt.Fprintf(w, "%s\r\n", row(i))
		}
	}
	org := func(i int) string { return fmt.Sprintf("Client %d", i%orgs) }
	write("organizations.csv", "id,name,organization_type,organization_status,short_name", orgs, func(i int) string {
		return fmt.Sprintf("%d,Client %d,Customer,Active,C%d", 100+i, i, i)
	})
	write("locations.csv", "id,organization,name,address_1,city,region,postal_code,country,phone", orgs, func(i int) string {
		return fmt.Sprintf("%d,%s,Head office,1 Main Street,Seattle,WA,98101,United States,206-555-0100", 1000000+i, org(i))
	})
	write("contacts.csv", "id,organization,first_name,last_name,title,contact_type,location,email,phone", n/5, func(i int) string {
		return fmt.Sprintf("%d,%s,Ann%d,Berg%d,Clerk,End user,Head office,ann%d@client.example,206-555-%04d", 2000000+i, org(i), i, i, i, i%10000)
	})
	write("configurations.csv", "id,organization,name,hostname,ip,mac,serial,manufacturer,model,notes,configuration_type,configuration_status,location", n*2/5, func(i int) string {
		return fmt.Sprintf("%d,%s,WS-%d,ws-%d,10.%d.%d.%d,,SN%d,Dell,OptiPlex %d,Bought used,Workstation,Active,Head office", 3000000+i, org(i), i, i, i>>16&255, i>>8&255, i&255, i, i%40)
	})
	write("passwords.csv", "id,organization,name,password_category,resource_type,resource_id,username,password,otp_secret,url,notes", n/5, func(i int) string {
		return fmt.Sprintf("%d,%s,Local admin %d,Local administrator,Configuration,%d,admin,secret-%d-x,,,", 4000000+i, org(i), i, 3000000+i, i)
	})
	write("documents.csv", "id,organization,name,locator", n/5, func(i int) string {
		return fmt.Sprintf("%d,%s,How to %d,DOC-%d-%d", 5000000+i, org(i), i, 100+i%orgs, 5000000+i)
	})
	for i := range n / 5 {
		w, err := z.Add(fmt.Sprintf("documents/Guides/DOC-%d-%d How to %d/How to %d.html", 100+i%orgs, 5000000+i, i, i), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "<h1>How to %d</h1><p>First look at the screen, then at the cable. If both are there, restart it.</p><ul><li>One</li><li>Two</li></ul>", i)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return p
}

// BenchmarkImport imports synthetic exports; a lot is one of 10,000 records.
func BenchmarkImport(b *testing.B) {
	for _, n := range []int{2_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := synthetic(b, n)
			var made int64
			var took time.Duration
			var more uint64
			for b.Loop() {
				h := open(b)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				start := time.Now()
				made += h.run(p).Created
				took += time.Since(start)
				runtime.ReadMemStats(&after)
				more = max(more, after.Sys-before.Sys)
			}
			b.ReportMetric(float64(made)/took.Seconds(), "records/s")
			b.ReportMetric(float64(more)/(1<<20), "MiB-more")
		})
	}
}
