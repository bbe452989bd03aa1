package kms_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/kms"
)

const (
	arn   = "arn:aws:kms:eu-central-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
	name  = "projects/house/locations/europe-west3/keyRings/ring/cryptoKeys/root"
	vault = "https://house.vault.azure.net/keys/root"
)

// provider answers as the services' API references say. It keeps what it wraps under a
// key of its own, with what it is bound to as associated data.
type provider struct {
	t      *testing.T
	secret []byte
	rsa    *rsa.PrivateKey
	status int    // instead of an answer
	answer string // likewise
	token  string // that is let in
	asked  int
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked++
	body, _ := io.ReadAll(r.Body)
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	say := func(status int, format string, args ...any) {
		w.WriteHeader(status)
		fmt.Fprintf(w, format, args...)
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/latest/"), strings.HasPrefix(r.URL.Path, "/computeMetadata/"), strings.HasPrefix(r.URL.Path, "/metadata/"):
		p.machine(say, r)
	case p.status != 0 || p.answer != "":
		say(max(p.status, 200), "%s", p.answer)
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "TrentService."):
		p.aws(say, r, in, body)
	case strings.HasPrefix(r.URL.Path, "/v1/projects/"):
		p.google(say, r, in)
	case strings.HasPrefix(r.URL.Path, "/keys/"):
		p.azure(say, r, in)
	default:
		say(404, `{}`)
	}
}

type say func(status int, format string, args ...any)

func (p *provider) machine(say say, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.Method == "PUT" && r.URL.Path == "/latest/api/token" && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
		say(200, "imds-token")
	case strings.HasPrefix(r.URL.Path, "/latest/meta-data/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds-token":
		say(401, "")
	case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
		say(200, "keys-role")
	case r.URL.Path == "/latest/meta-data/iam/security-credentials/keys-role":
		say(200, `{"Code":"Success","AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"kelp-and-more-kelp","Token":%q}`, p.token)
	case strings.HasPrefix(r.URL.Path, "/computeMetadata/v1/") && r.Header.Get("Metadata-Flavor") == "Google",
		r.URL.Path == "/metadata/identity/oauth2/token" && r.Header.Get("Metadata") == "true" && q.Get("resource") == "https://vault.azure.net":
		say(200, `{"access_token":%q,"token_type":"Bearer"}`, p.token)
	default:
		say(400, "")
	}
}

func (p *provider) aws(say say, r *http.Request, in map[string]any, body []byte) {
	// The server signs what it got in the same way and compares: the vector in
	// TestSignature says that the way is Amazon's.
	h := http.Header{}
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		h.Set(name, r.Header.Get(name))
	}
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	err := kms.SignAWS(h, r.Method, "http://"+r.Host+r.URL.Path, body, kms.AWSKeys{ID: "AKIDEXAMPLE", Secret: "kelp-and-more-kelp", Session: p.token}, "eu-central-1", "kms", at)
	if err != nil || h.Get("Authorization") != r.Header.Get("Authorization") || r.Header.Get("X-Amz-Security-Token") != p.token {
		say(400, `{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match"}`)
		return
	}
	if in["KeyId"] != arn {
		say(400, `{"__type":"NotFoundException","message":"Key does not exist"}`)
		return
	}
	bind := []byte(in["EncryptionContext"].(map[string]any)["for"].(string))
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		box, _ := envelope.SealBox(p.secret, bind, unbase(in["Plaintext"]))
		say(200, `{"CiphertextBlob":%q,"KeyId":%q}`, base64.StdEncoding.EncodeToString(box), arn)
	case "TrentService.Decrypt":
		plain, err := envelope.OpenBox(p.secret, bind, unbase(in["CiphertextBlob"]))
		if err != nil {
			say(400, `{"__type":"com.amazonaws.kms#InvalidCiphertextException"}`)
			return
		}
		say(200, `{"Plaintext":%q,"KeyId":%q}`, base64.StdEncoding.EncodeToString(plain), arn)
	}
}

