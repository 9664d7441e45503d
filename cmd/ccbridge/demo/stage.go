package demo

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/service"
)

// simAddrs are the addresses of the simulators. Port 0 is any free one.
type simAddrs struct{ Slack, Discord, Centre string }

var (
	anyPorts  = simAddrs{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}
	demoPorts = simAddrs{"127.0.0.1:7801", "127.0.0.1:7802", "127.0.0.1:7803"}
)

// sims are the three simulators, with one customer on each platform.
type sims struct {
	slack   *slacksim.Sim
	discord *discordsim.Sim
	centre  *ccmsim.Sim
}

// startSims opens the ports and brings the people in. quick is for readers who should not wait: without the platforms'
// rate limits, and with short polls, because the bridge finishes one before it stops.
func startSims(addrs simAddrs, quick bool) (*sims, error) {
	s := &sims{}
	var err error
	if s.slack, err = slacksim.Start(slacksim.Config{Addr: addrs.Slack, BotName: botName, NoLimits: quick}); err != nil {
		return nil, simFailure("Slack", addrs.Slack, err)
	}
	if s.discord, err = discordsim.Start(discordsim.Config{Addr: addrs.Discord, BotName: botName, NoLimits: quick}); err != nil {
		s.close()
		return nil, simFailure("Discord", addrs.Discord, err)
	}
	centre := ccmsim.Config{Addr: addrs.Centre, Robot: ccmsim.Robot{Nickname: "Robot"}}
	if quick {
		centre.PollWait = 1200 * time.Millisecond // shorter ones make the bridge pause between them
	}
	if s.centre, err = ccmsim.Start(centre); err != nil {
		s.close()
		return nil, simFailure("contact centre", addrs.Centre, err)
	}
	peopleSlack(s.slack)
	peopleDiscord(s.discord)
	return s, nil
}

func simFailure(what, addr string, err error) error {
	return fmt.Errorf("start the simulated %s on %s (is the port taken, by another demo perhaps?): %w", what, addr, err)
}

func (s *sims) close() {
	if s.centre != nil {
		s.centre.Close()
	}
	if s.discord != nil {
		s.discord.Close()
	}
	s.slack.Close()
}

// stage is where a demo plays: the centre, the platform it is about, and the bridge between them.
type stage struct {
	*sims
	chat chat
}

// violations are the rules that the bridge broke, as the simulators noted them.
func (s *stage) violations() []string {
	var all []string
	for _, list := range [][]string{s.slack.Violations(), s.discord.Violations(), s.centre.Violations()} {
		all = append(all, list...)
	}
	return all
}

// onStage starts simulators and bridge, waits until the platform has the bridge on the line, and lets play have them.
// play's context ends with ctx, or when the bridge does. Everything is stopped and removed at the end.
func onStage(ctx context.Context, platform string, log *slog.Logger, play func(context.Context, *stage) error) error {
	dir, err := os.MkdirTemp("", "ccbridge-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)
	s, err := startSims(anyPorts, true)
	if err != nil {
		return err
	}
	defer s.close()
	cfg, err := loadDemo(dir, s)
	if err != nil {
		return err
	}

	bridgeCtx, stop := context.WithCancel(ctx)
	defer stop()
	playCtx, stopPlay := context.WithCancel(ctx)
	defer stopPlay()
	ended := make(chan error, 1)
	go func() {
		defer stopPlay()
		ended <- service.Run(bridgeCtx, cfg, service.Options{Log: log})
	}()
	at := &stage{sims: s, chat: newChat(platform, s)}
	err = waitReady(playCtx, at.chat)
	if err == nil {
		err = play(playCtx, at)
	}
	stop()
	if bridgeErr := <-ended; bridgeErr != nil {
		return bridgeErr // it is why play could not go on
	}
	return err
}

// readyTime is how long the bridge may take to come online.
const readyTime = 10 * time.Second

func waitReady(ctx context.Context, c chat) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := c.ready(ctx); err != nil {
		return fmt.Errorf("wait until the bridge is online at %s (-v shows its log): %w", c.name(), err)
	}
	return nil
}

// loadDemo takes the way of every configuration: written, loaded and checked.
func loadDemo(dir string, s *sims) (config.Config, error) {
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(demoConfig(s, quickSettings)), 0o600); err != nil {
		return config.Config{}, fmt.Errorf("write the demo's configuration: %w", err)
	}
	cfg, faults := config.Load(path, func(string) (string, bool) { return "", false })
	if config.Broken(faults) {
		return config.Config{}, fmt.Errorf("the demo's configuration: %v", faults[0])
	}
	return cfg, nil
}
