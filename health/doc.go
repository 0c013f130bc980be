// Package health says whether a process works, from heartbeats of its parts.
//
// A [Tracker] holds components. A [Component] is a named part of the process,
// or of what the process watches, and proves with reports that it works:
//
//   - [Component.OK]: the work was done;
//   - [Component.Fail]: it was tried and went wrong;
//   - [Component.Skip]: the loop ran and had nothing to do. That shows that the
//     component lives, and nothing more: a skip is never a success.
//
// Nobody sets a state. The tracker derives it from the reports and from their
// absence: a component from which nothing is heard for [MissedAfter] intervals
// becomes degraded, by a timer. [State] shows the states and the legal moves.
// The state of the process is the worst of its components, in the order
// degraded, recovering, starting, ok, and starting as long as none is declared.
//
// # Reading
//
// Everything that is shown comes from a [Snapshot], which is taken at one
// moment for all components: the answers of [Tracker.ReadyHandler], and
// whatever metrics or pages a program makes of it. Two readers of one snapshot
// cannot disagree. Each read first looks for deadlines that have passed, so
// that an answer is right even where a timer is late.
//
// # Changes
//
// Each change of a component's or of the process's state is one entry of
// [Tracker.History] and one line of the log. Lines are written in order by a
// goroutine that lives only while there is something to write; a log handler
// that hangs holds up neither reports nor readers.
//
// # Cost
//
// A report that changes no state takes one uncontended lock and one reading of
// the clock, and allocates nothing. Components do not share that lock.
//
// All methods of this package are safe to call concurrently. Time is the
// standard clock, so that testing/synctest can drive it.
package health
