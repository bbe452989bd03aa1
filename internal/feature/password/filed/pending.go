package filed

// Pending is the secret field of a password in which its next value is kept while the
// system that it opens is told of it.
const Pending = "password_next"