func (p *provider) google(say say, r *http.Request, in map[string]any) {
	if r.Header.Get("Authorization") != "Bearer "+p.token {
		say(401, `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`)
		return
	}
	bind := unbase(in["additionalAuthenticatedData"])
	switch r.URL.Path {
	case "/v1/" + name + ":encrypt":
		plain := unbase(in["plaintext"])
		if in["plaintextCrc32c"] != crc(plain) {
			say(400, `{"error":{"code":400,"status":"INVALID_ARGUMENT"}}`)
			return
		}
		box, _ := envelope.SealBox(p.secret, bind, plain)
		say(200, `{"name":"%s/cryptoKeyVersions/1","ciphertext":%q,"ciphertextCrc32c":%q,"verifiedPlaintextCrc32c":true}`, name, base64.StdEncoding.EncodeToString(box), crc(box))
	case "/v1/" + name + ":decrypt":
		box := unbase(in["ciphertext"])
		plain, err := envelope.OpenBox(p.secret, bind, box)
		if err != nil || in["ciphertextCrc32c"] != crc(box) {
			say(400, `{"error":{"code":400,"status":"INVALID_ARGUMENT"}}`)
			return
		}
		say(200, `{"plaintext":%q,"plaintextCrc32c":%q}`, base64.StdEncoding.EncodeToString(plain), crc(plain))
	default:
		say(404, `{"error":{"code":404,"status":"NOT_FOUND"}}`)
	}
}

const keyVersion = "78deebed173b48e48f55abf87ed4cf71"

func (p *provider) azure(say say, r *http.Request, in map[string]any) {
	if r.Header.Get("Authorization") != "Bearer "+p.token {
		say(401, `{"error":{"code":"Unauthorized"}}`)
		return
	}
	if r.URL.Query().Get("api-version") != "7.4" || in["alg"] != "RSA-OAEP-256" {
		say(400, `{"error":{"code":"BadParameter"}}`)
		return
	}
	value, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(in["value"]))
	if err != nil {
		say(400, `{"error":{"code":"BadParameter"}}`)
		return
	}
	switch r.URL.Path {
	case "/keys/root/wrapkey":
		value, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &p.rsa.PublicKey, value, nil)
	case "/keys/root/" + keyVersion + "/unwrapkey":
		value, err = rsa.DecryptOAEP(sha256.New(), nil, p.rsa, value, nil)
	default:
		say(404, `{"error":{"code":"KeyNotFound"}}`)
		return
	}
	if err != nil {
		say(400, `{"error":{"code":"BadParameter"}}`)
		return
	}
	say(200, `{"kid":"%s/%s","value":%q}`, vault, keyVersion, base64.RawURLEncoding.EncodeToString(value))
}

func unbase(v any) []byte {
	b, _ := base64.StdEncoding.DecodeString(fmt.Sprint(v))
	return b
}

