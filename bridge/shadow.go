package bridge

import "ccbridge/ccm"

// A session that opens under a route with Shadow is a shadow until its end: it goes through its states as with a centre
// that says yes to everything and a platform that shows everything, but no call is made for it. Its deliveries are stored,
// come to their turn and are settled as Shadowed, so that the ledger tells what would have been done. Its texts are heard
// and read from the platform like any other's. It is not polled: no robot answers and no agent comes.

// shade has a thread without an open session follow its route. Without a route it stays what it is.
func (st *step) shade() {
	was, is := st.Shadow, st.env.Route.Shadow
	if st.State.Open() || st.env.Route.Adapter == "" || was == is {
		return
	}
	st.Shadow = is
	if was { // its questions were asked of nobody, and its letters have no button
		st.Asked, st.Letters = nil, nil
	}
}

// inEarnest has what show makes go out, also in a shadow. The centre knows nothing of shadows, so what it says is of a
// session before that was none: the last words of an agent there, worked when the thread follows a changed route already.
func (st *step) inEarnest(show func()) {
	shadow := st.Shadow
	st.Shadow = false
	show()
	st.Shadow = shadow
}

// shadowed is what comes of a shadow's delivery.
func shadowed(d Delivery) verdict {
	v := verdict{outcome: Shadowed}
	if callKind(d) == CallQueue {
		v.queue = &ccm.QueueInfo{Code: "0"} // it waits for an agent
	}
	return v
}
