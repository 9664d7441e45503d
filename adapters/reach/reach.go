// Package reach tells why an outside cannot be reached, and how far its clock is from ours. The adapters' examinations and
// the program's of the centre use it, so that they say the same in the same words.
package reach

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"

	"ccbridge/bridge"
)

// Cause is why an outside cannot be reached.
type Cause string

// The causes. Other: connected, but the line broke or what came was no answer of the outside's.
const (
	DNS     Cause = "dns"
	Refused Cause = "refused"
	NoWay   Cause = "no way" // no network, or no route to there
	TLS     Cause = "tls"
	Proxy   Cause = "proxy"
	Timeout Cause = "timeout"
	Other   Cause = "other"
)

// CauseOf sorts the error of a call that brought no answer. It may be wrapped, also by net/http.
func CauseOf(err error) Cause {
	var dns *net.DNSError
	var op *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return Proxy
	case errors.As(err, &dns):
		return DNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return NoWay
	case untrusted(err):
		return TLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return Timeout
	}
	return Other
}

func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &authority)
}

// Fault is the finding about an outside that cannot be reached. check names it, name is what people call the outside,
// address where it was looked for, setting the key of the configuration that says so; means is what follows.
func Fault(f *bridge.Findings, check, name, address, setting, means string, cause Cause) {
	host := Host(address)
	where := name + " cannot be reached at " + host + ": "
	out := "allow outgoing connections to " + host
	found, fix := where+"the connection broke, or what answers there is not "+name+".",
		"Look at what is between: a proxy, a firewall, a login page of the network. Check "+setting+"."
	switch cause {
	case DNS:
		found, fix = where+"its name is not known (DNS).",
			"Check "+setting+", and that this machine resolves names: getent hosts "+hostOnly(address)+". Behind a proxy set HTTPS_PROXY."
	case Refused:
		found, fix = where+"the connection is refused.", "Check "+setting+" and its port; "+out+", or set HTTPS_PROXY."
	case NoWay:
		found, fix = where+"there is no network, or no way to there.", "Check this machine's network; "+out+"."
	case TLS:
		found, fix = where+"its certificate is not trusted, or it does not speak TLS.",
			"Check "+setting+" and this machine's clock. If a proxy reads along, make its authority known here (SSL_CERT_FILE; for the centre ca_file)."
	case Proxy:
		found, fix = where+"the proxy of the environment cannot be reached, or refuses.", "Correct HTTPS_PROXY, HTTP_PROXY or NO_PROXY."
	case Timeout:
		found, fix = where+"no answer in time.", "A firewall may swallow the packets: "+out+", or set HTTPS_PROXY. Else "+name+" is slow just now: try again."
	}
	f.Add(bridge.Finding{Check: check, Subject: string(cause), Level: bridge.FindingFault, Found: found, Means: means, Fix: fix})
}

// Host is where an address leads, with its port if it names one. What is no address gives "its address".
func Host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return "its address"
}

func hostOnly(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Hostname()
	}
	return ""
}

// Trouble is the finding about an outside that answers with an HTTP status which is none of its own words.
func Trouble(f *bridge.Findings, check, name string, status int, means string) {
	fix := "Try again in some minutes. If it stays: something between, a proxy or a firewall, may answer in its place."
	f.Add(bridge.Finding{Check: check, Subject: "answer", Level: bridge.FindingFault, Means: means, Fix: fix,
		Found: fmt.Sprintf("%s answers with HTTP %d and says nothing else.", name, status)})
}
