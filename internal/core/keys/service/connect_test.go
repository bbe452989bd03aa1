package service_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/keys/wire"
)

// authority makes certificates for both sides.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, pool: x509.NewCertPool()}
	a.key = must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key))
	a.cert = must[*x509.Certificate](t)(x509.ParseCertificate(der))
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(usage x509.ExtKeyUsage) tls.Certificate {
	k := must[*ecdsa.PrivateKey](a.t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der := must[[]byte](a.t)(x509.CreateCertificate(rand.Reader, tmpl, a.cert, &k.PublicKey, a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
}

// serve runs a service on l until the test ends.
func serve(t testing.TB, l net.Listener, o service.Options) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	if o.Dir == "" {
		o.Dir, o.Root = t.TempDir(), service.NewRoot()
	}
	go func() { done <- service.Serve(ctx, l, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestMutualTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	listen := func(auth tls.ClientAuthType) string {
		l := must[net.Listener](t)(tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{a.issue(x509.ExtKeyUsageServerAuth)}, ClientAuth: auth, ClientCAs: a.pool,
		}))
		serve(t, l, service.Options{})
		return l.Addr().String()
	}
	strict, lax := listen(tls.RequireAndVerifyClientCert), listen(tls.RequestClientCert)
	try := func(addr string, c *tls.Config) error {
		k := keys.Dial("tcp", addr, keys.Options{TLS: c})
		defer k.Close()
		_, err := k.Status(t.Context())
		return err
	}
	mine, theirs := a.issue(x509.ExtKeyUsageClientAuth), stranger.issue(x509.ExtKeyUsageClientAuth)
	if err := try(strict, &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{mine}}); err != nil {
		t.Error(err)
	}
	want(t, "no certificate", try(strict, &tls.Config{RootCAs: a.pool}), fault.Unavailable)
	want(t, "a stranger's certificate", try(strict, &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{theirs}}), fault.Unavailable)
	want(t, "a false service", try(strict, &tls.Config{RootCAs: stranger.pool, Certificates: []tls.Certificate{mine}}), fault.Unavailable)
	want(t, "a listener that does not verify", try(lax, &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{mine}}), fault.Unavailable)
	want(t, "no TLS", try(strict, nil), fault.Invalid)
	old := &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{mine}, MaxVersion: tls.VersionTLS12}
	want(t, "TLS 1.2", try(strict, old), fault.Unavailable)
	conn := must[*tls.Conn](t)(tls.Dial("tcp", strict, old)) // without our client's own minimum
	defer conn.Close()
	if err := wire.Write(conn, wire.Request{ID: 1, Call: wire.CallStatus}); err == nil {
		if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("TLS 1.2 was answered")
		}
	}
}

func TestPlainTCPIsRefused(t *testing.T) {
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	serve(t, l, service.Options{})
	conn := must[net.Conn](t)(net.Dial("tcp", l.Addr().String()))
	defer conn.Close()
	wire.Write(conn, wire.Request{ID: 1, Call: wire.CallStatus})
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("answered")
	}
}

func TestOtherUsersAreRefused(t *testing.T) {
	s := keystest.Start(t, service.Options{AllowUIDs: []int{os.Getuid() + 1}})
	_, err := s.Client.Status(t.Context())
	want(t, "another user", err, fault.Unavailable)
}

// TestAForeignUserIsRefused: a process of another user of the machine, who may open the
// socket's file, gets no answer, and gets one where that user is allowed.
func TestAForeignUserIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a process of another user needs root")
	}
	const nobody = 65534
	dir := must[string](t)(os.MkdirTemp("", "k"))
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	open := func(name string, allowed ...int) string {
		path := filepath.Join(dir, name)
		serve(t, must[net.Listener](t)(service.Listen(path, 0o666)), service.Options{AllowUIDs: allowed})
		return path
	}
	ask := func(socket string, uid uint32) string {
		cmd := exec.Command("/proc/self/exe") // wherever it lies, that user may run it
		cmd.Env, cmd.Stderr, cmd.Dir = append(os.Environ(), askSocket+"="+socket), os.Stderr, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return string(must[[]byte](t)(cmd.Output()))
	}
	own, both := open("own"), open("both", 0, nobody)
	for _, c := range []struct {
		name, socket string
		uid          uint32
		answered     bool
	}{{"the service's own user", own, 0, true}, {"a foreign user", own, nobody, false}, {"a user who is allowed", both, nobody, true}} {
		want := "unavailable"
		if c.answered {
			want = "answered"
		}
		if got := ask(c.socket, c.uid); got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}

