package firestore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// store holds documents by their names.
type store struct {
	mu        sync.Mutex // guards documents
	documents map[string]*pb.Document
}

func (s *store) get(name string) *pb.Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.documents[name]
}

// in returns the documents of one collection in the order of their names.
func (s *store) in(parent, collection string) []*pb.Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix := parent + "/" + collection + "/"
	var found []*pb.Document
	for _, name := range slices.Sorted(maps.Keys(s.documents)) {
		if rest, ok := strings.CutPrefix(name, prefix); ok && !strings.Contains(rest, "/") {
			found = append(found, s.documents[name])
		}
	}
	return found
}

// apply does the writes one after the other.
func (s *store) apply(writes []*pb.Write) ([]*pb.WriteResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := timestamppb.Now()
	var results []*pb.WriteResult
	for _, write := range writes {
		switch op := write.Operation.(type) {
		case *pb.Write_Update:
			if must, ok := write.GetCurrentDocument().GetConditionType().(*pb.Precondition_Exists); ok {
				if exists := s.documents[op.Update.Name] != nil; exists != must.Exists {
					return nil, status.Errorf(codes.FailedPrecondition, "%s exists: %v", op.Update.Name, exists)
				}
			}
			document := proto.Clone(op.Update).(*pb.Document)
			document.CreateTime, document.UpdateTime = now, now
			s.documents[document.Name] = document
		case *pb.Write_Delete:
			delete(s.documents, op.Delete)
		default:
			return nil, status.Errorf(codes.Unimplemented, "write %T", op)
		}
		results = append(results, &pb.WriteResult{UpdateTime: now})
	}
	return results, nil
}

// select returns what a query asks for: one collection, equal fields and a limit.
func (s *store) query(parent string, q *pb.StructuredQuery) ([]*pb.Document, error) {
	if len(q.GetFrom()) != 1 {
		return nil, status.Error(codes.Unimplemented, "query of other than one collection")
	}
	found := s.in(parent, q.From[0].CollectionId)
	if q.Where != nil {
		filter := q.Where.GetFieldFilter()
		if filter.GetOp() != pb.StructuredQuery_FieldFilter_EQUAL {
			return nil, status.Error(codes.Unimplemented, "filter other than equality")
		}
		found = slices.DeleteFunc(found, func(d *pb.Document) bool {
			return !proto.Equal(d.Fields[filter.Field.FieldPath], filter.Value)
		})
	}
	if q.Limit != nil && int(q.Limit.Value) < len(found) {
		found = found[:q.Limit.Value]
	}
	return found, nil
}

// fill puts n documents into a collection.
func (s *store) fill(collection string, n int) {
	var writes []*pb.Write
	for i := range n {
		name := fmt.Sprintf("%s/%s/%03d", documents, collection, i)
		writes = append(writes, &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{
			Name: name,
			Fields: map[string]*pb.Value{
				"odd": {ValueType: &pb.Value_BooleanValue{BooleanValue: i%2 == 1}},
			},
		}}})
	}
	if _, err := s.apply(writes); err != nil {
		panic(err)
	}
}
