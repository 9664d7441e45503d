// Package store is the durable half of the core: it implements bridge.Store on a SQL database, today SQLite inside the
// binary.
//
// # Tables
//
//	thread          one row per thread: its session (JSON), and the columns that are searched
//	queue           events not yet stepped
//	delivery        calls not yet settled
//	ledger          what became of every event and delivery; dead letters are marked rows
//	seen            ids of events taken in, for the dedupe window
//	heard           how often each downlink of a session was taken in
//	channel_cursor  how far each channel entry was read
//	parts           the numbers of the parts, to walk over all of them by index
//	setting         schema version, instance, the health probe
//
// The number in thread.next_seq is given to every event, delivery and dead letter of the thread: a thing keeps its
// number when it moves from queue or delivery to ledger.
//
// # Rules
//
// part leads every key and index of what belongs to a thread, so that a database spread over several machines can
// distribute by it. Queries over all parts start from the table parts: one index probe for each part.
//
// The SQL is what SQLite and PostgreSQL have in common; what only SQLite knows is in sqlite.go, and a test reads the
// other files for it. Times are nanoseconds since 1970 in UTC, 0 for the zero time; bodies are JSON; flags are 0 and 1.
//
// Writes go through do: many of them share one transaction and one fsync. Reads have connections of their own and see
// every write that has returned.
package store
