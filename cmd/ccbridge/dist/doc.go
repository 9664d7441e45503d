// Package dist holds what is delivered beside the binary: a container file, a systemd unit, alerts and a dashboard. It is
// empty but for the tests that prove that they fit the program. OPERATING.md says how to use them.
package dist
