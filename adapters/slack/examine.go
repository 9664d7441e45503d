package slack

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/adapters/reach"
	"ccbridge/bridge"
)

var _ bridge.Examiner = (*Adapter)(nil)

// What is looked at (bridge.Finding.Check).
const (
	checkReach    = "slack.reach"
	checkClock    = "slack.clock"
	checkBotToken = "slack.token.bot"
	checkAppToken = "slack.token.app"
	checkBot      = "slack.bot"           // who it is, and where
	checkScope    = "slack.scope"         // subject: the scope
	checkSurplus  = "slack.scope.surplus" // scopes that are not used
	checkChannel  = "slack.channel"       // subject: the channel, or "*"
	checkShared   = "slack.channel.shared"
	checkHistory  = "slack.history" // subject: the channel
	checkDirect   = "slack.direct"
	checkPeople   = "slack.people"   // subject: a person of the staff
	checkManifest = "slack.manifest" // what these tokens cannot see
	checkLimit    = "slack.limit"    // subject: a method that Slack limits just now
)

const (
	examineCall   = 10 * time.Second // one call of an examination, at most
	quickChannels = 10               // so many channels are looked at in a quick one
)

// examination is one look at Slack from outside.
type examination struct {
	bridge.Findings
	a      *Adapter
	api    *slack.Client
	heard  *reach.Recorder
	routes []bridge.Route
	quick  bool

	unreachable bool // told; nothing more is asked
	auth        *slack.AuthTestResponse
	scopes      map[string]bool // of the bot token; nil: not known
	app         string          // the app's id, "" if not known
	places      places          // that the routes need, as far as is known
}

// Examine looks at everything that routes need of Slack (bridge.Examiner).
func (a *Adapter) Examine(ctx context.Context, routes []bridge.Route, quick bool) []bridge.Finding {
	e := &examination{Findings: bridge.Findings{Part: a.cfg.Name}, a: a, heard: &reach.Recorder{Next: a.http.Transport}, routes: routes, quick: quick}
	client := *a.http
	client.Transport = e.heard
	client.Timeout = examineCall
	e.api = a.client(&client)
	defer a.http.CloseIdleConnections()
	e.app = appOf(a.cfg.AppToken)

	if e.forms() && e.identity(ctx) {
		seen := e.look(ctx)
		e.judgeScopes()
		e.judge(seen)
		e.histories(ctx, seen)
		e.direct()
		e.people(ctx)
	}
	e.line(ctx, &client)
	e.unseen()
	return e.List
}

// ask makes one call. ok: it was answered, and not with a rate limit; err is then nil or Slack's refusal.
func (e *examination) ask(ctx context.Context, method string, call func(context.Context) error) (err error, ok bool) {
	err, ok = e.call(ctx, call)
	if ok && limited(err) {
		e.Warn(checkLimit, method, "Slack limits "+method+" just now, so what it would show was not looked at.",
			"If it stays, what was missed is read late.", "Look again in a minute.")
		return err, false
	}
	return err, ok
}

// call makes one call. ok: Slack answered; err is then nil, a rate limit or Slack's refusal. The first call without an
// answer is the last: that Slack cannot be reached is one finding, not one for each call.
func (e *examination) call(ctx context.Context, call func(context.Context) error) (err error, ok bool) {
	if e.unreachable || ctx.Err() != nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, examineCall)
	defer cancel()
	err = call(ctx)
	var refusal slack.SlackErrorResponse
	var status slack.StatusCodeError
	switch {
	case err == nil, limited(err), errors.As(err, &refusal):
		return err, true
	case errors.As(err, &status):
		e.Forget(checkReach)
		reach.Trouble(&e.Findings, checkReach, "Slack", status.Code, meansNothing)
	default:
		e.Forget(checkReach)
		reach.Fault(&e.Findings, checkReach, "Slack", e.a.cfg.APIURL, e.key("api_url"), meansNothing, reach.CauseOf(err))
	}
	e.unreachable = true
	return err, false
}

// key names a setting of this adapter in the configuration.
func (e *examination) key(setting string) string {
	return setting + " of [adapters." + e.a.cfg.Name + "]"
}

// page says where a page of the app's settings is.
func (e *examination) page(title, path string) string {
	if e.app == "" {
		return "at https://api.slack.com/apps choose the app, then " + title
	}
	return "at https://api.slack.com/apps/" + e.app + path + " (" + title + ")"
}

// appForm is how an app-level token begins: with the app's id.
var appForm = regexp.MustCompile(`^xapp-\d+-(A[A-Z0-9]{6,})-`)

// appOf is the app that an app-level token belongs to, "" if it does not tell.
func appOf(token string) string {
	if found := appForm.FindStringSubmatch(token); found != nil {
		return found[1]
	}
	return ""
}

// channels are the ids that routes name, each once; all says that "*" is among the routes, dm that "dm" is.
func (e *examination) channels() (ids []string, all, dm bool) {
	for _, r := range e.routes {
		for _, c := range r.Channels {
			switch {
			case c == "*":
				all = true
			case c == "dm":
				dm = true
			case !slices.Contains(ids, c):
				ids = append(ids, c)
			}
		}
	}
	return ids, all, dm
}

// unseen says what these tokens do not let anybody see.
func (e *examination) unseen() {
	if e.quick || e.unreachable || e.auth == nil {
		return
	}
	p := e.places
	e.OK(checkManifest, "", "Not visible with these tokens: whether the app has the commands "+e.a.cfg.Commands.Agent+" and "+e.a.cfg.Commands.End+
		", the message shortcuts, Interactivity, and the events "+strings.Join(eventsFor(p), ", ")+
		". Compare the app's manifest with what `ccbridge manifest slack` prints.")
}

// head is what the last answer's header said under name.
func (e *examination) head(name string) ([]string, bool) {
	_, header := e.heard.Head()
	values, found := header[http.CanonicalHeaderKey(name)]
	if !found {
		return nil, false
	}
	return strings.FieldsFunc(strings.Join(values, ","), func(r rune) bool { return r == ',' || r == ' ' }), true
}
