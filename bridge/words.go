package bridge

import (
	"fmt"
	"time"
)

// All words of the bridge's own stand in this file, so that they can be translated in one place.

// What adapters say by themselves, privately, where no session is concerned.
const (
	SayHowToStart  = "You have no open conversation here. Write a message in this channel (mention me if I do not answer) to start one."
	SayWhichThread = "You have several open conversations. Which one do you mean?"
	SayTryAgain    = "That did not work just now. Please try again in a moment."
)

// Labels of the buttons.
const (
	LabelAgent  = "Talk to a human"
	LabelEnd    = "End conversation"
	LabelAgain  = "Open again"
	LabelResend = "Send again"
	LabelRobot  = "Say it to the robot"
	LabelDrop   = "Forget it"
)

// What the thread is told. None of it contains anybody's words.
const (
	sayWelcome        = "You are connected. Use the buttons to talk to a human or to end the conversation."
	sayQueued         = "I am connecting you to a human. Please wait."
	sayLongWait       = "It is taking longer than usual. You keep your place in the queue, or you can end the conversation."
	sayLate           = "The contact centre does not answer at the moment. Your message is kept and will be delivered later."
	sayNotDelivered   = "Your message could not be delivered."
	sayUnknown        = "I cannot tell whether your last message arrived. If you send it again, it may arrive twice."
	sayTooMuchWaits   = "Too many messages are waiting already, so your last one was not taken."
	sayFileNotCarried = "Files cannot be passed on yet. The other side only sees the file's name."
	sayGoOn           = "You can go on with the robot."
	sayNotPassedOn    = "What you wrote in the meantime has not been passed on. What shall I do with it?"
	sayHeldBack       = "No human is available, so this message has not been passed on. What shall I do with it?"
	sayEndedAsk       = "This conversation has ended. Shall I open it again and pass your message on?"
	sayClosed         = "This conversation has ended and cannot be opened again. Please start a new one."
	sayNewSession     = "The earlier conversation was closed in the meantime. I am opening a new one."
	sayLost           = "The contact centre has closed this conversation."
	sayEndedByAgent   = "The agent has ended this conversation."
	sayMediaNotShown  = "The other side sent something that cannot be shown here."
	sayNotShown       = "An answer could not be shown here."
	sayAgentName      = "Agent"
	sayRobotName      = "Robot"
)

// What the caller of a verb is told privately.
const (
	sayNotYours       = "Only the person whose conversation this is can do that."
	sayCalling        = "I am asking for a human."
	sayAlreadyCalling = "A human has been asked for already."
	sayAlreadyAgent   = "You are already talking to a human."
	sayNothingToEnd   = "There is no open conversation to end."
	sayEnding         = "I am ending this conversation."
	sayAlreadyOpen    = "This conversation is open already."
	sayOpening        = "I am opening the conversation again."
	sayTryLater       = "That is not possible just now. Please try again in a moment."
	sayResent         = "This message was sent again already, or is too old."
	saySendingAgain   = "I am sending it again."
	sayChosen         = "That has been decided already."
	sayDropped        = "All right, that message goes nowhere."
	sayToRobot        = "All right, I am passing it to the robot."
)

// What the agent is told.
const (
	sayThreadGoneToAgent    = "[The customer's thread was deleted. Messages can no longer be shown.]"
	sayNotShownToAgent      = "[Your last message could not be shown to the customer.]"
	sayMediaNotShownToAgent = "[Files cannot be shown to this customer. Please answer with text.]"
)

func sayTooLong(most int) string {
	return fmt.Sprintf("Your message is too long and was not passed on. At most about %d characters can be sent at once.", most)
}

func sayFile(name string) string {
	return fmt.Sprintf("[The customer sent a file: %s. It was not carried over.]", name)
}

func sayCorrection(text string) string { return "[Correction] " + text }

func sayRetraction(head string) string {
	return fmt.Sprintf("[The customer deleted a message: “%s”]", head)
}

func sayTooManyOpen(most int) string {
	return fmt.Sprintf("You already have %d open conversations. Please end one of them first.", most)
}

func sayIdle(rest time.Duration) string {
	return fmt.Sprintf("Are you still there? Without a word from you this conversation ends in %s.", plainDuration(rest))
}

func sayEnded(by EndedBy) string {
	switch by {
	case EndedByIdle:
		return "This conversation has ended because nobody wrote for a while."
	case EndedByCentre:
		return "The contact centre has ended this conversation."
	}
	return "This conversation has ended."
}

func sayNotConnected(r Result) string {
	switch {
	case r.Code == CodeOutsideHours:
		return "The contact centre is closed at the moment."
	case r.Outcome == GivenUp || r.Outcome == Unknown:
		return "The contact centre could not be reached."
	}
	return "The contact centre cannot take your conversation at the moment."
}

func sayNoAgent(r Result) string {
	switch {
	case r.Code == CodeOutsideHours:
		return "No human is on duty at this hour."
	case r.Outcome == GivenUp || r.Outcome == Unknown:
		return "I could not reach anybody."
	}
	return "No human is available at the moment."
}

// plainDuration says a duration as a person would.
func plainDuration(d time.Duration) string {
	switch {
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d.Round(time.Minute).Minutes()))
	case d >= time.Minute:
		return "one minute"
	}
	return fmt.Sprintf("%d seconds", max(1, int(d.Seconds())))
}
