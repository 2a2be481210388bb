package imagegrpc_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	imagegrpc "github.com/tabletop-images/image-grpc/clients/go"
	imagev1 "github.com/tabletop-images/image-grpc/clients/go/tabletop/image/v1"
)

// server records the time left and the token of each call, and refuses the first calls of GetImage.
type server struct {
	imagev1.UnimplementedImageServiceServer
	refusals int
	code     codes.Code
	delay    time.Duration
	left     time.Duration
	tokens   []string
}

func (s *server) record(ctx context.Context) {
	s.left = 0
	if deadline, ok := ctx.Deadline(); ok {
		s.left = time.Until(deadline)
	}
	received, _ := metadata.FromIncomingContext(ctx)
	s.tokens = append(s.tokens, received.Get("authorization")...)
}

func (s *server) GetImage(ctx context.Context, _ *imagev1.GetImageRequest) (*imagev1.GetImageResponse, error) {
	s.record(ctx)
	if s.refusals == 0 {
		return &imagev1.GetImageResponse{}, nil
	}
	s.refusals--
	refused, err := status.New(s.code, "try again").WithDetails(
		&errdetails.ErrorInfo{Reason: "OVERLOADED", Metadata: map[string]string{"limit": "8"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "size.width", Description: "too small"},
		}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(s.delay)},
		&errdetails.RequestInfo{RequestId: "42"},
	)
	if err != nil {
		return nil, err
	}
	return nil, refused.Err()
}

func (s *server) ReadImage(_ *imagev1.ReadImageRequest, stream imagev1.ImageService_ReadImageServer) error {
	s.record(stream.Context())
	return nil
}

func start(t *testing.T, s *server, options imagegrpc.Options) imagev1.ImageServiceClient {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	grpcServer := grpc.NewServer()
	imagev1.RegisterImageServiceServer(grpcServer, s)
	go func() { _ = grpcServer.Serve(listener) }()
	t.Cleanup(grpcServer.Stop)
	conn, err := imagegrpc.NewClient(listener.Addr().String(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return imagev1.NewImageServiceClient(conn)
}

func TestCallsCarryTheTokenAndADeadline(t *testing.T) {
	s := &server{}
	images := start(t, s, imagegrpc.Options{Token: "key", Timeout: time.Minute})
	within := func(low, high time.Duration) {
		t.Helper()
		if s.left <= low || s.left > high {
			t.Errorf("%v left, not between %v and %v", s.left, low, high)
		}
	}
	if _, err := images.GetImage(t.Context(), &imagev1.GetImageRequest{}); err != nil {
		t.Fatal(err)
	}
	within(50*time.Second, time.Minute)
	stream, err := images.ReadImage(t.Context(), &imagev1.ReadImageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Error("the stream has not ended")
	}
	within(50*time.Second, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, err := images.GetImage(ctx, &imagev1.GetImageRequest{}); err != nil {
		t.Fatal(err)
	}
	within(50*time.Minute, time.Hour)
	if !slices.Equal(s.tokens, []string{"Bearer key", "Bearer key", "Bearer key"}) {
		t.Errorf("tokens %v", s.tokens)
	}
}

func TestFailureOfDecodesAllDetails(t *testing.T) {
	// The retry policy repeats calls that fail with the second code. gRPC wraps the last error.
	for _, code := range []codes.Code{codes.Aborted, codes.ResourceExhausted} {
		s := &server{refusals: 4, code: code, delay: time.Second}
		_, err := start(t, s, imagegrpc.Options{}).GetImage(t.Context(), &imagev1.GetImageRequest{})
		failure := imagegrpc.FailureOf(err)
		if failure.Code != code || failure.Message != "try again" || failure.Reason != "OVERLOADED" ||
			failure.Metadata["limit"] != "8" || failure.RequestID != "42" ||
			!slices.Equal(failure.Violations, []imagegrpc.Violation{{Field: "size.width", Description: "too small"}}) ||
			!failure.Retryable || failure.RetryAfter != time.Second {
			t.Errorf("%+v", failure)
		}
	}
}

func TestRetryRepeatsACallUntilTheTimeout(t *testing.T) {
	// The retry policy does not repeat calls that fail with this code.
	images := start(t, &server{refusals: 5, code: codes.Aborted, delay: 10 * time.Millisecond}, imagegrpc.Options{})
	if _, err := imagegrpc.RetryCall(t.Context(), time.Minute, images.GetImage, &imagev1.GetImageRequest{}); err != nil {
		t.Error(err)
	}
	images = start(t, &server{refusals: 1 << 30, code: codes.Aborted, delay: 10 * time.Millisecond}, imagegrpc.Options{})
	_, err := imagegrpc.RetryCall(t.Context(), 50*time.Millisecond, images.GetImage, &imagev1.GetImageRequest{})
	if failure := imagegrpc.FailureOf(err); failure.Code != codes.Aborted && failure.Code != codes.DeadlineExceeded {
		t.Errorf("%+v", failure)
	}
}
