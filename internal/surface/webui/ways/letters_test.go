package ways_test

import (
	"testing"

	"strongroom/internal/base/mail"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/outbox"
)

// letters looks at the pages of who forgot a password and of who is invited.
func (h *hand) letters(*testing.T) {
	h.Server.Letters.Post.(*outbox.Outbox).Relay = &mail.Relay{}
	h.private.Everywhere("forgotten", identity.ForgottenPage)
	h.private.Everywhere("new-password", identity.LetterPage)
	h.b.Everywhere("invite", "/users/new")
	h.b.Visit(signInPage)
	h.b.Click("#forgotten input[type=checkbox]")
	h.b.Type("#forgotten input[name=whom]", "Call the service desk, extension 100.")
	h.b.Click("#forgotten button.primary")
	h.loaded(`document.body.innerText.includes("It is saved what becomes of forgotten passwords.") && document.querySelector("#forgotten input[type=checkbox]:not(:checked)")`)
	h.b.Everywhere("sign-in-ways", signInPage)
	h.private.Everywhere("forgotten-off", identity.ForgottenPage)
}
