// Package houses runs what docker-compose.yml names as processes on loopback,
// from the file's own commands and environment: PostgreSQL, Temporal's real
// server on it, the ledger, its witnesses, the board, the gateway and the
// workers, each with its own address, user, files and log. It is for tests that
// need every house for real on a machine without a container engine.
//
// It is no container engine. Nothing keeps one service from another's address
// or files, and what a service is meant to be kept from (networks, read_only,
// cap_drop) is not tried here. What it does not understand in the file, it
// refuses; substitute.go has all that it replaces.
//
// It needs Linux, where every address of 127.0.0.0/8 can be listened on.
package houses
