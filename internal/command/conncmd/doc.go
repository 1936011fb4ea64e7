// Package conncmd is the Redis dialect's commands about connections, the server and transactions.
//
// Receives: command lines, and what the engine knows: sessions, settings, table, process.
// Hands on: rows for the table; changes of the session that ran them.
// Never does: change a key, touch a socket, ask the operating system.
package conncmd
