package bridge

// Watch tells the pollers about a session, as a worker does after it saved it.
func (b *Bridge) Watch(s Session) { b.polls.watch(s) }

// StopAtOnce has Run wait for nothing that is on its way when it ends.
func (b *Bridge) StopAtOnce() {
	s := *b.settings()
	s.ShutdownTimeout = 0
	b.use(s)
}
