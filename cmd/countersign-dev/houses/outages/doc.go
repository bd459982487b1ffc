// Package outages takes one thing at a time away from houses that run for real
// (package houses) while claims are billed, and checks in the end that nothing
// was lost, decided or paid twice. It holds tests alone.
package outages
