package firestore

import "google.golang.org/protobuf/reflect/protoreflect"

// service is the one that the published API has; every method begins with it.
const service = "/google.firestore.v1.Firestore/"

// isQuery says whether the stream of a method brings documents and then ends.
func isQuery(method string) bool {
	switch method {
	case service + "RunQuery", service + "RunAggregationQuery", service + "ExecutePipeline", service + "BatchGetDocuments":
		return true
	}
	return false
}

func isList(method string) bool { return method == service+"ListDocuments" }

func isWrite(method string) bool {
	return method == service+"Commit" || method == service+"BatchWrite"
}

// writesField is the field of CommitRequest and of BatchWriteRequest.
const writesField protoreflect.Name = "writes"

// writesSeveral says whether the request writes or deletes more than one
// document. It reads the message as the wire has it described, since to know
// its Go type would take the library of Firestore.
func writesSeveral(req any) bool {
	message, ok := req.(protoreflect.ProtoMessage)
	if !ok {
		return false
	}
	reflected := message.ProtoReflect()
	field := reflected.Descriptor().Fields().ByName(writesField)
	return field != nil && field.IsList() && reflected.Get(field).List().Len() > 1
}
