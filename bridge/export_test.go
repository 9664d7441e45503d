package bridge

// Watch tells the pollers about a session, as a worker does after it saved it.
func (b *Bridge) Watch(s Session) { b.polls.watch(s) }
