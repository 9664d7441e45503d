package bridge

import (
	"context"

	"ccbridge/ccm"
)

// Centre is what the core needs of *ccm.Client. Tokens and the replay after 401 and 403 stay there. Errors are *ccm.Error.
type Centre interface {
	// Send makes one call; nil is a clear yes.
	Send(ctx context.Context, v ccm.Visitor, r ccm.SendRequest) error
	// Poll waits for downlinks. After any error an answer may be lost, unless the error says that nothing was done.
	Poll(ctx context.Context, v ccm.Visitor) ([]ccm.Downlink, error)
	// History reads all pages of what was said in the visitor's session, oldest first.
	History(ctx context.Context, v ccm.Visitor) ([]ccm.Record, error)
	// QueueInfo says whether there is a session, and with whom.
	QueueInfo(ctx context.Context, v ccm.Visitor) (ccm.QueueInfo, error)
	// Forget drops what is kept of a visitor whose session is over.
	Forget(v ccm.Visitor)
}

var _ Centre = (*ccm.Client)(nil)
