package providertest

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Lemon is LemonLDAP::NG, a provider of SAML and OpenID 2.0 that others wrote. Its
// people are those of its demonstration: dwho and rtyler, each with the name as
// password.
type Lemon struct {
	URL      string // of the portal
	Metadata string // of its SAML provider

	t testing.TB
}

// LemonSP is a way that is known to it, by its metadata alone.
type LemonSP struct {
	Document []byte
	Encrypt  string // none, nameid or assertion
	Return   string // of a client of OpenID Connect instead: where its people come back to
}

const lemonINI = `[all]
logLevel = warn
checkTime = 600
[configuration]
type = File
dirName = %[1]s/conf
localStorage = Cache::FileCache
localStorageOptions = { 'namespace' => 'lemonldap-ng-config', 'default_expires_in' => 600, 'directory_umask' => '007', 'cache_root' => '%[1]s/cache', 'cache_depth' => 3 }
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
logger = Lemonldap::NG::Common::Logger::Std
`

// lemonApp answers with the portal, and with the files that its pages load.
const lemonApp = `use Plack::Builder;
use Lemonldap::NG::Portal::Main;
my $portal = Lemonldap::NG::Portal::Main->run({});
builder {
	enable "Plack::Middleware::Static", path => sub { s!^/static/!/! }, root => "/usr/share/lemonldap-ng/portal/htdocs/static/";
	enable "Plack::Middleware::Static", path => sub { s!^/javascript/!/! }, root => "/usr/share/javascript/";
	$portal;
};
`

// StartLemon starts one. know is told the address of the portal, and gives the ways
// that the provider knows, by any name. The test is skipped by name where it is not
// installed.
func StartLemon(t testing.TB, know func(portal string) map[string]LemonSP) *Lemon {
	t.Helper()
	starman, err := exec.LookPath("starman")
	for _, p := range []string{"/usr/share/lemonldap-ng/portal/templates", "/usr/share/perl5/Lemonldap/NG/Portal/Main.pm", "/usr/share/perl5/Net/OpenID/Server.pm"} {
		if _, missing := os.Stat(p); missing != nil || err != nil {
			t.Skip("LemonLDAP::NG is not installed: run tools/packages")
		}
	}
	if exec.CommandContext(t.Context(), "perl", "-MLasso", "-MGD::SecurityImage", "-MImage::Magick", "-MIO::String", "-MString::Random", "-e", "1").Run() != nil {
		t.Skip("modules of LemonLDAP::NG are not installed: run tools/packages")
	}
	dir := t.TempDir()
	for _, d := range []string{"conf", "cache", "sessions/lock", "psessions/lock"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	addr := FreePort(t)
	p := &Lemon{URL: "http://localhost:" + addr[strings.LastIndex(addr, ":")+1:], t: t}
	p.Metadata = p.URL + "/saml/metadata/idp"
	conf, err := json.Marshal(lemonConf(t, dir, p.URL, know(p.URL)))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"conf/lmConf-1.json": string(conf), "lemonldap-ng.ini": fmt.Sprintf(lemonINI, dir),
		"app.psgi": lemonApp,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), starman, "--listen", addr, "--workers", "1", "--disable-keepalive", "--preload-app", filepath.Join(dir, "app.psgi"))
	cmd.Env = append(os.Environ(), "LLNG_DEFAULTCONFFILE="+filepath.Join(dir, "lemonldap-ng.ini"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // its worker ends with it
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(filepath.Join(dir, "log")); err == nil && t.Failed() {
			t.Logf("LemonLDAP::NG says:\n%s", text[:min(len(text), 4000)])
		}
	})
	awaitPort(t, addr)
	return p
}

