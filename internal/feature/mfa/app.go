package mfa

import (
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// period is the length of a step of RFC 6238, section 5.2, in milliseconds.
const period = 30_000

// offerLife is how long an offered app may be set up.
const offerLife = 30 * time.Minute

// Offer is an app that is being set up: nothing is kept of it here before its
// owner has shown that she has it.
type Offer struct {
	Key    string // base32, to type in
	URI    string // otpauth://totp/..., what a QR code holds
	Sealed string // to be given back to AddApp, opens for this user only
}

// NewApp offers the caller a new app.
func NewApp(tx *gate.Tx) (*Offer, error) {
	raw := make([]byte, 20) // RFC 4226, section 4, R6: 160 bits
	rand.Read(raw)
	return offer(tx, base32.StdEncoding.EncodeToString(raw), tx.Now+offerLife.Milliseconds())
}

func offer(tx *gate.Tx, seed string, until int64) (*Offer, error) {
	k, err := key(tx, "offer")
	if err != nil {
		return nil, err
	}
	box, err := envelope.SealBox(k, envelope.Bind(tx.Tenant.ID, tx.Caller.User.String(), strconv.FormatInt(until, 10)), []byte(seed))
	if err != nil {
		return nil, err
	}
	// Apps take the issuer from the label too; a colon in it would split it elsewhere.
	issuer := strings.ReplaceAll("Strongroom "+tx.Tenant.Title(), ":", " ")
	uri := "otpauth://totp/" + url.PathEscape(issuer+":"+tx.Caller.Email) + "?secret=" + seed + "&issuer=" + url.QueryEscape(issuer)
	return &Offer{Key: seed, URI: strings.ReplaceAll(uri, "+", "%20"), Sealed: strconv.FormatInt(until, 10) + "." + base64.RawURLEncoding.EncodeToString(box)}, nil
}

// OpenOffer gives an offer that is not over. Invalid when it is, or was made for
// somebody else.
func OpenOffer(tx *gate.Tx, sealed string) (*Offer, error) {
	over := fault.New(fault.Invalid, "This took too long.").WithHint("Begin again: the key is another one then.")
	text, rest, _ := strings.Cut(sealed, ".")
	until, err := strconv.ParseInt(text, 10, 64)
	if err != nil || until <= tx.Now || strconv.FormatInt(until, 10) != text {
		return nil, over
	}
	box, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return nil, over
	}
	k, err := key(tx, "offer")
	if err != nil {
		return nil, err
	}
	seed, err := envelope.OpenBox(k, envelope.Bind(tx.Tenant.ID, tx.Caller.User.String(), text), box)
	if err != nil {
		return nil, over
	}
	return offer(tx, string(seed), until)
}

// AddApp keeps an offered app of the caller, who gives a code of it. With her
// first factor she gets recovery codes.
func AddApp(tx *gate.Tx, sealed, code, name string) (codes []string, err error) {
	o, err := OpenOffer(tx, sealed)
	if err != nil {
		return nil, err
	}
	step, err := match(o.Key, code, tx.Now, 0)
	if err != nil {
		return nil, err
	}
	return add(tx, made{sort: App, name: name, step: step, credential: []byte{}, sealed: func(fid id.ID) ([]byte, error) {
		k, err := key(tx, "app")
		if err != nil {
			return nil, err
		}
		return envelope.SealBox(k, place(tx, tx.Caller.User, fid), []byte(o.Key))
	}})
}

// place is where a seed lies: moved elsewhere it opens no more.
func place(tx *gate.Tx, user, fid id.ID) []byte {
	return envelope.Bind(tx.Tenant.ID, "mfa_factor", user.String(), fid.String())
}

func wrongCode() error {
	return fault.Field("code", "This code is wrong, or was used already.").WithHint("Wait for the next code of the app, and see that the clock of your device is right. A recovery code lets you in once.")
}

// match finds the step that a code is of: the present one, the one before or
// the one after, if it is later than last. Invalid when there is none.
func match(seed, code string, now, last int64) (int64, error) {
	code = strings.Join(strings.Fields(code), "")
	at := now / period
	for _, step := range []int64{at, at - 1, at + 1} {
		want, _, err := secret.Code(seed, time.UnixMilli(step*period))
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > last {
			return step, nil
		}
	}
	return 0, wrongCode()
}

// CheckCode checks a code of one of a user's apps, or a recovery code, which then
// is used up. It tells which sort it was; Invalid when it is neither.
func CheckCode(tx *gate.Tx, user id.ID, code string) (string, error) {
	if len(code) > 100 {
		return "", wrongCode()
	}
	if len(strings.Join(strings.Fields(code), "")) != 6 {
		return "a recovery code", useRecovery(tx, user, code)
	}
	apps, err := appsOf(tx, user)
	if err != nil {
		return "", err
	}
	for _, a := range apps {
		step, err := match(a.seed, code, tx.Now, a.step)
		if fault.Is(err, fault.Invalid) {
			continue
		}
		if err != nil {
			return "", err
		}
		// Of two who give the same code at once, one changes the row.
		n, err := tx.Exec(`update mfa_factor set step = ?, used_at = ? where id = ? and step < ?`, step, tx.Now, int64(a.id), step)
		if err != nil {
			return "", err
		}
		if n == 1 {
			return "a one-time code", nil
		}
	}
	return "", wrongCode()
}

type app struct {
	id   id.ID
	step int64
	seed string
}

func appsOf(tx *gate.Tx, user id.ID) ([]app, error) {
	rows, err := tx.Query(`select id, step, sealed from mfa_factor where user_id = ? and sort = ? order by used_at desc, id`, int64(user), App)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	k, err := key(tx, "app")
	if err != nil {
		return nil, err
	}
	var out []app
	for rows.Next() {
		var a app
		var n int64
		var box []byte
		if err := rows.Scan(&n, &a.step, &box); err != nil {
			return nil, err
		}
		a.id = id.ID(n)
		seed, err := envelope.OpenBox(k, place(tx, user, a.id), box)
		if err != nil {
			return nil, err
		}
		a.seed = string(seed)
		out = append(out, a)
	}
	return out, rows.Err()
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
