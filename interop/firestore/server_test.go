package firestore

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/telltale-agent/telltale/instruments"
	measured "github.com/telltale-agent/telltale/instruments/firestore"
)

const (
	project   = "project"
	database  = "projects/" + project + "/databases/(default)"
	documents = database + "/documents"
)

// server is the published API over a store. The methods it lacks answer that they are not implemented.
type server struct {
	pb.UnimplementedFirestoreServer
	store   store
	address string

	mu     sync.Mutex // guards the fields below
	faults map[string][]fault
	writes int // requests with several writes
}

// fault is what goes wrong with one request: after that many documents err is answered, or nothing at all if err is nil.
type fault struct {
	after int
	err   error
}

// newAPI is a server that is not yet served.
func newAPI() *server {
	return &server{
		store:  store{documents: map[string]*pb.Document{}},
		faults: map[string][]fault{},
	}
}

func newServer(tb testing.TB) *server {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := newAPI()
	s.address = listener.Addr().String()
	server := grpc.NewServer()
	pb.RegisterFirestoreServer(server, s)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(listener)
	}()
	tb.Cleanup(func() {
		server.Stop()
		<-stopped
	})
	return s
}

// client is the official client, measured unless the registry is nil.
func (s *server) client(tb testing.TB, reg *instruments.Registry) *firestore.Client {
	tb.Helper()
	options := []option.ClientOption{
		option.WithEndpoint(s.address),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
	for _, dial := range measured.DialOptions(reg) {
		options = append(options, option.WithGRPCDialOption(dial))
	}
	client, err := firestore.NewClient(tb.Context(), project, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// spoil lets the faults happen to the next requests of a method.
func (s *server) spoil(method string, faults ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = faults
}

// severalWrites is the number of requests that came with more than one write.
func (s *server) severalWrites() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// next returns what goes wrong with it.
func (s *server) next(method string, writes int) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if writes > 1 {
		s.writes++
	}
	queue := s.faults[method]
	if len(queue) == 0 {
		return nil
	}
	s.faults[method] = queue[1:]
	return &queue[0]
}

// unary answers a request that may be spoilt.
func unary[R any](s *server, ctx context.Context, method string, writes int, answer func() (R, error)) (R, error) {
	if f := s.next(method, writes); f != nil {
		var none R
		if f.err == nil {
			<-ctx.Done()
			return none, ctx.Err()
		}
		return none, f.err
	}
	return answer()
}

// stream answers a request that may be spoilt with n messages.
func (s *server) stream(ctx context.Context, method string, n int, send func(i int) error) error {
	f := s.next(method, 0)
	for i := range n {
		if f != nil && i == f.after {
			break
		}
		if err := send(i); err != nil {
			return err
		}
	}
	if f != nil && f.err == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	if f != nil {
		return f.err
	}
	return nil
}

func (s *server) BatchGetDocuments(req *pb.BatchGetDocumentsRequest, stream pb.Firestore_BatchGetDocumentsServer) error {
	return s.stream(stream.Context(), "BatchGetDocuments", len(req.Documents), func(i int) error {
		resp := &pb.BatchGetDocumentsResponse{ReadTime: timestamppb.Now()}
		if document := s.store.get(req.Documents[i]); document != nil {
			resp.Result = &pb.BatchGetDocumentsResponse_Found{Found: document}
		} else {
			resp.Result = &pb.BatchGetDocumentsResponse_Missing{Missing: req.Documents[i]}
		}
		return stream.Send(resp)
	})
}

func (s *server) RunQuery(req *pb.RunQueryRequest, stream pb.Firestore_RunQueryServer) error {
	found, err := s.store.query(req.Parent, req.GetStructuredQuery())
	if err != nil {
		return err
	}
	return s.stream(stream.Context(), "RunQuery", len(found), func(i int) error {
		return stream.Send(&pb.RunQueryResponse{Document: found[i], ReadTime: timestamppb.Now()})
	})
}

func (s *server) RunAggregationQuery(req *pb.RunAggregationQueryRequest, stream pb.Firestore_RunAggregationQueryServer) error {
	aggregation := req.GetStructuredAggregationQuery()
	found, err := s.store.query(req.Parent, aggregation.GetStructuredQuery())
	if err != nil {
		return err
	}
	return s.stream(stream.Context(), "RunAggregationQuery", 1, func(int) error {
		count := &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: int64(len(found))}}
		fields := map[string]*pb.Value{aggregation.Aggregations[0].Alias: count}
		return stream.Send(&pb.RunAggregationQueryResponse{
			Result: &pb.AggregationResult{AggregateFields: fields}, ReadTime: timestamppb.Now(),
		})
	})
}

// ListDocuments answers with pages of two documents.
func (s *server) ListDocuments(ctx context.Context, req *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	return unary(s, ctx, "ListDocuments", 0, func() (*pb.ListDocumentsResponse, error) {
		found := s.store.in(req.Parent, req.CollectionId)
		from, _ := strconv.Atoi(req.PageToken) // empty on the first page
		to := min(from+2, len(found))
		resp := &pb.ListDocumentsResponse{Documents: found[from:to]}
		if to < len(found) {
			resp.NextPageToken = strconv.Itoa(to)
		}
		return resp, nil
	})
}

func (s *server) ListCollectionIds(ctx context.Context, _ *pb.ListCollectionIdsRequest) (*pb.ListCollectionIdsResponse, error) {
	return unary(s, ctx, "ListCollectionIds", 0, func() (*pb.ListCollectionIdsResponse, error) {
		return &pb.ListCollectionIdsResponse{CollectionIds: []string{"events"}}, nil
	})
}

func (s *server) BeginTransaction(ctx context.Context, _ *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	return unary(s, ctx, "BeginTransaction", 0, func() (*pb.BeginTransactionResponse, error) {
		return &pb.BeginTransactionResponse{Transaction: []byte("transaction")}, nil
	})
}

func (s *server) Rollback(ctx context.Context, _ *pb.RollbackRequest) (*emptypb.Empty, error) {
	return unary(s, ctx, "Rollback", 0, func() (*emptypb.Empty, error) { return &emptypb.Empty{}, nil })
}

func (s *server) Commit(ctx context.Context, req *pb.CommitRequest) (*pb.CommitResponse, error) {
	return unary(s, ctx, "Commit", len(req.Writes), func() (*pb.CommitResponse, error) {
		results, err := s.store.apply(req.Writes)
		return &pb.CommitResponse{WriteResults: results, CommitTime: timestamppb.Now()}, err
	})
}

func (s *server) BatchWrite(ctx context.Context, req *pb.BatchWriteRequest) (*pb.BatchWriteResponse, error) {
	return unary(s, ctx, "BatchWrite", len(req.Writes), func() (*pb.BatchWriteResponse, error) {
		results, err := s.store.apply(req.Writes)
		statuses := make([]*rpcstatus.Status, len(results))
		for i := range statuses {
			statuses[i] = &rpcstatus.Status{}
		}
		return &pb.BatchWriteResponse{WriteResults: results, Status: statuses}, err
	})
}
