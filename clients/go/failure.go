package imagegrpc

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Violation is an invalid field of a request.
type Violation struct {
	// Field is the path of the field, for example size.width.
	Field       string
	Description string
}

// Failure is why a call failed.
type Failure struct {
	Code    codes.Code
	Message string
	// Reason is the value of ErrorReason without its prefix, for example IMAGE_NOT_FOUND. Empty if the failure is gRPC's
	// own.
	Reason string
	// Metadata is what the reason is about.
	Metadata   map[string]string
	Violations []Violation
	// Retryable tells whether the same call may succeed after RetryAfter.
	Retryable  bool
	RetryAfter time.Duration
	// RequestID is the id of the call in the logs of the server.
	RequestID string
}

// FailureOf decodes the error of a call. An error that is not one of gRPC has the code Unknown.
func FailureOf(err error) Failure {
	st := status.Convert(err)
	// The message of a wrapped error is the server's own here. gRPC wraps the last error of the retry policy.
	var wrapped interface{ GRPCStatus() *status.Status }
	if errors.As(err, &wrapped) {
		st = wrapped.GRPCStatus()
	}
	failure := Failure{Code: st.Code(), Message: st.Message()}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason, failure.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, each := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{each.GetField(), each.GetDescription()})
			}
		case *errdetails.RetryInfo:
			failure.Retryable, failure.RetryAfter = true, detail.GetRetryDelay().AsDuration()
		case *errdetails.RequestInfo:
			failure.RequestID = detail.GetRequestId()
		}
	}
	return failure
}
