package imagegrpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// Retry returns the result of call. It repeats the call for up to timeout while it fails with a RetryInfo, that is,
// longer than the retry policy of the connection does. The context of the call ends after timeout.
//
// A write needs a request_id, so that repeating it is safe. The error is that of the last call.
func Retry[T any](ctx context.Context, timeout time.Duration, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		result, err := call(ctx)
		if err == nil {
			return result, nil
		}
		failure := FailureOf(err)
		if !failure.Retryable || !sleep(ctx, max(failure.RetryAfter, time.Millisecond)) {
			return result, err
		}
	}
}

// RetryCall is Retry for a method with one request and one response, for example client.GetImage.
func RetryCall[Request, Response any](
	ctx context.Context, timeout time.Duration,
	method func(context.Context, *Request, ...grpc.CallOption) (*Response, error), request *Request,
) (*Response, error) {
	return Retry(ctx, timeout, func(ctx context.Context) (*Response, error) { return method(ctx, request) })
}

// sleep waits for the delay. It returns false at once if the context ends before that, or as soon as it is cancelled.
func sleep(ctx context.Context, delay time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return false
	}
	select {
	case <-time.After(delay):
		return true
	case <-ctx.Done():
		return false
	}
}
