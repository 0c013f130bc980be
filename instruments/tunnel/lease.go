package tunnel

import "sync"

// Waiter is a connection whose end can be waited for, such as an ssh.Conn.
type Waiter interface {
	// Wait blocks until the connection has ended, and says why.
	Wait() error
}

// Lease is one tunnel for as long as it counts. All methods are safe for
// concurrent use, and do nothing on nil.
type Lease struct {
	once sync.Once
	give func()
}

// Close says that the tunnel is gone. Only the first call does anything.
func (l *Lease) Close() {
	if l != nil {
		l.once.Do(l.give)
	}
}

// Hold keeps the lease until conn has ended, closes it and returns what conn's
// Wait returned. A panic of Wait closes it, too, and comes through. Hold blocks
// as Wait does; a lease that was closed before it returns stays closed.
func (l *Lease) Hold(conn Waiter) error {
	defer l.Close()
	return conn.Wait()
}
