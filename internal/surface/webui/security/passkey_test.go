package security_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/surface/webui/webuitest"
)

// named gives a house that is reached by a name, as passkeys need it.
func named(t testing.TB) *webuitest.House {
	h := webuitest.Open(t, webuitest.Options{})
	h.URL = strings.Replace(h.URL, "127.0.0.1", "localhost", 1)
	return h
}

// question is what a server asks a key.
type question struct {
	State   string `json:"state"`
	Options struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
		RPID string `json:"rpId"`
		RP   struct {
			ID string `json:"id"`
		} `json:"rp"`
		UV    string           `json:"userVerification"`
		Allow []map[string]any `json:"allowCredentials"`
		Not   []map[string]any `json:"excludeCredentials"`
	} `json:"options"`
}

func ask(c *webuitest.Client, path string, form url.Values) *question {
	q := new(question)
	c.PostJSON(path, form, q).Want(http.StatusOK)
	return q
}

// soft is a key made of software, which says what a test wants it to.
type soft struct {
	t       testing.TB
	private *ecdsa.PrivateKey
	id      []byte
	handle  string
	count   uint32
	flags   byte   // 1 present, 4 verified, section 6.1
	host    string // relying party that it answers to
	origin  string
	kind    string // when set, instead of what it should say
	more    map[string]any
}

func newSoft(t testing.TB, h *webuitest.House) *soft {
	t.Helper()
	p, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &soft{t: t, private: p, id: make([]byte, 32), flags: 1 | 4, host: "localhost", origin: h.URL, more: map[string]any{}}
	rand.Read(k.id)
	return k
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *soft) client(kind, challenge string) []byte {
	if k.kind != "" {
		kind = k.kind
	}
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

func (k *soft) data(flags byte) []byte {
	host := sha256.Sum256([]byte(k.host))
	return binary.BigEndian.AppendUint32(append(host[:], flags), k.count)
}

// make answers a question for a new key, with no attestation (section 8.7).
func (k *soft) make(q *question) string {
	k.handle = q.Options.User.ID
	point, err := k.private.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	d := append(k.data(k.flags|0x40), make([]byte, 16)...)
	d = append(binary.BigEndian.AppendUint16(d, uint16(len(k.id))), k.id...)
	d = append(d, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32) // COSE: EC2, ES256, P-256, x
	d = append(append(append(d, point[1:33]...), 0x22, 0x58, 32), point[33:]...)
	o := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(d)))
	return k.json(map[string]any{"clientDataJSON": b64(k.client("webauthn.create", q.Options.Challenge)), "attestationObject": b64(append(o, d...))})
}

// sign answers a question for who it is.
func (k *soft) sign(q *question) string {
	k.count++
	client, d := k.client("webauthn.get", q.Options.Challenge), k.data(k.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, d...), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return k.json(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(d), "signature": b64(sig), "userHandle": k.handle})
}

