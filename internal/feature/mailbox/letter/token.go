package letter

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// answers is what an address with a plus proves with, where a message id has its nonce.
const answersNonce = "answers"

func proof(tx *gate.Tx, ticket id.ID, nonce string) (string, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/mail/thread/1")
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write(envelope.Bind(tx.Tenant.Name, ticket.String(), nonce))
	return strings.ToLower(letters.EncodeToString(h.Sum(nil)[:15])), nil
}

// NewToken makes the left side of a message id for a mail of a ticket: who answers it
// proves with it that she got a mail of that ticket. It needs no record of the mail.
func NewToken(tx *gate.Tx, ticket id.ID) (string, error) {
	b := make([]byte, 10)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	nonce := strings.ToLower(letters.EncodeToString(b))
	mac, err := proof(tx, ticket, nonce)
	return "ticket." + ticket.String() + "." + nonce + "." + mac, err
}

// Tokened is the ticket of which a message id bears the proof; 0 for none.
func Tokened(tx *gate.Tx, message string) (id.ID, error) {
	left, _, _ := strings.Cut(strings.ToLower(message), "@")
	p := strings.Split(left, ".")
	if len(p) != 4 || p[0] != "ticket" || p[2] == answersNonce {
		return 0, nil
	}
	return proved(tx, p[1], p[2], p[3])
}

// proved is the ticket if the proof holds.
func proved(tx *gate.Tx, number, nonce, mac string) (id.ID, error) {
	ticket, ok := id.Parse(number)
	if !ok {
		return 0, nil
	}
	want, err := proof(tx, ticket, nonce)
	if err != nil || !hmac.Equal([]byte(want), []byte(mac)) {
		return 0, err
	}
	return ticket, nil
}

// plus is the address at which answers on a ticket come: desk+1042.proof@example.com.
func plus(tx *gate.Tx, ticket id.ID, address string) (string, error) {
	mac, err := proof(tx, ticket, answersNonce)
	local, domain, _ := strings.Cut(address, "@")
	return local + "+" + ticket.String() + "." + mac + "@" + domain, err
}

// Addressed is the ticket of which an address bears the proof; 0 for none.
func Addressed(tx *gate.Tx, address string) (id.ID, error) {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	_, tag, ok := strings.Cut(local, "+")
	number, mac, dot := strings.Cut(tag, ".")
	if !ok || !dot {
		return 0, nil
	}
	return proved(tx, number, answersNonce, mac)
}

// Plain is an address without what stands behind a plus.
func Plain(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	if !ok {
		return local
	}
	return local + "@" + domain
}
