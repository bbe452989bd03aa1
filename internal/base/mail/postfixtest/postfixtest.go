// Package postfixtest gives tests a mail server that others wrote: Postfix.
//
// Always true: it listens on loopback, keeps its queue and data in a folder of the test,
// hands nothing to other machines, and ends with the test. A test is skipped by name where
// Postfix is not installed, and for whoever is not root: its master is reserved for the
// superuser, whatever the folders and mail_owner are.
package postfixtest

import (
	"errors"
	"fmt"
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

// Options say whose mail it takes and where it goes.
type Options struct {
	Domain    string   // whose mailboxes are here
	Users     []string // before the @; mail to others comes back
	Folder    string   // of maildirs, one a user
	UID, GID  int      // whose these are
	Cert, Key string   // files for STARTTLS
}

const main = `compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.DOMAIN
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_cert_file = CERT
smtpd_tls_key_file = KEY
smtpd_tls_security_level = encrypt
alias_maps =
virtual_mailbox_domains = DOMAIN
virtual_mailbox_base = FOLDER
virtual_mailbox_maps = inline:{ USERS }
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_minimum_uid = 1
smtpd_reject_unlisted_recipient = no
default_transport = error:nothing leaves this machine
maillog_file = /dev/stdout
`

const services = `ADDR inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
`

// Start starts Postfix until the test ends and gives its address, at which it takes mail
// after STARTTLS. Mail to somebody who is unknown is taken and comes back, as from a server
// that hands it on.
func Start(t testing.TB, o Options) string {
	t.Helper()
	const master = "/usr/lib/postfix/sbin/master"
	if _, err := os.Stat(master); err != nil {
		t.Skip("Postfix is not installed: run tools/packages")
	}
	if os.Geteuid() != 0 {
		t.Skip("Postfix runs for root alone: the master command is reserved for the superuser")
	}
	dir, err := os.MkdirTemp("", "postfix") // short enough for its sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	folders(t, dir)
	var users []string
	for _, u := range o.Users {
		users = append(users, u+"@"+o.Domain+"="+u+"/")
	}
	fill := strings.NewReplacer("DIR", dir, "DOMAIN", o.Domain, "FOLDER", o.Folder, "USERS", strings.Join(users, ", "), "UID", strconv.Itoa(o.UID), "GID", strconv.Itoa(o.GID), "CERT", o.Cert, "KEY", o.Key)
	for try := range 5 { // a port may be taken between the look and the start
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		err = errors.Join(l.Close(), os.WriteFile(dir+"/conf/main.cf", []byte(fill.Replace(main)), 0o644), //nolint:gosec // its processes read it
			os.WriteFile(dir+"/conf/master.cf", []byte(strings.Replace(services, "ADDR", addr, 1)), 0o644)) //nolint:gosec // as above
		if err != nil {
			t.Fatal(err)
		}
		if run(t, master, dir, addr) {
			return addr
		}
		t.Logf("try %d: Postfix did not start", try)
	}
	t.Fatal("Postfix does not start")
	return ""
}

// folders makes what Postfix keeps its mail in, whose owners it checks.
func folders(t testing.TB, dir string) {
	t.Helper()
	who, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	drop, err := user.LookupGroup("postdrop")
	if err != nil {
		t.Fatal(err)
	}
	owner, _ := strconv.Atoi(who.Uid)
	group, _ := strconv.Atoi(drop.Gid)
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // its processes go through it
		t.Fatal(err)
	}
	for _, name := range []string{"conf", "queue", "queue/pid", "data", "queue/active", "queue/bounce", "queue/corrupt", "queue/defer", "queue/deferred", "queue/flush", "queue/hold", "queue/incoming", "queue/private", "queue/saved", "queue/trace", "queue/public", "queue/maildrop"} {
		at := filepath.Join(dir, name)
		if err := os.Mkdir(at, 0o755); err != nil {
			t.Fatal(err)
		}
		switch name {
		case "conf", "queue", "queue/pid":
			continue
		case "queue/public", "queue/maildrop":
			err = errors.Join(os.Chown(at, owner, group), os.Chmod(at, 0o730)) //nolint:gosec // as it wants it
		default:
			err = errors.Join(os.Chown(at, owner, -1), os.Chmod(at, 0o700))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run runs it until the test ends; false when it does not answer.
func run(t testing.TB, master, dir, addr string) bool {
	cmd := exec.Command(master, "-c", dir+"/conf", "-d")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
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
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}

// Await waits for a mail in a maildir and gives it as it lies there.
func Await(t testing.TB, maildir string) string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		list, err := filepath.Glob(maildir + "/new/*")
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			raw, err := os.ReadFile(list[0])
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		<-tick.C
	}
	t.Fatal(fmt.Sprint("no mail comes to ", maildir))
	return ""
}
