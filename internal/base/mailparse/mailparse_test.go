package mailparse_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/base/richtext"
)

func read(t *testing.T, name string) *mailparse.Mail {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := mailparse.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestM1OutOfOffice(t *testing.T) {
	m := read(t, "M1-out-of-office")
	if !m.Absent || m.Automatic == "" || m.Bounce != nil || !slices.Equal(m.Answers(), []string{"mail-7.k@northbeam.example"}) {
		t.Errorf("%+v", m)
	}
	for _, subject := range []string{"Out of Office: Printer", "Abwesenheitsnotiz: AW: Drucker", "Réponse automatique : imprimante", "自动答复: 打印机"} {
		if m, err := mailparse.Parse([]byte("From: a@b.example\r\nSubject: " + subject + "\r\n\r\nx")); err != nil || !m.Absent {
			t.Errorf("%s: %+v %v", subject, m, err)
		}
	}
	for _, subject := range []string{"Automatic reply fails since Monday", "Out of office hours the printer stops"} {
		if m, err := mailparse.Parse([]byte("From: a@b.example\r\nSubject: " + subject + "\r\n\r\nx")); err != nil || m.Automatic != "" {
			t.Errorf("%s is taken for an automatic reply: %q %v", subject, m.Automatic, err)
		}
	}
}

func TestM2Bounce(t *testing.T) {
	m := read(t, "M2-bounce")
	if b := m.Bounce; b == nil || !b.Failed || !slices.Equal(b.To, []string{"gone@customer.example"}) || b.Original != "mail-7.k@northbeam.example" || m.Automatic == "" {
		t.Errorf("%+v", m.Bounce)
	}
}

func TestM5NoMessageID(t *testing.T) {
	m := read(t, "M5-no-message-id")
	again := read(t, "M5-no-message-id")
	if m.ID != "" || !strings.HasPrefix(m.Key(), "sha256:") || m.Key() != again.Key() || m.Text != "Toner low." {
		t.Errorf("%+v", m)
	}
}

func TestM10ReplyToOfAnother(t *testing.T) {
	m := read(t, "M10-reply-to")
	if m.From.Address != "ines@customer.example" || len(m.ReplyTo) != 1 || m.ReplyTo[0].Address != "else@other.example" {
		t.Errorf("%+v", m)
	}
}

func TestM13ReferencesByExchange(t *testing.T) {
	if got := read(t, "M13-references-by-exchange").Answers(); !slices.Equal(got, []string{"mail-7.k@northbeam.example", "PR3P1@eurprd.prod.outlook.example"}) {
		t.Errorf("%v", got)
	}
}

// TestM14Quotes: what was written is told from what is quoted, in text and in HTML.
func TestM14Quotes(t *testing.T) {
	for name, want := range map[string]struct{ fresh, rest string }{
		"M14-outlook-german":     {"Die Maschine druckt wieder nicht.\n\nDanke\nInes", "Bitte starten"},
		"M14-outlook-html":       {"It is broken again.", "Please restart"},
		"M14-outlook-web":        {"It is broken again.", "Please restart"},
		"M14-gmail":              {"It is broken again.", "Please restart"},
		"M14-thunderbird-bottom": {"I did, and it is broken again.", "Please restart"},
		"M14-bottom-plain":       {"It is on, and broken again.", "The desk"},
		"M14-japanese":           {"まだ壊れています。", "再起動"},
		"M14-french-original":    {"Encore en panne.", "Redémarrez-la"},
	} {
		m := read(t, name)
		if m.HTML != "" {
			if got := strings.TrimSpace(richtext.Text(m.HTML)); got != want.fresh {
				t.Errorf("%s: HTML says %q", name, got)
			}
			if !strings.Contains(richtext.Text(m.RestHTML), want.rest) {
				t.Errorf("%s: the rest of HTML is %q", name, m.RestHTML)
			}
			if name != "M14-gmail" {
				continue
			}
		}
		if m.Text != want.fresh || !strings.Contains(m.Rest, want.rest) {
			t.Errorf("%s: %q, rest %q", name, m.Text, m.Rest)
		}
	}
	if m := read(t, "M14-inline"); !strings.Contains(m.Text, "Yes.") || !strings.Contains(m.Text, "paper?") || m.Rest != "" {
		t.Errorf("answers between quoted lines: %q, rest %q", m.Text, m.Rest)
	}
	for _, text := range []string{"From: the door to the window\nTo: nothing", "Steps:\n1. open\n2. close", "A\n---\nB", "> only quoted"} {
		if fresh, rest := mailparse.Fold(text); fresh != text || rest != "" {
			t.Errorf("%q is folded: %q, %q", text, fresh, rest)
		}
	}
}

func TestM15Charsets(t *testing.T) {
	for name, want := range map[string]struct{ subject, text string }{
		"M15-windows-1252":              {"Printer", "Straße – „zu“ €"},
		"M15-windows-1251":              {"Принтер", "Не работает"},
		"M15-gb18030":                   {"x", "打印机坏了 🖨"},
		"M15-gb2312-more-than-it-holds": {"x", "朱镕基"},
		"M15-utf-7":                     {"x", "Grüße 1+1=2 €"},
		"M15-iso-2022-jp":               {"x", "プリンタ"},
		"M15-broken-words":              {"Drucker für Müller€ kaputt [café]", "Kaputt."},
		"M15-raw-eight-bits":            {"Straße gesperrt", "X"},
	} {
		if m := read(t, name); m.Subject != want.subject || m.Text != want.text {
			t.Errorf("%s: %q, %q; %q", name, m.Subject, m.Text, m.Mended)
		}
	}
	if m := read(t, "M15-raw-eight-bits"); m.From.Name != "Jörg, Amt" || m.From.Address != "ines@customer.example" {
		t.Errorf("%+v", m.From)
	}
	huge := "From: a@b.example\r\n" + strings.Repeat("X-Long: "+strings.Repeat("x", 900)+"\r\n", 20_000) + "Subject: lost\r\n\r\nText.\r\n"
	m, err := mailparse.Parse([]byte(huge))
	if err != nil || m.Text != "Text." || len(m.Mended) != 1 || m.From.Address != "a@b.example" {
		t.Errorf("huge header: %v %+v", err, m)
	}
}

func TestM16PartsAndFiles(t *testing.T) {
	m := read(t, "M16-nested")
	if m.Text != "See below." || len(m.Files) != 1 || m.Files[0].Name != "Printer in Räumen.eml" || !bytes.Contains(m.Files[0].Content, []byte("Inner.")) {
		t.Errorf("nested: %q %+v", m.Text, m.Files)
	}
	if m = read(t, "M16-winmail"); len(m.Files) != 1 || m.Files[0].Name != "winmail.dat" || len(m.Mended) != 1 {
		t.Errorf("winmail: %+v %q", m.Files, m.Mended)
	}
	if m = read(t, "M16-invitation"); m.Text != "We meet." || len(m.Files) != 1 || m.Files[0].Name != "invitation-1.ics" {
		t.Errorf("invitation: %+v", m.Files)
	}
	if m = read(t, "M16-inline-picture"); len(m.Files) != 1 || m.Files[0].CID != "p1@x" || strings.ContainsAny(m.Files[0].Name, "/\\\u202e") {
		t.Errorf("picture: %+v", m.Files)
	}
	deep := "From: a@b.example\r\n"
	for i := range 400 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	if m, err := mailparse.Parse([]byte(deep + "Content-Type: text/plain\r\n\r\nx")); err != nil || len(m.Mended) == 0 {
		t.Errorf("deep: %v %+v", err, m)
	}
	many := "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\nx\r\n", 100_000)
	if m, err := mailparse.Parse([]byte(many)); err != nil || len(m.Files) > 500 || len(m.Mended) == 0 {
		t.Errorf("many: %v", err)
	}
	large := append([]byte("From: a@b.example\r\nSubject: large\r\n\r\n"), make([]byte, mailparse.MostBytes)...)
	if _, err := mailparse.Parse(large); !fault.Is(err, fault.Invalid) {
		t.Errorf("large: %v", err)
	}
	if m, err := mailparse.ParseHeader(large[:100]); err != nil || m.Subject != "large" {
		t.Errorf("large: %+v %v", m, err)
	}
}

