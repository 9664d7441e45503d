package ccm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	tokenPath     = "/apigovernance/api/oauth/tokenByAkSk"
	messagingPath = "/apiaccess/ccmessaging/"

	// channelWeb is the only channel of this access.
	channelWeb = "WEB"
)

// Config says how to reach a contact centre.
type Config struct {
	BaseURL   string // scheme, host and optional path prefix; "/apiaccess/…" is added
	AuthURL   string // where tokenByAkSk is, if not at BaseURL
	AppKey    string // from the centre's operator, like AppSecret
	AppSecret string

	CAFile      string // PEM file of certificate authorities trusted besides the system's; not with Transport
	TenantSpace string // header X-TenantSpaceID of the calls to BaseURL; "" sends none

	CallTimeout   time.Duration // bound of one HTTP exchange, 0 means 10 s; a call that renews a token makes several
	PollTimeout   time.Duration // the same for a long poll, 0 means 35 s; the centre decides how long it holds one
	TokenLifetime time.Duration // life asked for the AccessToken, 0 means 10 min, at most 1 h

	Transport http.RoundTripper // nil means an HTTP/1.1 transport of our own, with the proxies of the environment

	// Wrap, if set, is put around the transport, to see every exchange as it comes.
	Wrap func(http.RoundTripper) http.RoundTripper

	// Observe, if set, is told of every HTTP exchange: the last part of its path, how long it took, and the error, nil
	// for any readable HTTP 200 (also with a refusal in it). It may be called concurrently.
	Observe func(call string, took time.Duration, err error)
}

// Client makes calls to one contact centre. It is safe for concurrent use.
type Client struct {
	config    Config
	transport http.RoundTripper
	wire      http.RoundTripper // transport without what was put around it
	access    holder
	visitors  visitors
}

// New checks the configuration and loads the CA file. It makes no calls.
func New(config Config) (*Client, error) {
	if config.AuthURL == "" {
		config.AuthURL = config.BaseURL
	}
	for name, address := range map[string]*string{"BaseURL": &config.BaseURL, "AuthURL": &config.AuthURL} {
		if err := checkURL(*address); err != nil {
			return nil, fmt.Errorf("ccm: %s: %w", name, err)
		}
		*address = strings.TrimRight(*address, "/")
	}
	if !sendable(config.AppKey) || config.AppSecret == "" {
		return nil, errors.New("ccm: AppKey and AppSecret must be set and printable")
	}
	if !sendable("x" + config.TenantSpace) {
		return nil, errors.New("ccm: TenantSpace must be printable")
	}
	setDefault(&config.CallTimeout, 10*time.Second)
	setDefault(&config.PollTimeout, 35*time.Second)
	setDefault(&config.TokenLifetime, 10*time.Minute)
	config.TokenLifetime = min(max(config.TokenLifetime, time.Second), time.Hour)

	c := &Client{config: config, wire: config.Transport}
	c.visitors.holders = make(map[visitorKey]*holder)
	if c.wire == nil {
		roots, err := loadRoots(config.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ccm: CAFile: %w", err)
		}
		c.wire = newTransport(roots)
	} else if config.CAFile != "" {
		return nil, errors.New("ccm: CAFile cannot be combined with Transport")
	}
	c.transport = c.wire
	if config.Wrap != nil {
		c.transport = config.Wrap(c.wire)
	}
	return c, nil
}

// Close closes idle connections. Calls in flight are ended by their contexts.
func (c *Client) Close() {
	if t, ok := c.wire.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Forget drops a visitor's token, when its session is over. A later call for the visitor gets a new one.
func (c *Client) Forget(v Visitor) { c.visitors.forget(v) }

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil: // the parser's error would print an address with its password
		return errors.New("cannot be read as an address")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https:// or http://")
	case u.Host == "":
		return errors.New("names no host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must be scheme, host and optional path only")
	}
	return nil
}

// loadRoots returns the system's authorities and those of the file; nil means the system's.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return roots, nil
}

// newTransport is made for thousands of long polls to one host: connections are kept, buffers are small. HTTP/1.1
// only: one connection per poll, so that a broken one loses one answer and not a thousand.
func newTransport(roots *x509.CertPool) *http.Transport {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    8192,
		IdleConnTimeout:        50 * time.Second,
		ReadBufferSize:         1 << 10,
		WriteBufferSize:        1 << 10,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		Protocols:              http1,
	}
}

// renewals tells which of its renewals an operation has had: at most one of each, so that no answer can make it loop.
type renewals struct{ access, visitor bool }

// callApp makes a call with the application's AccessToken. On 403 the token is renewed and the call repeated, once.
func (c *Client) callApp(ctx context.Context, r request, used *renewals) (response, error) {
	refused := ""
	for {
		access, err := c.access.get(ctx, refused, c.fetchAccess)
		if err != nil {
			return response{}, withoutToken(r.op, err)
		}
		r.access = access
		a, err := c.exchange(ctx, r)
		if a.status != http.StatusForbidden || used.access {
			return a, err
		}
		used.access, refused = true, access
	}
}

// callVisitor makes a call with a visitor's ccmessaging-token as well. On 401 (or r.tokenRefused) a new token is
// applied for and the call repeated, once.
func (c *Client) callVisitor(ctx context.Context, v Visitor, r request) (response, error) {
	var used renewals
	h := c.visitors.holder(v)
	apply := func(ctx context.Context) (token, error) { return c.applyToken(ctx, v, &used) }
	r.visitor = true
	refused := ""
	for {
		value, err := h.get(ctx, refused, apply)
		if err != nil {
			return response{}, withoutToken(r.op, err)
		}
		r.token = value
		a, err := c.callApp(ctx, r, &used)
		if !r.refusesToken(a) {
			// A 403 is the gateway's word, not the messaging service's; on 401 applyToken is the documented way.
			if a.status != http.StatusForbidden && a.header != nil {
				h.adopt(value, a.header.Get(headerToken))
			}
			return a, err
		}
		if used.visitor {
			return a, err
		}
		used.visitor, refused = true, value
	}
}
