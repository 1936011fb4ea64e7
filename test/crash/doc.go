// Package crash ends the built server by force and looks at what it says afterwards.
//
// Receives: SYNAP_KILLS, the number of kills (8 by default; make test-crash runs 200).
// Hands on: a verdict on every acknowledged write.
// Never does: reach into the server's packages.
package crash