func TestM19ListsAndNewsletters(t *testing.T) {
	for _, name := range []string{"M19-newsletter", "M19-list"} {
		if m := read(t, name); !m.List || m.Automatic == "" || m.Absent {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestM22Script(t *testing.T) {
	m := read(t, "M22-script-and-pixel")
	if got := richtext.Clean(m.HTML); strings.Contains(got, "script") || strings.Contains(got, "onclick") || strings.Contains(got, "alert") || m.Text != "Hello" {
		t.Errorf("%q, %q", got, m.Text)
	}
}

func TestM24SpoofedSender(t *testing.T) {
	if m := read(t, "M24-dmarc-fail"); m.DMARC != "fail" {
		t.Errorf("%q", m.DMARC)
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		`"Okafor, Ines" <Ines@Customer.Example>, b@c.example`: "Okafor, Ines <ines@customer.example>|b@c.example",
		"ines@customer.example (Ines)":                        "Ines <ines@customer.example>",
		"undisclosed-recipients:;":                            "",
		"Team: a@b.example, c@d.example;":                     "a@b.example|c@d.example",
		"=?utf-8?Q?J=C3=B6rg?= <j@b.example>":                 "Jörg <j@b.example>",
		`"a@trusted.example" <b@evil.example>`:                "a@trusted.example <b@evil.example>",
		"<a@b@c.example>, @x, a@, not one":                    "",
	} {
		m, err := mailparse.Parse([]byte("To: " + in + "\r\n\r\nx"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range m.To {
			if a.Name == "" {
				got = append(got, a.Address)
			} else {
				got = append(got, a.Name+" <"+a.Address+">")
			}
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(names) < 20 {
		f.Fatal(len(names), err)
	}
	for _, n := range names {
		raw, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mailparse.Parse(raw)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		lines := []string{m.ID, m.Subject, m.From.Name, m.From.Address}
		for _, file := range m.Files {
			lines = append(lines, file.Name)
			if file.Name == "" || strings.ContainsAny(file.Name, `/\`) {
				t.Errorf("a file is called %q", file.Name)
			}
		}
		for _, a := range slices.Concat(m.To, m.Cc, m.ReplyTo) {
			lines = append(lines, a.Name, a.Address)
		}
		for _, s := range append(lines, m.Answers()...) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("a line is %q", s)
			}
		}
		if !utf8.ValidString(m.Text) || !utf8.ValidString(m.Rest) || !utf8.ValidString(m.HTML) || strings.ContainsRune(m.Text, 0) {
			t.Errorf("text %q", m.Text)
		}
	})
}
