// Package rotationtest gives tests of changes of passwords a machine to sign in to.
//
// Always true: it speaks SSH on a loopback address with a host key of its own, knows
// passwd, chpasswd and sudo as far as a change of a password needs them, keeps the
// passwords in memory, and is gone when the test ends.
package rotationtest

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Machine is a server. Its fields are read by it while nobody is signed in.
type Machine struct {
	Address string // host and port
	Pin     string // fingerprint of its host key

	mu        sync.Mutex
	passwords map[string]string
	sudoers   map[string]bool
	deaf      bool // it drops each connection
	fall      Fall

	config *ssh.ServerConfig
}

// Fall is what goes wrong when a password is changed.
type Fall int

// What can go wrong.
const (
	Nothing Fall = iota
	Refuse       // the new password is refused
	Before       // the connection is lost, and the password is what it was
	After        // it is changed, and then the connection is lost
	Away         // it is changed, and then the machine answers nobody
	Strange      // it becomes something that nobody knows
	Lie          // it says that it changed it, and did not
)

// Open starts a machine with accounts and their passwords.
func Open(t testing.TB, passwords map[string]string, sudoers ...string) *Machine {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Address: l.Addr().String(), Pin: ssh.FingerprintSHA256(signer.PublicKey()), passwords: passwords, sudoers: map[string]bool{}}
	for _, s := range sudoers {
		m.sudoers[s] = true
	}
	m.config = &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if m.Password(c.User()) != string(given) || len(given) == 0 {
			return nil, errors.New("wrong")
		}
		return nil, nil
	}}
	m.config.AddHostKey(signer)
	var all sync.WaitGroup
	open := &conns{all: map[net.Conn]bool{}}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if !open.add(c) {
				return
			}
			all.Go(func() {
				defer open.drop(c)
				m.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.end()
		all.Wait()
	})
	return m
}

// conns are the connections that are open.
type conns struct {
	mu   sync.Mutex
	all  map[net.Conn]bool
	over bool
}

func (o *conns) add(c net.Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		_ = c.Close()
		return false
	}
	o.all[c] = true
	return true
}

func (o *conns) drop(c net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, c)
	_ = c.Close()
}

func (o *conns) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	for c := range o.all {
		_ = c.Close()
	}
}

// Password gives the password of an account.
func (m *Machine) Password(account string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.passwords[account]
}

// Falls says what goes wrong from now on.
func (m *Machine) Falls(f Fall) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fall, m.deaf = f, false
}

func (m *Machine) serve(c net.Conn) {
	m.mu.Lock()
	deaf := m.deaf
	m.mu.Unlock()
	if deaf {
		return
	}
	conn, chans, reqs, err := ssh.NewServerConn(c, m.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for n := range chans {
		if n.ChannelType() != "session" {
			_ = n.Reject(ssh.UnknownChannelType, "sessions alone")
			continue
		}
		ch, reqs, err := n.Accept()
		if err != nil {
			return
		}
		for r := range reqs {
			var do struct{ Command string }
			if r.Type != "exec" || ssh.Unmarshal(r.Payload, &do) != nil {
				_ = r.Reply(false, nil)
				continue
			}
			_ = r.Reply(true, nil)
			status, lost := m.exec(conn.User(), do.Command, bufio.NewScanner(ch))
			if lost {
				_ = c.Close()
				return
			}
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			_ = ch.Close()
		}
	}
}

// exec does a command, and tells its status and whether the connection is lost.
func (m *Machine) exec(user, do string, in *bufio.Scanner) (status uint32, lost bool) {
	line := func() string {
		in.Scan()
		return in.Text()
	}
	may := user == "root"
	if rest, ok := strings.CutPrefix(do, "sudo -n "); ok {
		if do, may = strings.TrimPrefix(rest, "-l "), m.sudoers[user]; !may || do != rest {
			return map[bool]uint32{true: 0, false: 1}[may], false
		}
	}
	switch do {
	case "command -v passwd":
		return 0, false
	case "test -x /usr/sbin/chpasswd":
		return map[bool]uint32{true: 0, false: 1}[may], false
	case "passwd":
		now, next, again := line(), line(), line()
		if now != m.Password(user) || next != again || len(next) < 8 {
			return 10, false
		}
		return m.set(user, next)
	case "/usr/sbin/chpasswd":
		account, next, ok := strings.Cut(line(), ":")
		if !may || !ok || m.Password(account) == "" {
			return 1, false
		}
		return m.set(account, next)
	}
	return 127, false
}

func (m *Machine) set(account, next string) (status uint32, lost bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.fall {
	case Refuse:
		return 1, false
	case Before:
		return 0, true
	case Strange:
		m.passwords[account] = fmt.Sprintf("not %s", next)
		return 0, false
	case Lie:
		return 0, false
	}
	m.passwords[account] = next
	m.deaf = m.fall == Away
	return 0, m.fall == After || m.fall == Away
}