func (k *soft) json(response map[string]any) string {
	b, err := json.Marshal(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": k.more, "response": response})
	if err != nil {
		k.t.Fatal(err)
	}
	return string(b)
}

// enrolKey sets a key up for who is signed in.
func enrolKey(t testing.TB, h *webuitest.House, c *webuitest.Client) *soft {
	t.Helper()
	k := newSoft(t, h)
	q := ask(c, "/me/security/passkey/question", nil)
	c.Post("/me/security/passkey", url.Values{"state": {q.State}, "answer": {k.make(q)}, "name": {"Ring"}})
	if main := c.Get("/me/security").Want(http.StatusOK).Text("main"); !strings.Contains(main, "Ring") {
		t.Fatalf("it is not set up: %s", main)
	}
	return k
}

// TestPasskeyAttacks: nothing but a fresh answer of the right key, to this site and
// this use, opens anything.
func TestPasskeyAttacks(t *testing.T) {
	h := named(t)
	ada := h.As(access.Editor)
	key := enrolKey(t, h, ada)
	other := enrolKey(t, h, h.As(access.Manager))
	alone := func(q *question, answer string) *webuitest.Page {
		return h.Client().Post("/sign-in/passkey", url.Values{"tenant": {coretest.Name}, "state": {q.State}, "answer": {answer}})
	}
	company := url.Values{"tenant": {coretest.Name}}
	for name, change := range map[string]func(k *soft, q *question){
		"another origin":           func(k *soft, _ *question) { k.origin = "http://localhost.evil.example" },
		"another port":             func(k *soft, _ *question) { k.origin = "http://localhost:1" },
		"another scheme":           func(k *soft, _ *question) { k.origin = strings.Replace(h.URL, "http:", "https:", 1) },
		"a name below":             func(k *soft, _ *question) { k.origin = strings.Replace(h.URL, "localhost", "evil.localhost", 1) },
		"another relying party":    func(k *soft, _ *question) { k.host = "evil.example" },
		"of another ceremony":      func(k *soft, _ *question) { k.kind = "webauthn.create" },
		"another challenge":        func(_ *soft, q *question) { q.Options.Challenge = b64(make([]byte, 32)) },
		"nobody present":           func(k *soft, _ *question) { k.flags = 4 },
		"nobody verified":          func(k *soft, _ *question) { k.flags = 1 },
		"backed up of a sudden":    func(k *soft, _ *question) { k.flags = 1 | 4 | 8 | 16 },
		"another private key":      func(k *soft, _ *question) { k.private = newSoft(t, h).private },
		"another credential":       func(k *soft, _ *question) { k.id = other.id },
		"an unknown credential":    func(k *soft, _ *question) { k.id = make([]byte, 16) },
		"another's handle":         func(k *soft, _ *question) { k.handle = other.handle },
		"no handle":                func(k *soft, _ *question) { k.handle = "" },
		"an output not asked for":  func(k *soft, _ *question) { k.more = map[string]any{"prf": map[string]any{"enabled": true}} },
		"a counter that stands":    func(k *soft, _ *question) { k.count-- },
		"a question of its own":    func(_ *soft, q *question) { q.State = "1." + b64(make([]byte, 300)) },
		"a question changed later": func(_ *soft, q *question) { q.State = "9" + q.State },
	} {
		t.Run(name, func(t *testing.T) {
			key.count++ // it has been used elsewhere meanwhile
			alone2 := *key
			q := ask(h.Client(), "/sign-in/passkey/question", company)
			alone(q, alone2.sign(q)).Want(http.StatusSeeOther) // what is changed below is right before
			key.count = alone2.count
			k := *key
			k.more = map[string]any{}
			q = ask(h.Client(), "/sign-in/passkey/question", company)
			change(&k, q)
			if p := alone(q, k.sign(q)); p.Status != http.StatusUnauthorized && p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusTooManyRequests {
				t.Errorf("status %d, to %s", p.Status, p.To())
			}
			h.Clock.Advance(time.Hour) // tries are slowed
		})
	}
}

// TestQuestionsAreUsedUp: a question is answered once, whatever became of the first
// answer, within ten minutes, and by whom it was put to, for what.
func TestQuestionsAreUsedUp(t *testing.T) {
	h := named(t)
	ada := h.As(access.Editor)
	key := enrolKey(t, h, ada)
	company := url.Values{"tenant": {coretest.Name}}
	send := func(q *question, answer string) *webuitest.Page {
		h.Clock.Advance(30 * time.Second)
		return h.Client().Post("/sign-in/passkey", url.Values{"tenant": {coretest.Name}, "state": {q.State}, "answer": {answer}})
	}
	q := ask(h.Client(), "/sign-in/passkey/question", company)
	if q.Options.UV != "required" || len(q.Options.Allow) != 0 || q.Options.RPID != "localhost" {
		t.Errorf("the question is %+v", q.Options)
	}
	answer := key.sign(q)
	send(q, answer).Want(http.StatusSeeOther)
	send(q, answer).Want(http.StatusUnprocessableEntity)

	q = ask(h.Client(), "/sign-in/passkey/question", company)
	bad := *key
	bad.origin = "http://evil.example"
	send(q, bad.sign(q)).Want(http.StatusUnauthorized)
	key.count = bad.count
	send(q, key.sign(q)).Want(http.StatusUnprocessableEntity) // a right answer after a wrong one

	q = ask(h.Client(), "/sign-in/passkey/question", company)
	h.Clock.Advance(11 * time.Minute)
	send(q, key.sign(q)).Want(http.StatusUnprocessableEntity)

	half := first(h, access.Editor)
	q = ask(half, "/sign-in/second/question", nil)
	if len(q.Options.Allow) != 1 {
		t.Errorf("the question for the second factor names %d keys", len(q.Options.Allow))
	}
	send(q, key.sign(q)).Want(http.StatusUnprocessableEntity) // for another use
	q = ask(h.Client(), "/sign-in/passkey/question", company)
	half.Post("/sign-in/second/passkey", url.Values{"state": {q.State}, "answer": {key.sign(q)}}).Want(http.StatusUnprocessableEntity)

	ben := h.As(access.Manager)
	bens := enrolKey(t, h, ben)
	q = ask(first(h, access.Manager), "/sign-in/second/question", nil)
	half.Post("/sign-in/second/passkey", url.Values{"state": {q.State}, "answer": {bens.sign(q)}}).Want(http.StatusUnprocessableEntity) // put to another

	q = ask(half, "/sign-in/second/question", nil)
	if to := half.Post("/sign-in/second/passkey", url.Values{"state": {q.State}, "answer": {key.sign(q)}, "to": {"/passwords"}}).Want(http.StatusSeeOther).To(); to != "/passwords" {
		t.Errorf("led to %s", to)
	}
	half.Get("/account").Want(http.StatusOK)

	q = ask(h.Client(), "/sign-in/passkey/question", url.Values{"tenant": {"nobody-here"}}) // tells nothing
	if len(q.State) < 100 {
		t.Errorf("the question for a company that is not there is short: %q", q.State)
	}
	h.Client().Post("/sign-in/passkey", url.Values{"tenant": {"nobody-here"}, "state": {q.State}, "answer": {key.sign(q)}}).Want(http.StatusUnauthorized)
}

// TestSecurityKey: a key that verifies nobody is a second factor, and opens nothing
// alone; what was removed opens nothing; a key is set up once; an answer for one
// name of the server is none for another.
func TestSecurityKey(t *testing.T) {
	h := named(t)
	ada := h.As(access.Editor)
	k := newSoft(t, h)
	k.flags = 1
	q := ask(ada, "/me/security/passkey/question", nil)
	made := k.make(q)
	page := ada.Post("/me/security/passkey", url.Values{"state": {q.State}, "answer": {made}, "name": {"Stick"}}).Want(http.StatusOK)
	if len(page.Texts(".codes li")) != 10 {
		t.Error("there are no recovery codes")
	}
	if main := ada.Get("/me/security").Text("main"); !strings.Contains(main, "Security key, beside the password") {
		t.Errorf("the page says %s", main)
	}
	q = ask(ada, "/me/security/passkey/question", nil)
	if len(q.Options.Not) != 1 {
		t.Errorf("%d keys are excluded", len(q.Options.Not))
	}
	ada.Post("/me/security/passkey", url.Values{"state": {q.State}, "answer": {k.make(q)}}).Want(http.StatusConflict)

	q = ask(h.Client(), "/sign-in/passkey/question", url.Values{"tenant": {coretest.Name}})
	h.Client().Post("/sign-in/passkey", url.Values{"tenant": {coretest.Name}, "state": {q.State}, "answer": {k.sign(q)}}).Want(http.StatusUnauthorized)

	half := first(h, access.Editor)
	q = ask(half, "/sign-in/second/question", nil)
	half.Post("/sign-in/second/passkey", url.Values{"state": {q.State}, "answer": {k.sign(q)}}).Want(http.StatusSeeOther)

	elsewhere := strings.Replace(h.URL, "localhost", coretest.Name+".localhost", 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/sign-in/second/question", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = strings.TrimPrefix(elsewhere, "http://")
	resp, err := first(h, access.Editor).HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		t.Error("a key is asked for at a name for which it is not set up")
	}

	h.Clock.Advance(16 * time.Minute)
	remove := ada.Get("/me/security").Attr(`form[action$="/remove"]`, "action")
	ada.Post(remove, nil).Want(http.StatusForbidden)
	q = ask(ada, "/me/security/confirm/question", nil)
	if to := ada.Post("/me/security/confirm/passkey", url.Values{"state": {q.State}, "answer": {k.sign(q)}, "to": {"/me/security"}}).Want(http.StatusSeeOther).To(); to != "/me/security" {
		t.Errorf("led to %s", to)
	}
	gone := first(h, access.Editor)
	q = ask(gone, "/sign-in/second/question", nil)
	ada.Post(remove, nil).Want(http.StatusSeeOther)
	gone.Post("/sign-in/second/passkey", url.Values{"state": {q.State}, "answer": {k.sign(q)}}).Want(http.StatusUnprocessableEntity)
}

// TestAKeyOfAnother: who can write to the database cannot give somebody a key of his
// own: it opens for its owner and place only.
func TestAKeyOfAnother(t *testing.T) {
	h := named(t)
	enrolKey(t, h, h.As(access.Editor))
	mine := enrolKey(t, h, h.As(access.Manager))
	h.Change(func(tx *gate.Tx) error {
		_, err := tx.Exec(`update mfa_factor set sealed = (select o.sealed from mfa_factor o where o.user_id = ?) where user_id = ?`, int64(h.UserID(access.Manager)), int64(h.UserID(access.Editor)))
		return err
	})
	half := first(h, access.Editor)
	var q question
	if p := half.PostJSON("/sign-in/second/question", nil, &q); p.Status != http.StatusInternalServerError {
		t.Errorf("status %d", p.Status)
	}
	q = *ask(first(h, access.Manager), "/sign-in/second/question", nil)
	if p := half.Post("/sign-in/second/passkey", url.Values{"state": {q.State}, "answer": {mine.sign(&q)}}); p.Status == http.StatusSeeOther {
		t.Error("somebody came in with a key of another")
	}
}

// TestPasskeyByAddress: where browsers give no keys, the pages say so.
func TestPasskeyByAddress(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	if h.Client().Get("/sign-in").Want(http.StatusOK).Has("form.passkey") {
		t.Error("the sign-in page of an address offers passkeys")
	}
	page := h.As(access.Editor).Get("/me/security/passkey").Want(http.StatusOK)
	if page.Has("form.passkey") || !strings.Contains(page.Text("main"), "by its name") {
		t.Errorf("the page says %s", page.Text("main"))
	}
}

// TestPasskeyInABrowser: set up, signed in with alone, used as second factor and to
// confirm; what an extension gives stays in the browser.
func TestPasskeyInABrowser(t *testing.T) {
	h := named(t)
	b := browser.Open(t, h.URL)
	b.Key(true, true)
	signIn := func() {
		b.Visit("/sign-in")
		b.Type("input[name=email]", webuitest.Email(access.Editor))
		b.Type("input[name=password]", webuitest.Password)
		b.Click("form.entrance button")
	}
	signIn()
	b.Wait(`location.pathname === "/"`)
	b.Everywhere("passkey-new", "/me/security/passkey")
	b.Visit("/me/security/passkey")
	// What a browser says of extensions, PRF among them, is not sent: the server refuses what it did not ask for.
	browser.Eval[bool](b, `PublicKeyCredential.prototype.getClientExtensionResults = () => ({ credProps: { rk: true }, prf: { enabled: true, results: { first: new ArrayBuffer(32) } } }), true`)
	b.Type("#key-name", "This device")
	b.Click("form.passkey button")
	b.Wait(`document.querySelectorAll(".codes li").length === 10`)
	b.Visit("/me/security")
	if text := b.Text("main"); !strings.Contains(text, "This device") || !strings.Contains(text, "also without the password") {
		t.Errorf("the page says %s", text)
	}
	b.Visit("/me/security/passkey")
	b.Click("form.passkey button")
	b.Wait(`document.querySelector("[data-error]").textContent.includes("set up already")`)

	signOut := func() {
		b.Visit("/account")
		browser.Eval[bool](b, `document.querySelector("form[action='/sign-out']").requestSubmit(), true`)
		b.Wait(`location.pathname === "/sign-in" && document.documentElement.dataset.ready === "1"`)
	}
	signOut()
	b.Everywhere("sign-in-passkey", "/sign-in")
	b.Visit("/sign-in?to=/passwords")
	b.Click("form.passkey button")
	b.Wait(`location.pathname === "/passwords"`)

	signOut()
	signIn()
	b.Wait(`location.pathname === "/sign-in/second" && document.documentElement.dataset.ready === "1"`)
	b.Everywhere("second-passkey", "/sign-in/second")
	b.Visit("/sign-in/second")
	b.Click("form.passkey button")
	b.Wait(`location.pathname === "/"`)

	b.Everywhere("confirm-passkey", "/me/security/confirm")
	b.Visit("/me/security/confirm?to=/me/security")
	b.Click("form.passkey button")
	b.Wait(`location.pathname === "/me/security"`)
	if n := strings.Count(h.As(access.Administrator).Get("/audit").Want(http.StatusOK).Text("main"), "passkey"); n == 0 {
		t.Error("the audit log tells nothing of passkeys")
	}
}

// FuzzPasskeyAnswers: whatever is sent as an answer is refused, and never a failure
// of ours.
func FuzzPasskeyAnswers(f *testing.F) {
	h := named(f)
	ada := h.As(access.Editor)
	key := enrolKey(f, h, ada)
	q := ask(ada, "/me/security/confirm/question", nil)
	f.Add(key.sign(q))
	f.Add(key.make(q))
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"authenticatorData":"AA","clientDataJSON":"e30","signature":"AA"}}`)
	f.Add(`null`)
	f.Add(fmt.Sprintf(`{"id":%q}`, strings.Repeat("A", 2000)))
	f.Fuzz(func(t *testing.T, answer string) {
		h.Clock.Advance(time.Hour) // tries are slowed; sessions end
		resp, err := http.PostForm(h.URL+"/sign-in/passkey/question", url.Values{"tenant": {coretest.Name}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		q := new(question)
		if err := json.NewDecoder(resp.Body).Decode(q); err != nil {
			t.Fatal(err)
		}
		said, err := http.PostForm(h.URL+"/sign-in/passkey", url.Values{"tenant": {coretest.Name}, "state": {q.State}, "answer": {answer}})
		if err != nil {
			t.Fatal(err)
		}
		defer said.Body.Close()
		if said.StatusCode != http.StatusUnauthorized && said.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("status %d for %q", said.StatusCode, answer)
		}
	})
}
