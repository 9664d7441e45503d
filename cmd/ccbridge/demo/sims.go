package demo

import (
	"context"
	"fmt"
	"io"
)

// serveSims runs the simulators alone until ctx ends. What it prints is a configuration for `ccbridge run`; how to
// play the people is in its comments.
func serveSims(ctx context.Context, addrs simAddrs, stdout io.Writer) error {
	s, err := startSims(addrs, false)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := fmt.Fprint(stdout, simsGuide(s), "\n", demoConfig(s, plainSettings)); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	<-ctx.Done()
	return nil
}

// simsGuide is the head of the configuration: what is running, and what to type.
func simsGuide(s *sims) string {
	slack := s.slack.URL()[:len(s.slack.URL())-len("/api/")]
	discord, centre := s.discord.URL(), s.centre.URL()
	return fmt.Sprintf(`# The simulators run until Ctrl-C: Slack %[1]s, Discord %[2]s, contact centre %[3]s.
# This is a whole configuration for them. In another terminal, save it as demo.toml (chmod 600), then:
#
#   ccbridge check -config demo.toml
#   ccbridge run   -config demo.toml
#
# When the bridge runs, %[4]s writes to Slack, and to Discord; each answer names the message, which is the thread:
#
#   curl -d '{"channel":%[5]q,"user":%[6]q,"text":"hours"}' %[1]s/_sim/post
#   curl -d '{"channel":%[7]q,"user":%[8]q,"content":"hours"}' %[2]s/_sim/post
#
# What stands in a thread (put its ts or id for THREAD), and asking for a human in it:
#
#   curl '%[1]s/_sim/thread?channel=%[5]s&root=THREAD'
#   curl '%[2]s/_sim/messages?channel=THREAD'
#   curl -d '{"channel":%[5]q,"user":%[6]q,"thread_ts":"THREAD","text":"<@%[9]s> agent"}' %[1]s/_sim/post
#   curl -d '{"user":%[8]q,"channel":"THREAD","command":"agent"}' %[2]s/_sim/slash
#
# The agent's desk (the waiting visitor's id for VISITOR):
#
#   curl %[3]s/_sim/state
#   curl -d '{"do":"accept","visitor":"VISITOR","nickname":%[10]q}' %[3]s/_sim/desk
#   curl -d '{"do":"say","visitor":"VISITOR","text":"Good morning"}' %[3]s/_sim/desk
#   curl -d '{"do":"end","visitor":"VISITOR"}' %[3]s/_sim/desk
#
# Do as a network would (the deed is done, the answer lost), and what each simulator found wrong with the bridge:
#
#   curl -d '{"op":"send:CHAT","count":1,"fault":{"Drop":true,"Deed":true}}' %[3]s/_sim/faults
#   curl %[1]s/_sim/violations %[2]s/_sim/violations %[3]s/_sim/violations
#
`, slack, discord, centre, customerName, demoSlackChannel, demoSlackUser, demoTextChannel, demoDiscordUser, slackBotUser, agentName)
}