func crc(b []byte) string {
	return fmt.Sprint(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func TestWrapAndUnwrap(t *testing.T) {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, secret: bytes.Repeat([]byte{7}, 32), rsa: pair, token: "ya29.kelp"}
	s := httptest.NewServer(p)
	defer s.Close()
	given := func(text string) func() (string, error) { return func() (string, error) { return text, nil } }
	const awsFile = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = kelp-and-more-kelp\naws_session_token = "
	// Each service: a key by credentials, its name, and how it refuses.
	for service, c := range map[string]struct {
		key      func(a kms.Access, other bool) kms.Key
		good     string // credentials
		bad      string
		disabled string
		status   int
	}{
		"aws": {func(a kms.Access, other bool) kms.Key {
			if other {
				return &kms.AWS{Access: a, ARN: strings.Replace(arn, "0987dcba", "00000000", 1)}
			}
			return &kms.AWS{Access: a, ARN: arn}
		}, awsFile + "ya29.kelp\n", awsFile + "other\n", `{"__type":"DisabledException"}`, 400},
		"google": {func(a kms.Access, other bool) kms.Key {
			if other {
				return &kms.Google{Access: a, Name: name + "2"}
			}
			return &kms.Google{Access: a, Name: name}
		}, "ya29.kelp\n", "other", `{"error":{"status":"FAILED_PRECONDITION"}}`, 400},
		"azure": {func(a kms.Access, other bool) kms.Key {
			if other {
				return &kms.Azure{Access: a, URL: vault + "2"}
			}
			return &kms.Azure{Access: a, URL: vault}
		}, "ya29.kelp", "other", `{"error":{"code":"Forbidden","innererror":{"code":"KeyDisabled"}}}`, 403},
	} {
		t.Run(service, func(t *testing.T) {
			p.status, p.answer = 0, ""
			a := kms.Access{Client: s.Client(), Endpoint: s.URL, Machine: s.URL, Credentials: given(c.good)}
			k := c.key(a, false)
			secret := []byte("thirty-two bytes of a root, or so")
			text, err := k.Wrap(t.Context(), secret, "a")
			if err != nil || text == "" || strings.ContainsAny(text, " \r\n\t") || strings.Contains(text, string(secret)) {
				t.Fatalf("%q, %v", text, err)
			}
			if got, err := k.Unwrap(t.Context(), text, "a"); err != nil || !bytes.Equal(got, secret) {
				t.Errorf("%q, %v", got, err)
			}
			machine := a
			machine.Credentials = nil
			if got, err := c.key(machine, false).Unwrap(t.Context(), text, "a"); err != nil || !bytes.Equal(got, secret) {
				t.Errorf("by the identity of the machine: %q, %v", got, err)
			}
			altered := []byte(text)
			if altered[len(altered)-6] ^= 1; altered[len(altered)-6] == '=' {
				t.Fatal("the text ends otherwise than thought")
			}
			for what, x := range map[string]struct {
				access     func(*kms.Access)
				other      bool
				text, bind string
				status     int
				answer     string
				want       fault.Kind
			}{
				"for something else":     {bind: "b", want: fault.Invalid},
				"altered":                {text: string(altered), want: fault.Invalid},
				"no text":                {text: "%", want: fault.Invalid},
				"another key":            {other: true, want: fault.NotFound},
				"others":                 {access: func(a *kms.Access) { a.Credentials = given(c.bad) }, want: fault.Denied},
				"credentials of nothing": {access: func(a *kms.Access) { a.Credentials = given("\n") }, want: fault.Invalid},
				"no credentials": {access: func(a *kms.Access) {
					a.Credentials = func() (string, error) { return "", fault.New(fault.NotFound, "None.") }
				}, want: fault.NotFound},
				"a machine that is none":  {access: func(a *kms.Access) { a.Credentials, a.Machine = nil, s.URL+"/nowhere" }, want: fault.Denied},
				"a key switched off":      {status: c.status, answer: c.disabled, want: fault.Unavailable},
				"broken":                  {status: 500, want: fault.Unavailable},
				"too often":               {status: 429, want: fault.Unavailable},
				"no server":               {access: func(a *kms.Access) { a.Endpoint = "http://127.0.0.1:1" }, want: fault.Unavailable},
				"no address":              {access: func(a *kms.Access) { a.Endpoint = "nowhere" }, want: fault.Invalid},
				"an answer that is none":  {answer: "<html>", want: fault.Unavailable},
				"an answer without text":  {answer: "{}", want: fault.Unavailable},
				"an answer without end":   {answer: `{"x":"` + strings.Repeat("A", 1<<20) + `"}`, want: fault.Unavailable},
				"an answer of other text": {answer: `{"Plaintext":"","plaintextCrc32c":"1","value":"%%"}`, want: fault.Unavailable},
			} {
				p.status, p.answer = x.status, x.answer
				b := a
				if x.access != nil {
					x.access(&b)
				}
				if x.text == "" {
					x.text = text
				}
				if x.bind == "" {
					x.bind = "a"
				}
				if service == "azure" && x.other { // the text names the version alone
					x.want = fault.NotFound
				}
				got, err := c.key(b, x.other).Unwrap(t.Context(), x.text, x.bind)
				if err == nil || fault.Of(err) != x.want || len(got) != 0 {
					t.Errorf("%s: %q, %v", what, got, err)
				} else if s := fault.Say(err); strings.Contains(s.Text+s.Hint, "kelp") {
					t.Errorf("%s: the error holds the credentials", what)
				}
			}
		})
	}
	p.status, p.answer = 0, ""
	before := p.asked
	a := kms.Access{Client: s.Client(), Endpoint: s.URL, Credentials: given("x")}
	for _, k := range []kms.Key{
		&kms.AWS{Access: a, ARN: "alias/root"}, &kms.AWS{Access: a, ARN: "arn:aws:kms:eu-central-1.evil.example/:111122223333:key/1"}, &kms.AWS{Access: a},
		&kms.Google{Access: a, Name: "root"}, &kms.Google{Access: a, Name: name + "/../x"},
		&kms.Azure{Access: a, URL: "http://house.vault.azure.net/keys/root"}, &kms.Azure{Access: a, URL: vault + "/" + keyVersion}, &kms.Azure{Access: a},
	} {
		if _, err := k.Wrap(t.Context(), []byte("a"), "b"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", k, err)
		}
	}
	if p.asked != before {
		t.Error("a name that is none was asked for")
	}
}

// TestSignature is "get-vanilla" of Amazon's published test suite of Signature Version 4.
func TestSignature(t *testing.T) {
	h := http.Header{}
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	err := kms.SignAWS(h, "GET", "https://example.amazonaws.com/", nil, kms.AWSKeys{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, "us-east-1", "service", at)
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := h.Get("Authorization"); err != nil || got != want {
		t.Errorf("%v\nhave %s\nwant %s", err, got, want)
	}
	h = http.Header{}
	err = kms.SignAWS(h, "POST", "https://example.amazonaws.com/", nil, kms.AWSKeys{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, "us-east-1", "service", at)
	if got := h.Get("Authorization"); err != nil || !strings.HasSuffix(got, "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b") {
		t.Errorf("%v: %s", err, got)
	}
}