// TestBackPressure: more calls than the bound are refused with a sentence and the time to
// come back; nothing of them is in the log, those under way are answered, and whoever
// comes back gets what was asked for once.
func TestBackPressure(t *testing.T) {
	const bound, all = 4, 24
	var hold atomic.Bool
	arrived, onward := make(chan struct{}, all), make(chan struct{})
	s := keystest.Start(t, service.Options{Waiting: bound, Now: func() time.Time {
		if hold.Load() {
			arrived <- struct{}{}
			<-onward
		}
		return time.Now()
	}})
	tenant(t, s.Client, "demo", "")
	e := seal(t, s.Client, header("demo"), "the text")
	hold.Store(true)
	answers := make(chan error, all)
	ask := func() {
		text, err := reveal(t, s.Client, e)
		if err == nil && text != "the text" {
			err = errors.New("another text: " + text)
		}
		answers <- err
	}
	for range bound {
		go ask()
	}
	for range bound {
		<-arrived // as many as may be under way are
	}
	c := keys.Dial("unix", s.Socket, keys.Options{})
	defer c.Close()
	for range all - bound {
		_, err := reveal(t, c, e)
		want(t, "one too many", err, fault.Unavailable)
		if f := fault.Say(err); f.After != time.Second || f.Hint == "" {
			t.Fatalf("refused with %v, hint %q", f.After, f.Hint)
		}
	}
	hold.Store(false)
	close(onward)
	for range bound {
		if err := <-answers; err != nil {
			t.Errorf("under way: %v", err)
		}
	}
	for range all - bound {
		if _, err := reveal(t, c, e); err != nil {
			t.Errorf("come back: %v", err)
		}
	}
	s.Stop()
	n := 0
	must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, func(e service.Entry) error {
		if strings.Contains(e.Text, `"call":"unwrap"`) {
			n++
		}
		return nil
	}))
	if n != all {
		t.Errorf("%d unwraps are in the log, want %d", n, all)
	}
}

// TestTogether: unwraps that are asked for at the same moment are each answered with
// their own key or refusal, and each is in the log; who gives up holds up nobody.
func TestTogether(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	tenant(t, s.Client, "demo", "")
	const all = 64
	var wg sync.WaitGroup
	var opened atomic.Int64
	for i := range all {
		h := header("demo")
		h.Object = int64(1000 + i)
		e := seal(t, s.Client, h, fmt.Sprint("text ", i))
		k := ticket("demo")
		if k.Object = h.Object; i%5 == 0 {
			k.Object++
		}
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%7 == 3 {
				cancel()
			}
			key, err := s.Client.Unwrap(ctx, k, e.HeaderBytes(), e.Recipients()[0])
			switch {
			case i%7 == 3 && err == context.Canceled:
				return
			case i%5 == 0:
				want(t, "another record's ticket", err, fault.Denied)
				return
			}
			if text := must[[]byte](t)(e.Open(key)); err != nil || string(text) != fmt.Sprint("text ", i) {
				t.Errorf("%d: %q, %v", i, text, err)
			}
			opened.Add(1)
		})
	}
	wg.Wait()
	s.Stop()
	n := int64(0)
	must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, func(e service.Entry) error {
		if strings.Contains(e.Text, `"call":"unwrap"`) {
			n++
		}
		return nil
	}))
	if n != opened.Load() {
		t.Errorf("%d unwraps are in the log, and %d were answered", n, opened.Load())
	}
}

