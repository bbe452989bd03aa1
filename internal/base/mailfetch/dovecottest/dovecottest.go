// Package dovecottest gives tests a mail server that others wrote: Dovecot.
//
// Always true: it runs on loopback, with everything in a folder of the test, and ends
// with it; a test is skipped by name where it is not installed.
package dovecottest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a running server with a mailbox for any user, whose password is Password.
type Server struct {
	Implicit, Late string // addresses of IMAP: TLS from the first byte, and by STARTTLS
	POP, LatePOP   string // those of POP3
	Roots          *x509.CertPool

	t        testing.TB
	dir      string
	uid, gid int
}

// Password is that of every user.
const Password = "word"

const configuration = `
base_dir = DIR/run
state_dir = DIR/state
log_path = DIR/log
protocols = imap pop3
auth_failure_delay = 0
listen = 127.0.0.1
ssl = required
ssl_cert = <DIR/cert.pem
ssl_key = <DIR/key.pem
ssl_dh =
mail_location = maildir:DIR/mail/%u
first_valid_uid = 1
OAUTHpassdb {
  driver = static
  args = password=word
}
userdb {
  driver = static
  args = uid=UID gid=GID home=DIR/mail/%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = LATE
  }
  inet_listener imaps {
    port = IMPLICIT
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = POPLATE
  }
  inet_listener pop3s {
    port = POPTLS
    ssl = yes
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
`

// Start starts Dovecot until the test ends, with the mailboxes of whoever runs the test,
// or of nobody for root. A test where it is not installed is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, "", "")
}

// Trusting is Start for a server that takes access tokens too, which it shows to
// introspection (as bearer, with GET) to learn whose they are. mechanisms are those that it
// offers for that, such as xoauth2.
func Trusting(t testing.TB, introspection, mechanisms string) *Server {
	t.Helper()
	return start(t, introspection, mechanisms)
}

// oauth are the settings for access tokens.
const oauth = `
auth_mechanisms = plain MECHANISMS
passdb {
  driver = oauth2
  mechanisms = MECHANISMS
  args = DIR/oauth2.conf
}
`

const introspecting = `introspection_mode = auth
introspection_url = %s
username_attribute = username
active_attribute = active
active_value = true
`

func start(t testing.TB, introspection, mechanisms string) *Server {
	t.Helper()
	path, err := exec.LookPath("dovecot")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/dovecot"); err != nil {
			t.Skip("Dovecot is not installed: dovecot was not found")
		}
	}
	d := &Server{t: t, uid: os.Getuid(), gid: os.Getgid()}
	if d.dir, err = os.MkdirTemp("", "dovecot"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(d.dir); err != nil {
			t.Error(err)
		}
	})
	conf := configuration
	if d.uid == 0 {
		who, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		d.uid, _ = strconv.Atoi(who.Uid)
		d.gid, _ = strconv.Atoi(who.Gid)
	} else {
		me, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		group, err := user.LookupGroupId(me.Gid)
		if err != nil {
			t.Fatal(err)
		}
		conf += "default_internal_user = " + me.Username + "\ndefault_login_user = " + me.Username + "\ndefault_internal_group = " + group.Name + "\n"
	}
	if err := errors.Join(os.Chmod(d.dir, 0o755), os.Mkdir(d.dir+"/mail", 0o755), os.Chown(d.dir+"/mail", d.uid, d.gid)); err != nil { //nolint:gosec // others than root read it
		t.Fatal(err)
	}
	d.certify()
	trust := ""
	if introspection != "" {
		trust = oauth
		if err := os.WriteFile(d.dir+"/oauth2.conf", fmt.Appendf(nil, introspecting, introspection), 0o644); err != nil { //nolint:gosec // others than root read it
			t.Fatal(err)
		}
	}
	for try := range 5 { // a port may be taken between the look and the start
		late, implicit, pop, latePOP := free(t), free(t), free(t), free(t)
		text := strings.NewReplacer("OAUTH", strings.NewReplacer("MECHANISMS", mechanisms, "DIR", d.dir).Replace(trust), "DIR", d.dir, "UID", strconv.Itoa(d.uid), "GID", strconv.Itoa(d.gid), "POPLATE", latePOP, "POPTLS", pop, "LATE", late, "IMPLICIT", implicit).Replace(conf)
		if err := os.WriteFile(d.dir+"/dovecot.conf", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d.Late, d.Implicit = "127.0.0.1:"+late, "127.0.0.1:"+implicit
		d.POP, d.LatePOP = "127.0.0.1:"+pop, "127.0.0.1:"+latePOP
		if d.run(path) {
			return d
		}
		t.Logf("try %d: Dovecot did not start", try)
	}
	log, _ := os.ReadFile(d.dir + "/log")
	t.Fatalf("Dovecot does not start: %s", log)
	return nil
}

