package service

import (
	"context"
	"fmt"
	"sync/atomic"

	"ccbridge/bridge"
	"ccbridge/ccm"
	"ccbridge/cmd/ccbridge/config"
)

// centre is the client in use: a reload puts another in its place. A call that began with the one before ends with it.
type centre struct{ client atomic.Pointer[ccm.Client] }

var _ bridge.Centre = (*centre)(nil)

// newClient makes a client for the configured centre.
func newClient(cfg config.Config) (*ccm.Client, error) {
	c, err := ccm.New(centreConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("set up the centre's client: %w", err)
	}
	return c, nil
}

func centreConfig(cfg config.Config) ccm.Config {
	return ccm.Config{
		BaseURL: cfg.CCM.BaseURL, AuthURL: cfg.CCM.AuthURL, AppKey: cfg.CCM.AppKey, AppSecret: cfg.CCM.AppSecret.Reveal(),
		CAFile: cfg.CCM.CAFile, TenantSpace: cfg.CCM.TenantSpace, CallTimeout: cfg.Limits.CallTimeout,
	}
}

// use puts a client in the place of the one in use, whose idle connections are closed; nil: none comes after it.
func (c *centre) use(client *ccm.Client) {
	if old := c.client.Swap(client); old != nil {
		old.Close()
	}
}

// Send implements bridge.Centre, like the methods below.
func (c *centre) Send(ctx context.Context, v ccm.Visitor, r ccm.SendRequest) error {
	return c.client.Load().Send(ctx, v, r)
}
func (c *centre) Poll(ctx context.Context, v ccm.Visitor) ([]ccm.Downlink, error) {
	return c.client.Load().Poll(ctx, v)
}
func (c *centre) History(ctx context.Context, v ccm.Visitor) ([]ccm.Record, error) {
	return c.client.Load().History(ctx, v)
}
func (c *centre) QueueInfo(ctx context.Context, v ccm.Visitor) (ccm.QueueInfo, error) {
	return c.client.Load().QueueInfo(ctx, v)
}
func (c *centre) Forget(v ccm.Visitor) { c.client.Load().Forget(v) }