func TestListen(t *testing.T) {
	dir := must[string](t)(os.MkdirTemp("", "k"))
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "deep", "s")
	l := must[net.Listener](t)(service.Listen(path, 0))
	if st := must[os.FileInfo](t)(os.Stat(path)); st.Mode().Perm() != 0o600 {
		t.Errorf("rights %v", st.Mode())
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as after kill -9
	l.Close()
	l = must[net.Listener](t)(service.Listen(path, 0o660))
	if st := must[os.FileInfo](t)(os.Stat(path)); st.Mode().Perm() != 0o660 {
		t.Errorf("rights %v", st.Mode())
	}
	l.Close()
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := service.Listen(path, 0)
	want(t, "a file", err, fault.Conflict)
	_, err = service.Listen(filepath.Join(dir, strings.Repeat("x", 108)), 0)
	want(t, "a long path", err, fault.Invalid)
}

// TestHostileFrames sends what no client sends; the service must go on.
func TestHostileFrames(t *testing.T) {
	s := keystest.Start(t, service.Options{Skew: always})
	tenant(t, s.Client, "demo", "")
	frame := func(text string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
	}
	for name, b := range map[string][]byte{
		"too long":        {0xff, 0xff, 0xff, 0xff},
		"empty":           {0, 0, 0, 0},
		"not JSON":        frame("hello"),
		"array":           frame("[]"),
		"unknown member":  frame(`{"id":1,"call":"status","admin":true}`),
		"two objects":     frame(`{"id":1,"call":"status"} {}`),
		"spare brace":     frame(`{"id":1,"call":"status"}}`),
		"unknown call":    frame(`{"id":1,"call":"give_private_key","args":{}}`),
		"no arguments":    frame(`{"id":1,"call":"unwrap"}`),
		"null arguments":  frame(`{"id":1,"call":"unwrap","args":null}`),
		"wrong arguments": frame(`{"id":1,"call":"tenant","args":{"tenant":7}}`),
		"short key id":    frame(`{"id":1,"call":"unwrap","args":{"ticket":{"tenant":"demo","session":"s","action":"a","time":1,"bulk":true},"items":[{"header":"","recipient":{"type":18,"key_id":"AA==","generation":1,"wrapped":""}}]}}`),
		"short key id, compact": frame("\x01\x00" + "\x00\x00\x00\x00\x00\x00\x00\x01" + "\x04demo\x01s\x01a\x00\x00\x00" + strings.Repeat("\x00", 23) + "\x01" +
			strings.Repeat("\x00", 20+32) + "\x01" + "\x00\x00" + "\x00\x01" + "\x00\x00" + "\x00\x12" + "\x00\x01\x00" + "\x00\x00\x00\x01" + "\x00\x00"),
		"compact, cut off": frame("\x01\x00\x00"),
		"cut":              frame(`{"id":1,"call":"status"}`)[:9],
	} {
		conn := must[net.Conn](t)(net.Dial("unix", s.Socket))
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		conn.(*net.UnixConn).CloseWrite()
		var r wire.Response
		if err := wire.Read(conn, &r); err == nil && (r.Error == nil || r.Error.Kind != "invalid" && r.Error.Kind != "denied") {
			t.Errorf("%s: %+v", name, r)
		} else if err != nil && name != "cut" {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
	}
	if _, err := s.Client.Tenant(t.Context(), "demo"); err != nil {
		t.Error(err)
	}
}

func TestFrameLimits(t *testing.T) {
	err := wire.Write(io.Discard, wire.Request{Call: strings.Repeat("x", wire.MaxFrame)})
	want(t, "too long to send", err, fault.Invalid)
	var q wire.Request
	if err := wire.Read(bytes.NewReader(nil), &q); err != io.EOF {
		t.Errorf("nothing: %v", err)
	}
	if err := wire.Read(bytes.NewReader([]byte{0, 0, 0, 9, '{'}), &q); err != io.ErrUnexpectedEOF {
		t.Errorf("half: %v", err)
	}
}
