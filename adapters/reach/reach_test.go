package reach

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"ccbridge/bridge"
)

func TestCauses(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, c := range []struct {
		err  error
		want Cause
		fix  string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "slack.test", IsNotFound: true}), DNS, "getent hosts slack.test"},
		{dial(fmt.Errorf("connect: %w", syscall.ECONNREFUSED)), Refused, "allow outgoing connections to slack.test:8443"},
		{dial(fmt.Errorf("connect: %w", syscall.ENETUNREACH)), NoWay, "this machine's network"},
		{dial(fmt.Errorf("connect: %w", syscall.EHOSTUNREACH)), NoWay, "this machine's network"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: fmt.Errorf("connect: %w", syscall.ECONNREFUSED)}, Proxy, "HTTPS_PROXY"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: &net.DNSError{Name: "proxy"}}, Proxy, "HTTPS_PROXY"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, TLS, "SSL_CERT_FILE"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, TLS, "api_url"},
		{context.DeadlineExceeded, Timeout, "swallow"},
		{dial(timeout{}), Timeout, "swallow"},
		{io.ErrUnexpectedEOF, Other, "a proxy, a firewall"},
		{errors.New("http: server gave HTTP response to HTTPS client"), Other, "a proxy, a firewall"},
	} {
		for _, err := range []error{c.err, fmt.Errorf("ask: %w", &url.Error{Op: "Get", URL: "https://token@slack.test", Err: c.err})} {
			if got := CauseOf(err); got != c.want {
				t.Errorf("%v: %s, want %s", err, got, c.want)
			}
		}
		f := bridge.Findings{Part: "acme"}
		Fault(&f, "slack.reach", "Slack", "https://token@slack.test:8443/api/", "api_url", "Nobody is served.", c.want)
		one := f.List[0]
		if one.Part != "acme" || one.Subject != string(c.want) || one.Level != bridge.FindingFault || !strings.Contains(one.Fix, c.fix) ||
			strings.Contains(one.Found+one.Fix, "token") {
			t.Errorf("%s: %+v, want %q in its fix", c.want, one, c.fix)
		}
	}
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

type answering struct{ date string }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {a.date}}, Body: http.NoBody}, nil
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		date  string
		want  string // "" no finding
		level bridge.FindingLevel
	}{
		{at(0), "agree", bridge.FindingOK},
		{at(-3 * time.Second), "agree", bridge.FindingOK},
		{at(15 * time.Second), "behind", bridge.FindingWarning},
		{at(time.Hour), "behind", bridge.FindingFault},
		{at(-time.Hour), "ahead of", bridge.FindingFault},
		{"", "", ""},
		{"yesterday", "", ""},
	} {
		r := &Recorder{Next: answering{c.date}}
		if _, err := r.RoundTrip(nil); err != nil {
			t.Fatal(err)
		}
		var f bridge.Findings
		skew, known := r.Skew()
		Clock(&f, "slack.clock", "Slack", skew, known)
		if c.want == "" {
			if len(f.List) > 0 {
				t.Errorf("%q: %+v", c.date, f.List)
			}
			continue
		}
		if len(f.List) != 1 || !strings.Contains(f.List[0].Found, c.want) || f.List[0].Level != c.level {
			t.Errorf("%q: %+v, want %q", c.date, f.List, c.want)
		}
	}
}
