package bridge

// timer handles a due time. Each rings once: what rang is stopped in the same step.
func (st *step) timer(k TimerKind) {
	if at, runs := st.Timers[k]; !runs || at.After(st.env.Now) {
		st.out.Note = "not due"
		return
	}
	st.stop(k)
	switch k {
	case TimerIdle:
		if !st.waitsSince().IsZero() { // it is not the customer who is silent
			st.start(TimerIdle, st.env.Limits.Idle)
			return
		}
		rest := st.env.Limits.Idle / 5
		st.start(TimerIdleEnd, rest)
		st.notice(sayIdle(rest))
	case TimerIdleEnd, TimerDormant:
		if !st.holds(HeldEnd) {
			st.loseAsked()
			st.Held = append(st.Held, st.marker(HeldEnd, EndedByIdle))
		}
	case TimerForget:
		st.Letters, st.Asked, st.Sent, st.Shown = nil, nil, nil, nil
	case TimerMaxWait:
		st.notice(sayLongWait, Button{Verb: VerbEnd, Label: LabelEnd})
	case TimerEnding:
		by := st.endingBy()
		st.end(by, st.env.Now, sayEnded(by))
	case TimerLate:
		st.LateTold = true
		st.notice(sayLate)
	case TimerQueue:
		if st.Undone != nil {
			st.start(TimerQueue, st.env.Limits.queueGap())
			return
		}
		st.call(CallQueue, nil, st.env.Now)
	}
}
