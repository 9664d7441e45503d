package discord

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"

	"ccbridge/bridge"
)

// codeNoMutualGuild is not named by the SDK (Discord: topics/opcodes-and-status-codes).
const codeNoMutualGuild = 50278

// Waits where Discord names none.
const (
	threadCapPause = time.Minute // too many active threads: some will be archived
	writePause     = 10 * time.Second
)

// sendError says what a failed call means for a delivery.
func sendError(err error) *bridge.SendError {
	var ae *apiError
	if errors.As(err, &ae) {
		return statusError(ae)
	}
	e := &bridge.SendError{Certainty: bridge.InDoubt, Scope: bridge.ScopeDelivery, Code: "unknown", Err: err}
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		e.Certainty, e.Scope, e.Code = bridge.NotDone, bridge.ScopeAdapter, "unreachable"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		e.Code = "timeout"
	case errors.Is(err, errAnswer):
		e.Code = "unreadable"
	}
	return e
}

// statusError says what an answer means.
func statusError(ae *apiError) *bridge.SendError {
	e := &bridge.SendError{
		Certainty: bridge.NotDone, Scope: bridge.ScopeDelivery, RetryAfter: ae.retryAfter, Code: ae.codeText(), Err: ae,
	}
	switch {
	case ae.held, ae.status == http.StatusTooManyRequests, ae.global:
		e.Scope = bridge.ScopeChannel
		if ae.global {
			e.Scope = bridge.ScopeAdapter
		}
	case ae.code == discordgo.ErrCodeInvalidWebhookTokenProvided: // HTTP 401, but only the interaction is too old
		e.Final = true
	case ae.status == http.StatusUnauthorized:
		e.Scope, e.Final = bridge.ScopeAdapter, true
	case ae.status == http.StatusRequestTimeout:
		e.Certainty = bridge.InDoubt
	case ae.status >= 500:
		e.Certainty = bridge.InDoubt
		if ae.status > http.StatusInternalServerError { // 502, 503, 504: an outage
			e.Scope = bridge.ScopeAdapter
		}
	case ae.status >= 400:
		codeError(ae, e)
	default: // a redirect, which is not followed
		e.Certainty = bridge.InDoubt
	}
	return e
}

// codeError sets scope and finality of a 4xx by Discord's own code.
func codeError(ae *apiError, e *bridge.SendError) {
	switch ae.code {
	case discordgo.ErrCodeUnknownChannel, discordgo.ErrCodeUnknownGuild, discordgo.ErrCodeMissingAccess,
		discordgo.ErrCodeMissingPermissions, discordgo.ErrCodePerformedOperationOnArchivedThread,
		discordgo.ErrCodeThreadIsLocked, discordgo.ErrCodeCannotSendMessagesToThisUser, codeNoMutualGuild,
		discordgo.ErrCodeCannotExecuteActionOnThisChannelType:
		e.Scope, e.Final = bridge.ScopeThread, true
	case discordgo.ErrCodeMaximumNumberOfActiveThreadsReached, discordgo.ErrCodeMaximumNumberOfActiveAnnouncementThreadsReached:
		e.Scope, e.RetryAfter = bridge.ScopeChannel, max(e.RetryAfter, threadCapPause)
	case discordgo.ErrCodeChannelHasHitWriteRateLimit, discordgo.ErrCodeThisActionCannotBePerformedDueToSlowmodeRateLimit,
		discordgo.ErrCodeTheWriteActionYouArePerformingOnTheServerHasHitTheWriteRateLimit,
		discordgo.ErrCodeOpeningDirectMessagesTooFast:
		e.Scope, e.RetryAfter = bridge.ScopeChannel, max(e.RetryAfter, writePause)
	case discordgo.ErrCodeGeneralError: // none told
		if ae.status == http.StatusNotFound { // something else than Discord stands at the address
			e.Scope = bridge.ScopeAdapter
			return
		}
		e.Final = true
	default: // refused for what it is: empty, too long, automod, harmful link, interaction too old
		e.Final = true
	}
}

// codeText is the code for ledger and log.
func (e *apiError) codeText() string {
	switch {
	case e.held:
		return "held"
	case e.code != 0:
		return strconv.Itoa(e.code)
	}
	return "http " + strconv.Itoa(e.status)
}
