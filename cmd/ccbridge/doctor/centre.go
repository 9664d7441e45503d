package doctor

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"ccbridge/adapters/reach"
	"ccbridge/bridge"
	"ccbridge/ccm"
)

const (
	certificateSoon = 14 * 24 * time.Hour
	quickCentre     = 2                // channels that a quick look asks for
	endTime         = 10 * time.Second // ending the session of a live look, also after Ctrl-C
	noConversation  = "No conversation can be opened; what customers write waits, and they are told after a minute."
)

// ear hears the head of every answer of the centre, and why none came.
type ear struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	err   error // of the last exchange
	skew  time.Duration
	known bool
	until time.Time // the end of the certificate's life
}

// RoundTrip passes a request on.
func (e *ear) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := e.next.RoundTrip(req)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err = err; err != nil {
		return resp, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.skew, e.known = date.Sub(e.now()), true
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		e.until = resp.TLS.PeerCertificates[0].NotAfter
	}
	return resp, nil
}

// centre asks the centre for its tokens and its queue, with a visitor who never wrote.
func (s Subject) centre(ctx context.Context, f *bridge.Findings, o Options) {
	heard := &ear{now: s.Machine.Now}
	cfg := s.Centre
	cfg.Wrap = func(next http.RoundTripper) http.RoundTripper {
		heard.next = next
		return heard
	}
	client, err := ccm.New(cfg)
	if err != nil {
		f.Fault("centre.settings", "", fmt.Sprintf("The centre's client cannot be set up: %s.", err), "The bridge does not start.", "Correct [ccm].")
		return
	}
	defer client.Close()
	s.authorities(f)
	visitors := s.visitors()
	if o.Quick {
		visitors = visitors[:min(len(visitors), quickCentre)]
	}
	token := false // the token's finding is there
	for _, v := range visitors {
		info, err := client.QueueInfo(ctx, v)
		if ctx.Err() != nil {
			return
		}
		if !s.access(f, err, heard, &token) {
			break
		}
		if s.channel(f, v, info, err) && o.Live {
			s.live(ctx, f, client, v)
		}
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	reach.Clock(f, "centre.clock", "the centre", heard.skew, heard.known)
	s.expiry(f, "centre.certificate", "The centre's certificate", heard.until, "Tell the centre's administrator.")
}

// visitors are nobody: one for each channel of the centre that is configured.
func (s Subject) visitors() []ccm.Visitor {
	var list []ccm.Visitor
	for _, r := range s.Config.Routes {
		known := slices.ContainsFunc(list, func(v ccm.Visitor) bool { return v.ChannelID == r.ChannelID })
		if !known && r.ChannelID != "" {
			list = append(list, ccm.Visitor{UserID: "ccbridgedoctor", UserName: "ccbridge doctor", ChannelID: r.ChannelID, Locale: r.Locale})
		}
	}
	return list
}

// access judges whether the centre can be reached and lets us in at all; false if not, and then that was said.
func (s Subject) access(f *bridge.Findings, err error, heard *ear, said *bool) bool {
	const name = "The contact centre"
	e := innermost(err)
	if e != nil && e.Status == 0 { // no answer
		address, setting := s.Centre.BaseURL, "base_url in [ccm]"
		if e.Op == "tokenByAkSk" && s.Centre.AuthURL != "" && s.Centre.AuthURL != s.Centre.BaseURL {
			address, setting = s.Centre.AuthURL, "auth_url in [ccm]"
		}
		heard.mu.Lock()
		defer heard.mu.Unlock()
		why := heard.err
		if why == nil {
			why = err
		}
		reach.Fault(f, "centre.reach", name, address, setting, noConversation, reach.CauseOf(why))
		return false
	}
	if e == nil || e.Op != "tokenByAkSk" {
		if !*said {
			*said = true
			f.OK("centre.token", "", "The centre takes the application's key and secret.")
		}
		return true
	}
	const check = "centre.token"
	switch {
	case e.Status == http.StatusUnauthorized, e.AccessRefused():
		f.Fault(check, "", fmt.Sprintf("The centre refuses the application's key and secret, or this machine's address (HTTP %d).", e.Status), noConversation,
			"Compare app_key and app_secret in [ccm] with what the centre's administrator gave you; ask them whether this machine's address is allowed.")
	case e.Status == http.StatusNotFound:
		f.Fault(check, "", "At that address there is no contact centre of this kind (HTTP 404).", noConversation,
			"Correct base_url in [ccm] (or auth_url): the address without /apiaccess and what follows it.")
	case e.Throttled():
		f.Warn(check, "", "The centre limits calls just now.", "If it stays, conversations open late.", "Try again in a minute.")
	case e.Status == http.StatusOK:
		f.Fault(check, "", "What answers there is not the contact centre: there is no token in the answer.", noConversation,
			"Correct base_url in [ccm] (or auth_url); a login page or a proxy may answer in its place.")
	default:
		reach.Trouble(f, check, name, e.Status, noConversation)
	}
	return false
}

// channel judges what the centre says about one of its channels; true if conversations can be opened there.
func (s Subject) channel(f *bridge.Findings, v ccm.Visitor, info ccm.QueueInfo, err error) bool {
	e := innermost(err)
	switch {
	case e != nil && e.Op == "applyToken" && (e.Status >= 500 || e.Throttled()), e != nil && e.Op != "applyToken" && e.Status != http.StatusOK:
		reach.Trouble(f, "centre.channel", "The contact centre", e.Status, noConversation)
		return false
	case e != nil && e.Op == "applyToken":
		f.Fault("centre.channel", v.ChannelID, fmt.Sprintf("The centre gives nobody a token for its channel %s (%s).", v.ChannelID, e), noConversation,
			"channel_id must be the configuration id of a web channel that is in use: ask the centre's administrator for it, and for the language it is set up for (locale).")
		return false
	case err != nil:
		f.Warn("centre.queue", v.ChannelID, fmt.Sprintf("The centre does not say where a conversation stands (%s).", innermostText(err)),
			"After a failure the bridge cannot see whether a conversation was opened, and waiting customers do not see when an agent comes.",
			"Ask the centre's administrator why queryQueueInfo is refused.")
	}
	if err == nil {
		f.OK("centre.queue", v.ChannelID, fmt.Sprintf("The centre says where conversations of its channel %s stand.", v.ChannelID))
		if info.State() != ccm.Over {
			f.Warn("centre.visitor", v.ChannelID, "The centre has an open conversation with the doctor itself.", "None; an agent may wonder.", "End it there.")
		}
	}
	f.OK("centre.channel", v.ChannelID, fmt.Sprintf("The centre gives out tokens for its channel %s.", v.ChannelID))
	return true
}

// live opens a conversation and ends it at once, as a visitor whom the centre has never seen.
func (s Subject) live(ctx context.Context, f *bridge.Findings, client *ccm.Client, v ccm.Visitor) {
	v.UserID = "doctor" + strings.ToLower(rand.Text())[:18]
	opened := client.Send(ctx, v, ccm.SendRequest{Control: ccm.Connect})
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	ended := client.Send(endCtx, v, ccm.SendRequest{Control: ccm.Disconnect})
	e := innermost(opened)
	switch {
	case e != nil && e.OutsideHours():
		f.Warn("centre.connect", v.ChannelID, "The centre opens no conversation now: nobody works at this time.", "Customers are told so.", "Try again in its hours.")
		return
	case opened != nil:
		f.Fault("centre.connect", v.ChannelID, fmt.Sprintf("The centre opens no conversation (%s).", innermostText(opened)), noConversation,
			"Ask the centre's administrator whether the channel has a robot or agents, and whether it is switched on.")
		return
	}
	f.OK("centre.connect", v.ChannelID, "A conversation was opened.")
	if ended != nil {
		f.Warn("centre.disconnect", v.ChannelID, fmt.Sprintf("A conversation cannot be ended (%s).", innermostText(ended)),
			"Ended conversations stay open at the centre until it ends them by itself.", "Ask the centre's administrator; end the conversation of \"ccbridge doctor\" there.")
		return
	}
	f.OK("centre.disconnect", v.ChannelID, "It was ended.")
}

// innermost is the failure of the call that failed: a token's, where there was none. nil: no failure.
func innermost(err error) *ccm.Error {
	var e *ccm.Error
	for errors.As(err, &e) && e.NoToken && e.Err != nil {
		err = e.Err
	}
	return e
}

func innermostText(err error) string {
	if e := innermost(err); e != nil {
		return e.Error()
	}
	return err.Error()
}

// authorities looks at the certificates of ca_file.
func (s Subject) authorities(f *bridge.Findings) {
	path := s.Config.CCM.CAFile
	if path == "" {
		return
	}
	rest, err := os.ReadFile(path)
	if err != nil {
		return // a fault of the configuration
	}
	var first time.Time // that ends
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err == nil && (first.IsZero() || c.NotAfter.Before(first)) {
			first = c.NotAfter
		}
	}
	s.expiry(f, "centre.ca_file", "A certificate of ca_file", first, "Put the authority's present certificate into "+path+".")
}

// expiry judges the end of a certificate's life; zero: there is none.
func (s Subject) expiry(f *bridge.Findings, check, what string, until time.Time, fix string) {
	left := until.Sub(s.Machine.Now())
	day := until.UTC().Format("2006-01-02")
	switch {
	case until.IsZero():
	case left <= 0:
		f.Warn(check, "", what+" ended on "+day+".", "If the centre is not trusted any more, nothing is carried.", fix)
	case left < certificateSoon:
		f.Warn(check, "", what+" ends on "+day+".", "From then on the centre is not trusted, and nothing is carried.", fix)
	default:
		f.OK(check, "", what+" is valid until "+day+".")
	}
}
