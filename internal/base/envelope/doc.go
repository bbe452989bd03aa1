// Package envelope seals secrets and streams in the forms written down byte by
// byte in doc/formats/envelope.md.
//
// Always true:
//   - every encryption is AES-256-GCM with a random nonce made by the library,
//     under a key that is fresh for this one secret version or stream;
//   - every byte of a header is authenticated, and the stored bytes are what is
//     authenticated: a header is never encoded again to be checked;
//   - there is one valid encoding of everything; an unknown number, a spare
//     byte or a wrong length is a hard error;
//   - a key that is not the one an envelope was sealed with is refused by its
//     commitment before anything is decrypted.
package envelope
