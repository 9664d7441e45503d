package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/bridge"
)

// What Slack's error codes mean to a post (Slack: chat.postMessage, errors). Every code that is not listed is a
// refusal of this one post: Slack checked it and did nothing.
var (
	threadCodes = codes(`channel_not_found not_in_channel is_archived channel_is_archived thread_not_found
		message_not_found invalid_thread_ts cannot_reply_to_message restricted_action restricted_action_read_only_channel
		restricted_action_thread_only_channel restricted_action_non_threadable_channel restricted_action_thread_locked
		messages_tab_disabled user_not_found user_disabled cannot_dm_bot slack_connect_canvas_sharing_blocked
		external_channel_migrating channel_type_not_supported`)
	credentialCodes = codes(`invalid_auth account_inactive not_authed token_revoked token_expired missing_scope
		not_allowed_token_type no_permission org_login_required access_denied accesslimited link_disabled
		enterprise_is_restricted team_access_not_granted two_factor_setup_required ekm_access_denied app_uninstalled`)
	limitCodes = codes(`ratelimited rate_limited`)
	doubtCodes = codes(`internal_error fatal_error service_unavailable request_timeout`)
	laterCodes = codes(`message_limit_exceeded team_added_to_org`) // of the whole workspace
)

// codeForm is how a code of Slack's looks. Anything else comes from elsewhere and may hold words.
var codeForm = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

func codes(list string) map[string]bool {
	set := make(map[string]bool)
	for _, c := range strings.Fields(list) {
		set[c] = true
	}
	return set
}

// fatal reports whether only the operator can mend err: the token is refused.
func fatal(err error) bool {
	var se slack.SlackErrorResponse
	return errors.As(err, &se) && credentialCodes[se.Err]
}

// retryAfter is how long Slack asked to wait, or zero.
func retryAfter(err error) time.Duration {
	var rl *slack.RateLimitedError
	if errors.As(err, &rl) {
		return max(rl.RetryAfter, 0)
	}
	return 0
}

// limited reports whether err is a rate limit, with a usable Retry-After or without.
func limited(err error) bool {
	var rl *slack.RateLimitedError
	var sc slack.StatusCodeError
	var se slack.SlackErrorResponse
	var num *strconv.NumError // slack-go could not read the Retry-After of a 429
	switch {
	case errors.As(err, &rl), errors.As(err, &num):
		return true
	case errors.As(err, &sc):
		return sc.Code == http.StatusTooManyRequests
	case errors.As(err, &se):
		return limitCodes[se.Err]
	}
	return false
}

// notSent reports whether no connection was made at all.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// errorCode is a short code for err: Slack's own where there is one. Never a text or an address.
func errorCode(err error) string {
	var se slack.SlackErrorResponse
	var sc slack.StatusCodeError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &se):
		if !codeForm.MatchString(se.Err) {
			return errUnreadableCode.Error()
		}
		return se.Err
	case limited(err):
		return "ratelimited"
	case errors.As(err, &sc):
		return "http_" + strconv.Itoa(sc.Code)
	case errors.Is(err, errNoHello), errors.Is(err, errSocketClosed):
		return cleanError(err).Error()
	case notSent(err):
		return "connection_refused"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "no_answer"
}

var errUnreadableCode = errors.New("unreadable_code")

// cleanError takes addresses out of err, for a response_url is a secret, and codes that look like none.
func cleanError(err error) error {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) && !codeForm.MatchString(se.Err) {
		return errUnreadableCode
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// sendError says what a failed post means to the core.
func sendError(err error) *bridge.SendError {
	e := &bridge.SendError{RetryAfter: retryAfter(err), Code: errorCode(err), Err: cleanError(err)}
	var se slack.SlackErrorResponse
	var sc slack.StatusCodeError
	switch {
	case limited(err):
		e.Certainty, e.Scope = bridge.NotDone, bridge.ScopeChannel
	case errors.As(err, &se):
		e.Certainty, e.Scope, e.Final = refusal(se.Err)
	case errors.As(err, &sc):
		e.Certainty, e.Scope = statusMeaning(sc.Code)
	case notSent(err):
		e.Certainty, e.Scope = bridge.NotDone, bridge.ScopeAdapter
	}
	if e.Err.Error() == e.Code {
		e.Err = nil // it would be said twice
	}
	return e // else in doubt, concerning this delivery
}

// lookError says what a failed look means to the core. A Slack that cannot be reached just now is waited for, and that
// holds up nobody else; what it refuses to show, or shows unreadably, it may refuse for ever.
func lookError(err error) *bridge.SendError {
	e := sendError(err)
	e.Certainty = bridge.InDoubt
	var se slack.SlackErrorResponse
	switch {
	case errors.As(err, &se) && se.Err == "missing_scope":
		e.Scope, e.Final = bridge.ScopeDelivery, false // posting may be allowed all the same
	case fatal(err):
	case limited(err):
		e.RetryAfter = 0 // reading waits by itself, and posting has a limit of its own
	case errors.As(err, &se) && !doubtCodes[se.Err] && !laterCodes[se.Err], unreadable(err):
		e.Scope, e.Final = bridge.ScopeDelivery, false
	default:
		e.Scope, e.Final = bridge.ScopeChannel, false
	}
	return e
}

// readError marks what Slack refuses to show as final: the core need not hold threads for another try.
func readError(err error) error {
	var se slack.SlackErrorResponse
	if !errors.As(err, &se) || limited(err) || doubtCodes[se.Err] || laterCodes[se.Err] {
		return err
	}
	return &bridge.SendError{Certainty: bridge.InDoubt, Scope: bridge.ScopeDelivery, Final: true, Code: errorCode(err), Err: cleanError(err)}
}

// unreadable reports whether Slack answered a look with something that tells nothing.
func unreadable(err error) bool {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.Is(err, errTooLong) || errors.Is(err, errIncomplete) || errors.As(err, &syntax) || errors.As(err, &kind)
}

// refusal says what an error code of a post means.
func refusal(code string) (c bridge.Certainty, s bridge.Scope, final bool) {
	switch {
	case threadCodes[code]:
		return bridge.NotDone, bridge.ScopeThread, true
	case credentialCodes[code]:
		return bridge.NotDone, bridge.ScopeAdapter, true
	case doubtCodes[code]:
		return bridge.InDoubt, bridge.ScopeAdapter, false
	case laterCodes[code]:
		return bridge.NotDone, bridge.ScopeAdapter, false
	}
	return bridge.NotDone, bridge.ScopeDelivery, true
}

// statusMeaning says what an HTTP status other than 200 and 429 means.
func statusMeaning(status int) (bridge.Certainty, bridge.Scope) {
	if status >= 400 && status < 500 && status != http.StatusRequestTimeout {
		return bridge.NotDone, bridge.ScopeAdapter
	}
	return bridge.InDoubt, bridge.ScopeAdapter
}

// wrap names the call and what it was about.
func wrap(call, object string, err error) error {
	return fmt.Errorf("%s %s: %w", call, object, cleanError(err))
}
