// Package device says in words on what somebody signed in, and tells people of a
// sign-in on a device that they did not use before.
//
// Always true: the notice is written in the transaction in which the session
// begins, so there is none without it; what a browser calls itself is shortened to
// names that stand here, and nothing of it is repeated.
package device

import (
	"net/netip"
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
)

// Name names a browser by what it calls itself: "Firefox on Linux".
func Name(agent string) string {
	browser, system := "A browser", ""
	for _, b := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}} {
		if strings.Contains(agent, b[0]) {
			browser = b[1]
			break
		}
	}
	for _, s := range [][2]string{{"Android", "Android"}, {"iPhone", "an iPhone"}, {"iPad", "an iPad"}, {"Windows", "Windows"}, {"Mac OS X", "a Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, s[0]) {
			system = " on " + s[1]
			break
		}
	}
	return browser + system
}

// Tell tells a user that somebody signed in for her on a device that she did not
// use before: in the change in which the session begins.
func Tell(tx *gate.Tx, user, session id.ID, from netip.Addr, agent string) error {
	words := "Somebody signed in for you on a new device: " + Name(agent)
	if from.IsValid() {
		words += ", from " + from.Unmap().String()
	}
	words += ", " + time.UnixMilli(tx.Now).UTC().Format("2 Jan 2006 15:04") + " UTC. If it was not you, end that session and change your password."
	_, err := notification.Send(tx, notification.Notice{Topic: "security", To: []id.ID{user}, Href: "/account", Own: true, Self: true,
		Text: []notification.Part{notification.Words(words)}, Key: "security/device/" + session.String()})
	return err
}

// TellPassword tells a user, in words, that her password is another one: in the change in
// which it becomes so.
func TellPassword(tx *gate.Tx, user id.ID, words string) error {
	at := time.UnixMilli(tx.Now).UTC()
	_, err := notification.Send(tx, notification.Notice{Topic: "security", To: []id.ID{user}, Href: "/account", Own: true, Self: true,
		Text: []notification.Part{notification.Words(words + " " + at.Format("2 Jan 2006 15:04") + " UTC. If it was not you, tell an administrator at once.")}, Key: "security/password/" + at.Format(time.RFC3339Nano)})
	return err
}
