// Package ssh changes passwords of accounts of Linux and the like, by SSH.
//
// Always true: the host key is compared with the fingerprint that was named before
// anything is sent; passwords go over the encrypted connection to the standard input
// of passwd or chpasswd, and stand in no command.
package ssh

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/rotation/connector"
)

// patience is how long signing in, and a command, may take.
const patience = 20 * time.Second

// Connector gives the connector with the dialer that it uses.
func Connector(dial connector.Dial) connector.Connector {
	s := system{dial}
	return connector.Connector{
		Name: "ssh", Title: "Linux, by SSH", Icon: "server", Port: "22",
		Account: "The user name of the account on that machine.",
		Pin:     "The fingerprint of the machine's host key: SHA256: and 43 letters, as ssh-keygen -l shows it.",
		Valid:   valid, Check: s.check, Change: s.change, Opens: s.opens,
	}
}

type system struct{ dial connector.Dial }

var (
	accounts = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@\\-]{0,63}\$?$`)
	pins     = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)
)

func valid(t connector.Target) error {
	switch {
	case !accounts.MatchString(t.Account):
		return fault.Field("account", "This is no user name of such a machine.")
	case !pins.MatchString(t.Pin):
		return fault.Field("pin", "Enter the fingerprint of the host key, such as SHA256:n8m4vV2Zb0Fq5Zc2mB0w3QxJxq0fJ1x2p3r4s5t6u7v.")
	}
	return nil
}

// errPassword is that a password was not taken.
var errPassword = errors.New("ssh: the password was not taken")

// open signs in.
func (s system) open(ctx context.Context, t connector.Target, name, secret string) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := s.dial(ctx, "tcp", t.Address)
	if err != nil {
		return nil, connector.Away(err)
	}
	until, _ := ctx.Deadline()
	if err := conn.SetDeadline(until); err != nil {
		return nil, errors.Join(connector.Away(err), conn.Close())
	}
	seen, known, asked := "", false, false
	answer := func(_, _ string, questions []string, echos []bool) ([]string, error) {
		out := make([]string, len(questions))
		for i := range out {
			if !echos[i] {
				asked, out[i] = true, secret
			}
		}
		return out, nil
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, t.Address, &ssh.ClientConfig{
		User: name,
		Auth: []ssh.AuthMethod{ssh.PasswordCallback(func() (string, error) { asked = true; return secret, nil }), ssh.KeyboardInteractive(answer)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if seen = ssh.FingerprintSHA256(key); seen != t.Pin {
				return errors.New("ssh: another host key")
			}
			known = true
			return nil
		},
	})
	switch {
	case err == nil:
		return ssh.NewClient(c, chans, reqs), conn.SetDeadline(time.Time{})
	case seen != "" && !known:
		err = connector.Stranger(seen)
	case asked && strings.Contains(err.Error(), "unable to authenticate"):
		err = errPassword
	default:
		err = connector.Away(err)
	}
	return nil, errors.Join(err, quiet(conn.Close()))
}

// quiet forgets that a connection was closed already.
func quiet(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s system) opens(ctx context.Context, t connector.Target, secret string) (bool, error) {
	c, err := s.open(ctx, t, t.Account, secret)
	if errors.Is(err, errPassword) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, quiet(c.Close())
}

// by signs in as the login.
func (s system) by(ctx context.Context, c connector.Change) (*ssh.Client, error) {
	client, err := s.open(ctx, c.Target, c.By.Name, c.By.Secret)
	if errors.Is(err, errPassword) {
		return nil, connector.Refused("the password of " + c.By.Name)
	}
	return client, err
}

// The commands. The usual folders are named, since they may not be in the path of who
// signs in without a terminal.
const (
	own      = "passwd"
	root     = "/usr/sbin/chpasswd"
	sudo     = "sudo -n /usr/sbin/chpasswd"
	mayOwn   = "command -v passwd"
	mayRoot  = "test -x /usr/sbin/chpasswd"
	maySudo  = "sudo -n -l /usr/sbin/chpasswd"
	rootName = "root"
)

func (s system) check(ctx context.Context, c connector.Change) error {
	may, what := mayOwn, "to let the account change its password: it has no program passwd"
	switch {
	case c.By.Own:
	case c.By.Name == rootName:
		may, what = mayRoot, "to change passwords: it has no program /usr/sbin/chpasswd"
	default:
		may, what = maySudo, "to let "+c.By.Name+" change passwords with sudo -n /usr/sbin/chpasswd"
	}
	return s.run(ctx, c, may, "", what)
}

func (s system) change(ctx context.Context, c connector.Change) error {
	do, in := own, c.Now+"\n"+c.Next+"\n"+c.Next+"\n"
	if !c.By.Own {
		do, in = root, c.Target.Account+":"+c.Next+"\n"
		if c.By.Name != rootName {
			do = sudo
		}
	}
	return s.run(ctx, c, do, in, "the new password, or the change of it")
}

// run signs in and runs a command with what it reads; that it fails is that what was
// refused.
func (s system) run(ctx context.Context, c connector.Change, do, in, what string) error {
	client, err := s.by(ctx, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() }) // it ends the command that does not end
	defer stop()
	err = command(client, do, in)
	if _, ok := errors.AsType[*ssh.ExitError](err); ok {
		err = connector.Refused(what)
	} else if err != nil {
		err = connector.Away(err)
	}
	return errors.Join(err, quiet(client.Close()))
}

func command(client *ssh.Client, do, in string) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	session.Stdin = strings.NewReader(in)
	return session.Run(do)
}
