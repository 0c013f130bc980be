// Package firestoreserver is a Cloud Firestore in memory, as far as a log of
// events needs one. It speaks the published API over gRPC without TLS: it
// commits writes, and answers queries that compare fields with values.
package firestoreserver

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Server is a running server.
type Server struct {
	firestorepb.UnimplementedFirestoreServer
	server *grpc.Server
	addr   string

	mu        sync.Mutex // guards the fields below
	documents map[string]*firestorepb.Document
	refusal   error
}

// Start listens on a free port of the loopback address.
func Start() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{server: grpc.NewServer(), addr: listener.Addr().String(), documents: make(map[string]*firestorepb.Document)}
	firestorepb.RegisterFirestoreServer(s.server, s)
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Addr is the host:port of the server.
func (s *Server) Addr() string { return s.addr }

// Stop ends the server, and everything that it holds.
func (s *Server) Stop() { s.server.Stop() }

// Refuse makes the server answer all writes with err; nil makes it accept them
// again.
func (s *Server) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// BeginTransaction does without isolation: nobody else writes.
func (s *Server) BeginTransaction(context.Context, *firestorepb.BeginTransactionRequest) (*firestorepb.BeginTransactionResponse, error) {
	return &firestorepb.BeginTransactionResponse{Transaction: []byte("transaction")}, nil
}

// Rollback has nothing to do.
func (s *Server) Rollback(context.Context, *firestorepb.RollbackRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Commit makes all writes, or none.
func (s *Server) Commit(_ context.Context, request *firestorepb.CommitRequest) (*firestorepb.CommitResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	now := timestamppb.Now()
	response := &firestorepb.CommitResponse{CommitTime: now}
	for _, write := range request.GetWrites() {
		if err := s.writeLocked(write, now); err != nil {
			return nil, err
		}
		response.WriteResults = append(response.WriteResults, &firestorepb.WriteResult{UpdateTime: now})
	}
	return response, nil
}

func (s *Server) writeLocked(write *firestorepb.Write, now *timestamppb.Timestamp) error {
	switch change := write.GetOperation().(type) {
	case *firestorepb.Write_Update:
		document := proto.Clone(change.Update).(*firestorepb.Document)
		document.CreateTime, document.UpdateTime = now, now
		s.documents[document.GetName()] = document
	case *firestorepb.Write_Delete:
		delete(s.documents, change.Delete)
	default:
		return status.Errorf(codes.Unimplemented, "a write of type %T", change)
	}
	return nil
}

// RunQuery sends the documents of one collection, in the order of their names.
func (s *Server) RunQuery(request *firestorepb.RunQueryRequest, stream firestorepb.Firestore_RunQueryServer) error {
	query := request.GetStructuredQuery()
	if len(query.GetFrom()) != 1 {
		return status.Error(codes.Unimplemented, "a query of other than one collection")
	}
	found, err := s.find(request.GetParent()+"/"+query.GetFrom()[0].GetCollectionId()+"/", query.GetWhere())
	if err != nil {
		return err
	}
	if limit := query.GetLimit(); limit != nil && len(found) > int(limit.GetValue()) {
		found = found[:limit.GetValue()]
	}
	now := timestamppb.Now()
	if len(found) == 0 {
		return stream.Send(&firestorepb.RunQueryResponse{ReadTime: now})
	}
	for _, document := range found {
		if err := stream.Send(&firestorepb.RunQueryResponse{Document: document, ReadTime: now}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) find(prefix string, filter *firestorepb.StructuredQuery_Filter) ([]*firestorepb.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*firestorepb.Document
	for name, document := range s.documents {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		ok, err := matches(document, filter)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, document)
		}
	}
	slices.SortFunc(found, func(a, b *firestorepb.Document) int { return strings.Compare(a.GetName(), b.GetName()) })
	return found, nil
}

func matches(document *firestorepb.Document, filter *firestorepb.StructuredQuery_Filter) (bool, error) {
	switch {
	case filter == nil:
		return true, nil
	case filter.GetCompositeFilter() != nil:
		for _, part := range filter.GetCompositeFilter().GetFilters() {
			if ok, err := matches(document, part); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case filter.GetFieldFilter().GetOp() == firestorepb.StructuredQuery_FieldFilter_EQUAL:
		field := filter.GetFieldFilter()
		return proto.Equal(document.GetFields()[field.GetField().GetFieldPath()], field.GetValue()), nil
	}
	return false, status.Error(codes.Unimplemented, "a filter other than equality")
}
