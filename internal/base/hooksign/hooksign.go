// Package hooksign signs messages to other systems as Standard Webhooks has it
// (https://github.com/standard-webhooks/standard-webhooks, spec 1.0): over the id, the time and
// the body, joined by dots.
//
// Always true: a signature is of one message at one time, so that neither can be exchanged.
package hooksign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// HMAC is a signature by a secret that both sides have: "v1," and base64.
func HMAC(key []byte, message, stamp, body string) string {
	m := hmac.New(sha256.New, key)
	m.Write(text(message, stamp, body))
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Ed25519 is a signature by a private key, of which seed is the 32 bytes: "v1a," and base64.
func Ed25519(seed []byte, message, stamp, body string) string {
	return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(seed), text(message, stamp, body)))
}

func text(message, stamp, body string) []byte { return []byte(message + "." + stamp + "." + body) }

// Stamp is a time as it is signed: seconds since 1970.
func Stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// Set puts the id of a message, its time and its signatures into a header.
func Set(h http.Header, message, stamp string, signatures ...string) {
	h.Set("Webhook-Id", message)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}
