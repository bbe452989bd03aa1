// Package itglue answers the JSON:API that programs for IT Glue speak, for
// every kind of record; it is Strongroom's own API too. README.md is its manual.
//
// Always true: it decides nothing: who may see or do what is the gate's answer;
// routes, attributes and filters are derived from the declared kinds, and what
// is special about one is a line in the table of specials; the answer for what
// is hidden and for what does not exist is the same, byte for byte; a secret
// value is in no list and leaves only through a recorded reveal.
package itglue
