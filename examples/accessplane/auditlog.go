package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/audit"
	measured "github.com/telltale-agent/telltale/instruments/firestore"
)

// The types of events.
const (
	eventLogin       = "user.login"
	eventLoginFailed = "user.login.failed"
	eventSession     = "session.start"
)

// auditEvent is one line of the audit log, and one document in Firestore.
type auditEvent struct {
	Time   time.Time `json:"time" firestore:"time"`
	Type   string    `json:"type" firestore:"type"`
	User   string    `json:"user,omitempty" firestore:"user"`
	Node   string    `json:"node,omitempty" firestore:"node"`
	Detail string    `json:"detail,omitempty" firestore:"detail"`
}

// auditLog keeps events and recordings in a directory, and sends both to the
// cloud: events to Firestore, in batches, and recordings to Cloud Storage.
type auditLog struct {
	dir        string
	emitter    audit.Emitter[auditEvent]
	files      *audit.Files
	disk       *audit.DiskMonitor
	firestore  *firestore.Client
	recordings *recordings

	mu       sync.Mutex // guards the fields below
	sequence int
	buffered []auditEvent // yet to be sent to Firestore
}

type auditOptions struct {
	dir        string
	diskCheck  time.Duration // 0 means every five minutes
	firestore  string        // address
	recordings *recordings
	logger     *slog.Logger
}

func openAuditLog(ctx context.Context, reg *instruments.Registry, o auditOptions) (*auditLog, error) {
	client, err := newFirestoreClient(ctx, reg, o.firestore)
	if err != nil {
		return nil, err
	}
	a := &auditLog{
		dir:        o.dir,
		files:      audit.NewFiles(reg),
		firestore:  client,
		recordings: o.recordings,
		disk:       audit.MonitorDisk(reg, o.dir, audit.DiskOptions{Interval: o.diskCheck, Logger: o.logger}),
	}
	a.emitter = audit.Wrap(reg, audit.EmitterFunc[auditEvent](a.store))
	return a, nil
}

// newFirestoreClient makes a client on a measured connection to an emulator. For
// the real thing, each dial option goes into an option.WithGRPCDialOption.
func newFirestoreClient(ctx context.Context, reg *instruments.Registry, addr string) (*firestore.Client, error) {
	conn, err := grpc.NewClient(addr, append(measured.DialOptions(reg), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return nil, fmt.Errorf("make a client of Firestore: %w", err)
	}
	client, err := firestore.NewClient(ctx, "accessplane", option.WithGRPCConn(conn))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("make a client of Firestore: %w", err)
	}
	return client, nil
}

// Emit stores an event. It is counted, and so is an event that is lost.
func (a *auditLog) Emit(ctx context.Context, event auditEvent) error {
	event.Time = time.Now()
	return a.emitter.Emit(ctx, event)
}

// store is what the emitter measures: it writes an event to the directory.
func (a *auditLog) store(_ context.Context, event auditEvent) error {
	if event.Type == "" {
		return fmt.Errorf("%w: an event needs a type", errRequest)
	}
	line, err := json.Marshal(event)
	if err != nil {
		return err
	}
	file, err := a.files.OpenFile(filepath.Join(a.dir, "events.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store event: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("store event: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.buffered = append(a.buffered, event)
	return nil
}

// Flush sends the events of which Firestore has not heard yet, all in one
// commit, or keeps them for the next time.
func (a *auditLog) Flush(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.buffered) == 0 {
		return nil
	}
	err := a.firestore.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for i, event := range a.buffered {
			name := fmt.Sprintf("%s-%06d", event.Time.UTC().Format("20060102T150405.000000000"), i)
			if err := tx.Create(a.firestore.Collection("events").Doc(name), event); err != nil {
				return err
			}
		}
		return nil
	}, firestore.MaxAttempts(1))
	if err != nil {
		return fmt.Errorf("send %d audit events: %w", len(a.buffered), err)
	}
	a.buffered = nil
	return nil
}

// Search finds the events of a user in Firestore.
func (a *auditLog) Search(ctx context.Context, user string) ([]auditEvent, error) {
	documents := a.firestore.Collection("events").Where("user", "==", user).Documents(ctx)
	defer documents.Stop()
	events := []auditEvent{}
	for {
		document, err := documents.Next()
		if errors.Is(err, iterator.Done) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("search audit events: %w", err)
		}
		var event auditEvent
		if err := document.DataTo(&event); err != nil {
			return nil, fmt.Errorf("read audit event: %w", err)
		}
		events = append(events, event)
	}
}

// Check reports whether the log can take events.
func (a *auditLog) Check(context.Context) error {
	_, err := os.Stat(a.dir)
	return err
}

// Close sends what is left and stops watching the disk.
func (a *auditLog) Close(ctx context.Context) error {
	err := a.Flush(ctx)
	a.disk.Close()
	return errors.Join(err, a.firestore.Close())
}

// recording is a session that is being recorded in a file, which is open that
// long.
type recording struct {
	log  *auditLog
	name string
	*audit.File
}

// Record begins to record a session.
func (a *auditLog) Record(ctx context.Context, user, node string) (*recording, error) {
	a.mu.Lock()
	a.sequence++
	name := fmt.Sprintf("%s-%d", user, a.sequence)
	a.mu.Unlock()
	file, err := a.files.OpenFile(filepath.Join(a.dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("record session: %w", err)
	}
	if err := a.Emit(ctx, auditEvent{Type: eventSession, User: user, Node: node, Detail: name}); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &recording{log: a, name: name, File: file}, nil
}

// Finish uploads the recording and removes the file.
func (r *recording) Finish(ctx context.Context) error {
	defer r.Close()
	if _, err := r.Seek(0, 0); err != nil {
		return fmt.Errorf("read recording %s: %w", r.name, err)
	}
	if err := r.log.recordings.Upload(ctx, r.name, r.File); err != nil {
		return err
	}
	return os.Remove(r.Name())
}