// lemonConf is its configuration.
func lemonConf(t testing.TB, dir, portal string, ways map[string]LemonSP) map[string]any {
	t.Helper()
	key, cert := Certificate(t, time.Now())
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	documents, options, attributes, clients, claims := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	for name, w := range ways {
		if w.Return != "" {
			clients[name] = map[string]any{"oidcRPMetaDataOptionsClientID": Client, "oidcRPMetaDataOptionsClientSecret": Secret, "oidcRPMetaDataOptionsRedirectUris": w.Return, "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
				"oidcRPMetaDataOptionsIDTokenForceClaims": 1, "oidcRPMetaDataOptionsUserIDAttr": "uid", "oidcRPMetaDataOptionsDisplayName": "Strongroom"}
			claims[name] = map[string]string{"email": "mail", "name": "cn"}
			continue
		}
		documents[name] = map[string]string{"samlSPMetaDataXML": string(w.Document)}
		options[name] = map[string]any{"samlSPMetaDataOptionsNameIDFormat": "persistent", "samlSPMetaDataOptionsSignSSOMessage": 1, "samlSPMetaDataOptionsSignSLOMessage": 1,
			"samlSPMetaDataOptionsCheckSSOMessageSignature": 1, "samlSPMetaDataOptionsCheckSLOMessageSignature": 1, "samlSPMetaDataOptionsEncryptionMode": w.Encrypt}
		attributes[name] = map[string]string{"mail": "1;mail;;", "cn": "1;cn;;", "uid": "1;uid;;"}
	}
	store := func(name string) map[string]string {
		return map[string]string{"Directory": filepath.Join(dir, name), "LockDirectory": filepath.Join(dir, name, "lock"), "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256"}
	}
	return map[string]any{
		"cfgNum": 1, "cfgVersion": "2.16.1", "cfgAuthor": "test", "cfgDate": "1", "portal": portal, "domain": "localhost", "cookieName": "lemonldap", "securedCookie": 0, "sameSite": "Lax", "httpOnly": 1,
		"key": "a word of sixteen", "authentication": "Demo", "userDB": "Same", "passwordDB": "Demo", "registerDB": "Null", "demoExportedVars": map[string]string{"cn": "cn", "mail": "mail", "uid": "uid"}, "exportedVars": map[string]string{},
		"whatToTrace": "_whatToTrace", "macros": map[string]string{"_whatToTrace": "lc($_user)"}, "groups": map[string]string{}, "locationRules": map[string]string{}, "exportedHeaders": map[string]string{}, "timeout": 3600, "portalSkin": "bootstrap",
		"globalStorage": "Apache::Session::File", "globalStorageOptions": store("sessions"), "persistentStorage": "Apache::Session::File", "persistentStorageOptions": store("psessions"),
		"localSessionStorage": "Cache::FileCache", "localSessionStorageOptions": map[string]any{"cache_depth": 3, "cache_root": filepath.Join(dir, "cache"), "default_expires_in": 600, "directory_umask": "007", "namespace": "lemonldap-ng-sessions"},
		"notification": 0, "applicationList": map[string]string{}, "skipRenewConfirmation": 1, "loginHistoryEnabled": 0, "portalRequireOldPassword": 1, "requireToken": 0,
		"issuerDBOpenIDActivation": 1, "openIdSPList": "0;", "openIdIssuerSecret": "a secret of a test", "openIdAttr": "uid", "openIdSreg_email": "mail", "openIdSreg_fullname": "cn", "openIdSreg_nickname": "uid",
		"issuerDBSAMLActivation": 1, "samlServicePrivateKeySig": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), "samlServicePublicKeySig": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		"samlServiceSignatureMethod": "RSA_SHA256", "samlServiceUseCertificateInResponse": 1, "samlNameIDFormatMapEmail": "mail", "samlNameIDFormatMapPersistent": "uid",
		"issuerDBOpenIDConnectActivation": 1, "oidcServiceMetaDataIssuer": portal, "oidcServiceAllowAuthorizationCodeFlow": 1, "oidcServiceKeyIdSig": "k1", "oidcRPMetaDataOptions": clients, "oidcRPMetaDataExportedVars": claims,
		"oidcServicePrivateKeySig": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), "oidcServicePublicKeySig": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"samlSPMetaDataXML": documents, "samlSPMetaDataOptions": options, "samlSPMetaDataExportedAttributes": attributes,
	}
}

// Visit is somebody who signs in there.
func (p *Lemon) Visit(other bool) *Surfer {
	name := "dwho"
	if other {
		name = "rtyler"
	}
	return NewSurfer(p.t, url.Values{"user": {name}, "password": {name}})
}
