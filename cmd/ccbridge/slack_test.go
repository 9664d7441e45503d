package main

import (
	"testing"

	"ccbridge/ccm/ccmsim"
)

func TestSlackConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	root := w.ask(ada, "", "hello, my parcel is lost")
	w.sees(root, "You are connected. Use the buttons to talk to a human or to end the conversation.")
	w.ask(ada, root, "Version")
	w.atCentre("both texts", func(v ccmsim.View) bool {
		return len(v.Sessions()) == 1 && len(v.Sessions()[0].ToRobot) == 2
	})
	w.click(ada, root, "ccb:agent")
	w.sees(root, "I am connecting you to a human. Please wait.")
	visitor := w.centre.Desk().Waiting()[0]
	if err := w.centre.Desk().Accept(visitor, "Grace"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.centre.Desk().Say(visitor, "Hello, I am Grace"); err != nil {
		t.Fatal(err)
	}
	w.sees(root, "Hello, I am Grace")
	w.ask(ada, root, "thank you")
	w.atCentre("the agent has it", func(v ccmsim.View) bool { return len(v.Session(visitor).ToAgent) == 1 })
	w.click(ada, root, "ccb:end")
	w.sees(root, "This conversation has ended.")
	w.atCentre("the end", func(v ccmsim.View) bool { return v.Session(visitor).State == ccmsim.StateEnded })
	w.ask(ada, root, "thanks again")
	w.sees(root, "This conversation has ended. Shall I open it again and pass your message on?")
	w.click(ada, root, "ccb:again")
	w.atCentre("a second session", func(v ccmsim.View) bool {
		return len(v.Sessions()) == 2
	})
	w.stop()
	w.clean()
	t.Log(w.texts(root))
}