// run runs the server until the test ends; false when it does not answer.
func (d *Server) run(path string) bool {
	cmd := exec.Command(path, "-F", "-c", d.dir+"/dovecot.conf")
	cmd.Stdout, cmd.Stderr = d.t.Output(), d.t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	d.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		select {
		case <-ended:
			return false
		case <-tick.C:
		}
		if c, err := net.Dial("tcp", d.Implicit); err == nil {
			c.Close()
			return true
		}
	}
	return false
}

func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (d *Server) certify() {
	d.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		d.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		d.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Roots = x509.NewCertPool()
	d.Roots.AddCert(leaf)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: raw}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(d.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Deliver puts mails into a user's inbox.
func (d *Server) Deliver(who string, mails ...string) {
	d.t.Helper()
	dirs := []string{"", "/new", "/cur", "/tmp"}
	for _, dir := range dirs {
		if err := os.MkdirAll(d.dir+"/mail/"+who+dir, 0o755); err != nil {
			d.t.Fatal(err)
		}
	}
	have, err := filepath.Glob(d.dir + "/mail/" + who + "/*/*.test*")
	if err != nil {
		d.t.Fatal(err)
	}
	for i, m := range mails {
		name := fmt.Sprintf("%s/mail/%s/new/%d.M1P1.test", d.dir, who, 1_700_000_000+len(have)+i)
		if err := errors.Join(os.WriteFile(name, []byte(m), 0o644), os.Chown(name, d.uid, d.gid)); err != nil {
			d.t.Fatal(err)
		}
	}
	for _, dir := range dirs {
		if err := os.Chown(d.dir+"/mail/"+who+dir, d.uid, d.gid); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Place gives the folder of maildirs, one a user, whose these are, and the files of the
// server's certificate: for a mail server that delivers into it.
func (d *Server) Place() (folder string, uid, gid int, cert, key string) {
	return d.dir + "/mail", d.uid, d.gid, d.dir + "/cert.pem", d.dir + "/key.pem"
}

// Empty deletes what is in a user's inbox.
func (d *Server) Empty(who string) {
	d.t.Helper()
	for _, dir := range []string{"new", "cur"} {
		list, err := filepath.Glob(d.dir + "/mail/" + who + "/" + dir + "/*")
		if err != nil {
			d.t.Fatal(err)
		}
		for _, name := range list {
			if err := os.Remove(name); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// Folder makes a folder of a user.
func (d *Server) Folder(who, name string) {
	d.t.Helper()
	d.Deliver(who)
	for _, dir := range []string{"", "/cur", "/new", "/tmp"} {
		at := d.dir + "/mail/" + who + "/." + name + dir
		if err := errors.Join(os.MkdirAll(at, 0o755), os.Chown(at, d.uid, d.gid)); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Count counts the mails in a folder of a user that are marked as read.
func (d *Server) Count(who, folder string) int {
	d.t.Helper()
	list, err := filepath.Glob(d.dir + "/mail/" + who + "/." + folder + "/cur/*:2,*S*")
	if err != nil {
		d.t.Fatal(err)
	}
	return len(list)
}
