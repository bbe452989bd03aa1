package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The sorts of tokens. A token is the tenant's name, a dot, the sort and 256
// random bits in base64url: northbeam.srs_....
const (
	webSession  = "srs_" // a browser's session, in its cookie
	halfSession = "srh_" // somebody who has not given the second factor yet, in a cookie of its own
	accessToken = "srt_" // a program's, as Authorization: Bearer
	deviceToken = "srd_" // a known device, in a long-lived cookie
	letterCode  = "srl_" // in a mail, to set a password by
)

// IsAccessToken tells whether s has the form of an access token of ours.
func IsAccessToken(s string) bool { return sortOf(s) == accessToken }

// TenantOf gives the name of the tenant that a token is for; "" when s has not
// the form of one.
func TenantOf(s string) string {
	if sortOf(s) == "" {
		return ""
	}
	name, _, _ := strings.Cut(s, ".")
	return name
}

const maxToken = 300 // bytes of the longest token that is looked at

func sortOf(s string) string {
	name, rest, ok := strings.Cut(s, ".")
	if !ok || name == "" || len(s) > maxToken || len(rest) < 44 {
		return ""
	}
	switch sort := rest[:4]; sort {
	case webSession, halfSession, accessToken, deviceToken, letterCode:
		return sort
	}
	return ""
}

func newToken(tenant, sort string) string {
	raw := make([]byte, 32)
	rand.Read(raw)
	return tenant + "." + sort + base64.RawURLEncoding.EncodeToString(raw)
}

// digest is what is stored of a token: an HMAC under a key of the tenant, so
// that a copy of the table can neither be used nor compared with another.
func digest(tx *gate.Tx, label string, parts ...string) ([]byte, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/identity/"+label+"/1")
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(envelope.Bind(parts...))
	return h.Sum(nil), nil
}

// who is a name for an e-mail address that tells nobody which one it is.
func who(tx *gate.Tx, email string) (string, error) {
	d, err := digest(tx, "email", record.Fold(email))
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(d[:16]), nil
}

// deviceLife is how long a device stays known after its last sign-in.
const deviceLife = 400 * 24 * time.Hour

// device is a browser that somebody signed in with. Its token is authenticated
// and not stored; it opens nothing, it only gives its user tries of her own.
type device struct {
	User  id.ID
	Name  string // 16 random bytes in hexadecimal digits
	Since int64  // Unix milliseconds of the last sign-in
}

func (d device) token(tx *gate.Tx) (string, error) {
	body, err := hex.DecodeString(d.Name)
	if err != nil {
		return "", err
	}
	body = binary.BigEndian.AppendUint64(body, uint64(d.User))
	body = binary.BigEndian.AppendUint64(body, uint64(d.Since))
	mac, err := digest(tx, "device", string(body))
	if err != nil {
		return "", err
	}
	return tx.Tenant.Name + "." + deviceToken + base64.RawURLEncoding.EncodeToString(append(body, mac...)), nil
}

// readDevice gives the device that a token speaks of; false when it was not
// made here, or too long ago.
func readDevice(tx *gate.Tx, token string) (device, bool) {
	if sortOf(token) != deviceToken || TenantOf(token) != tx.Tenant.Name {
		return device{}, false
	}
	_, text, _ := strings.Cut(token, deviceToken)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != 32+sha256.Size {
		return device{}, false
	}
	mac, err := digest(tx, "device", string(raw[:32]))
	if err != nil || !hmac.Equal(mac, raw[32:]) {
		return device{}, false
	}
	d := device{Name: hex.EncodeToString(raw[:16]), User: id.ID(binary.BigEndian.Uint64(raw[16:])), Since: int64(binary.BigEndian.Uint64(raw[24:]))}
	return d, tx.Now-d.Since < deviceLife.Milliseconds()
}

func newDevice(user id.ID) device {
	raw := make([]byte, 16)
	rand.Read(raw)
	return device{User: user, Name: hex.EncodeToString(raw)}
}

// networks gives the networks an address belongs to: the /24 of an IPv4
// address, the /64 and the /48 of an IPv6 address. What has no address, as a
// Unix socket, is a network of its own.
func networks(a netip.Addr) []string {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return []string{"local"}
	}
	bits := []int{64, 48}
	if a.Is4() {
		bits = []int{24}
	}
	var out []string
	for _, n := range bits {
		p, err := a.Prefix(n)
		if err == nil {
			out = append(out, p.String())
		}
	}
	return out
}
