package providertest

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SimpleSAML is SimpleSAMLphp, a provider that others wrote. Its people are alice and
// bob; the password of somebody is the name and "-pass".
type SimpleSAML struct {
	URL      string // of its metadata
	Entity   string
	SignsOut string // begins a logout there
	Begins   string // begins a sign-in there; the entity id of the way follows

	dir, base string
	t         testing.TB
}

const simpleConfig = `<?php
$config = [
 'baseurlpath' => '%[2]s/simplesaml/', 'certdir' => '%[1]s/', 'loggingdir' => '%[1]s/', 'datadir' => '%[1]s/', 'tempdir' => '%[1]s/tmp', 'metadatadir' => '%[1]s/metadata',
 'technicalcontact_name' => 'x', 'technicalcontact_email' => 'na@example.test', 'timezone' => 'UTC', 'secretsalt' => 'a salt of a test', 'auth.adminpassword' => 'a word of a test',
 'logging.level' => 4, 'logging.handler' => 'errorlog', 'enable.saml20-idp' => true, 'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
 'session.duration' => 28800, 'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'session.phpsession.cookiename' => 'SSP', 'session.phpsession.savepath' => '%[1]s/tmp',
 'store.type' => 'phpsession', 'session.authtoken.cookiename' => 'SSPAuth', 'language.available' => ['en'], 'language.default' => 'en', 'theme.use' => 'default', 'production' => false,
 'trusted.url.domains' => null, 'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '%[1]s/sp.xml']], 'authproc.idp' => [], 'authproc.sp' => [],
];
`

const simplePeople = `<?php
$config = ['admin' => ['core:AdminPassword'], 'people' => ['exampleauth:UserPass',
 'alice:alice-pass' => ['uid' => ['u-1'], 'mail' => ['alice@example.com'], 'givenName' => ['Alice'], 'sn' => ['Ångström'], 'groups' => ['technicians', 'staff & co']],
 'bob:bob-pass' => ['uid' => ['u-2'], 'mail' => ['bob@example.com'], 'givenName' => ['Bob'], 'sn' => ["O'Neil <b>"]]]];
`

// simpleHosted says what the provider is and does; the last word is more of that.
const simpleHosted = `<?php
$metadata['%[1]s'] = ['host' => '__DEFAULT__', 'privatekey' => 'key.pem', 'certificate' => 'cert.pem', 'auth' => 'people', 'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
 'sign.logout' => true, 'validate.logout' => true, 'validate.authnrequest' => true, 'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', 'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
 'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent']], %[2]s];
`

// StartSimpleSAML starts one, that takes signed requests only. The test is skipped by
// name where it is not installed.
func StartSimpleSAML(t testing.TB) *SimpleSAML {
	t.Helper()
	php, err := exec.LookPath("php")
	if _, missing := os.Stat("/usr/share/simplesamlphp/www"); err != nil || missing != nil {
		t.Skip("SimpleSAMLphp is not installed: run tools/packages")
	}
	p := &SimpleSAML{dir: t.TempDir(), t: t}
	addr := FreePort(t)
	p.base = "http://" + addr
	p.Entity, p.URL, p.SignsOut = p.base+"/idp", p.base+"/simplesaml/saml2/idp/metadata.php", p.base+"/simplesaml/saml2/idp/initSLO.php?RelayState=/"
	p.Begins = p.base + "/simplesaml/saml2/idp/SSOService.php?spentityid="
	for _, d := range []string{"www", "tmp", "metadata"} {
		if err := os.Mkdir(filepath.Join(p.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/share/simplesamlphp/www", filepath.Join(p.dir, "www", "simplesaml")); err != nil {
		t.Fatal(err)
	}
	key, cert := Certificate(t, time.Now())
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	p.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	p.write("config.php", fmt.Sprintf(simpleConfig, p.dir, p.base))
	p.write("authsources.php", simplePeople)
	p.write("sp.xml", `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`)
	p.Set("")
	cmd := exec.CommandContext(t.Context(), php, "-d", "session.save_path="+filepath.Join(p.dir, "tmp"), "-d", "opcache.revalidate_freq=0", "-d", "display_errors=0", "-d", "error_reporting=0", "-d", "error_log="+filepath.Join(p.dir, "log"), "-S", addr, "-t", filepath.Join(p.dir, "www"))
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+p.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if log, err := os.ReadFile(filepath.Join(p.dir, "log")); err == nil && t.Failed() {
			t.Logf("SimpleSAMLphp says:\n%s", log[max(0, len(log)-4000):])
		}
	})
	awaitPort(t, addr)
	return p
}

func (p *SimpleSAML) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Set says what else the provider does, in PHP.
func (p *SimpleSAML) Set(more string) {
	p.t.Helper()
	p.write("metadata/saml20-idp-hosted.php", fmt.Sprintf(simpleHosted, p.Entity, more))
}

// Know gives the provider what a way says of itself, and nothing else.
func (p *SimpleSAML) Know(document []byte) {
	p.t.Helper()
	p.write("sp.xml", strings.TrimPrefix(string(document), `<?xml version="1.0"?>`))
}

// simpleEncrypt encrypts an element with AES-GCM, by the library that the provider uses.
const simpleEncrypt = `require '/usr/share/simplesamlphp/vendor/autoload.php';
$doc = new DOMDocument(); $doc->loadXML(stream_get_contents(STDIN));
$key = new RobRichards\XMLSecLibs\XMLSecurityKey(RobRichards\XMLSecLibs\XMLSecurityKey::RSA_OAEP_MGF1P, ['type' => 'public']); $key->loadKey($argv[1], false, true);
$one = new RobRichards\XMLSecLibs\XMLSecurityKey(RobRichards\XMLSecLibs\XMLSecurityKey::AES256_GCM); $one->generateSessionKey();
$enc = new RobRichards\XMLSecLibs\XMLSecEnc(); $enc->setNode($doc->documentElement); $enc->type = RobRichards\XMLSecLibs\XMLSecEnc::Element;
$enc->encryptKey($key, $one); $node = $enc->encryptNode($one, false); echo $node->ownerDocument->saveXML($node);`

// Encrypt encrypts an element to a certificate with AES-GCM, as code that others wrote
// does: the provider itself only knows AES-CBC.
func (p *SimpleSAML) Encrypt(to *x509.Certificate) func([]byte) string {
	return func(plain []byte) string {
		p.t.Helper()
		cmd := exec.CommandContext(p.t.Context(), "php", "-r", simpleEncrypt, "--", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: to.Raw})))
		cmd.Stdin, cmd.Stderr = bytes.NewReader(plain), p.t.Output()
		out, err := cmd.Output()
		if err != nil {
			p.t.Fatal(err)
		}
		return string(out)
	}
}

// Visit is somebody who signs in there.
func (p *SimpleSAML) Visit(other bool) *Surfer {
	name := "alice"
	if other {
		name = "bob"
	}
	return NewSurfer(p.t, url.Values{"username": {name}, "password": {name + "-pass"}})
}

// Signed tells whether somebody is still signed in at an address of the provider that
// leads home without asking for a password.
func (s *Surfer) Signed(t testing.TB, to, home string) bool {
	t.Helper()
	fill := s.Fill
	s.Fill = nil
	defer func() { s.Fill = fill }()
	for range 10 {
		if strings.HasPrefix(to, home) {
			return true
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		next, err := resp.Location()
		if err != nil {
			return false
		}
		to = next.String()
	}
	return false
}
