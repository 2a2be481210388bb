// Everything a client needs, once.
//
// IMAGE_GRPC_TARGET, IMAGE_GRPC_CA_FILE and IMAGE_GRPC_API_KEY_FILE name the server, its certificate authority and a
// file with the key. The optional argument names the file for the picture.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/durationpb"

	imagegrpc "github.com/tabletop-images/image-grpc/clients/go"
	imagev1 "github.com/tabletop-images/image-grpc/clients/go/tabletop/image/v1"
)

const (
	chunkBytes     = 1 << 20
	callTimeout    = 30 * time.Second
	pictureTimeout = 120 * time.Second
)

func main() {
	out := "portrait.webp"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if err := run(context.Background(), out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	target := cmp.Or(os.Getenv("IMAGE_GRPC_TARGET"), "127.0.0.1:50051")
	options, err := optionsFromEnvironment()
	if err != nil {
		return err
	}
	conn, err := imagegrpc.NewClient(target, options)
	if err != nil {
		return err
	}
	defer conn.Close()
	generations, images := imagev1.NewGenerationServiceClient(conn), imagev1.NewImageServiceClient(conn)
	if err := refuse(ctx, generations); err != nil {
		return err
	}
	image, err := generate(ctx, generations)
	if err != nil {
		return err
	}
	picture, err := read(ctx, images, image, out)
	if err != nil {
		return err
	}
	if err := retry(ctx, images, image); err != nil {
		return err
	}
	if err := cancelAndWatch(ctx, generations); err != nil {
		return err
	}
	return uploadAndDelete(ctx, images, picture)
}

func optionsFromEnvironment() (imagegrpc.Options, error) {
	var token string
	if keyFile := os.Getenv("IMAGE_GRPC_API_KEY_FILE"); keyFile != "" {
		key, err := os.ReadFile(keyFile)
		if err != nil {
			return imagegrpc.Options{}, err
		}
		token = strings.TrimSpace(string(key))
	}
	var tls credentials.TransportCredentials
	if caFile := os.Getenv("IMAGE_GRPC_CA_FILE"); caFile != "" {
		var err error
		if tls, err = imagegrpc.TLS(caFile, "", ""); err != nil {
			return imagegrpc.Options{}, err
		}
	}
	return imagegrpc.Options{Token: token, Credentials: tls, Timeout: callTimeout}, nil
}

// refuse finds the invalid fields of a request without the server, and reads them from the server's error.
func refuse(ctx context.Context, generations imagev1.GenerationServiceClient) error {
	invalid := &imagev1.GeneratePortraitRequest{Theme: "Fantasy!", Size: &imagev1.Size{Width: 16, Height: 16}}
	var fields []string
	var invalidFields *protovalidate.ValidationError
	if err := protovalidate.Validate(invalid); errors.As(err, &invalidFields) {
		for _, violation := range invalidFields.Violations {
			fields = append(fields, protovalidate.FieldPathString(violation.Proto.GetField()))
		}
	} else if err != nil {
		return err
	}
	slices.Sort(fields)
	fmt.Println("checked before sending:", strings.Join(fields, ", "))

	if _, err := imagegrpc.RetryCall(ctx, callTimeout, generations.GeneratePortrait, invalid); err != nil {
		failure := imagegrpc.FailureOf(err)
		fields = nil
		for _, violation := range failure.Violations {
			fields = append(fields, violation.Field)
		}
		slices.Sort(fields)
		fmt.Printf("refused: %s, %s: %s\n", code.Code(failure.Code), failure.Reason, strings.Join(fields, ", "))
	}
	return nil
}

func portrait() *imagev1.GeneratePortraitRequest {
	return &imagev1.GeneratePortraitRequest{
		Theme:          "fantasy",
		Species:        "half-elf",
		CharacterClass: "ranger",
		Size:           &imagev1.Size{Width: 512, Height: 512},
		Format:         imagev1.ImageFormat_IMAGE_FORMAT_WEBP,
		RequestId:      uuid.NewString(), // repeating a request with this id has no further effect
	}
}

// generate generates a picture, and waits for it.
func generate(ctx context.Context, generations imagev1.GenerationServiceClient) (*imagev1.Image, error) {
	request := portrait()
	request.WaitFor = durationpb.New(10 * time.Second)
	response, err := imagegrpc.RetryCall(ctx, pictureTimeout, generations.GeneratePortrait, request)
	if err != nil {
		return nil, err
	}
	generation := response.GetGeneration()
	if !final(generation.GetState()) {
		wait := &imagev1.WaitGenerationRequest{GenerationId: generation.GetId()}
		response, err := imagegrpc.RetryCall(ctx, pictureTimeout, generations.WaitGeneration, wait)
		if err != nil {
			return nil, err
		}
		generation = response.GetGeneration()
	}
	if generation.GetState() != imagev1.GenerationState_GENERATION_STATE_SUCCEEDED {
		return nil, fmt.Errorf("%s: %s", generation.GetState(), generation.GetError().GetMessage())
	}
	content := generation.GetImage().GetContent()
	fmt.Printf("generated: %d x %d, %s\n", content.GetSize().GetWidth(), content.GetSize().GetHeight(), content.GetFormat())

	again, err := imagegrpc.RetryCall(ctx, pictureTimeout, generations.GeneratePortrait, request)
	if err != nil {
		return nil, err
	}
	if again.GetGeneration().GetId() == generation.GetId() {
		fmt.Println("requested again: the same generation")
	} else {
		fmt.Println("requested again: another generation")
	}
	return generation.GetImage(), nil
}

func final(state imagev1.GenerationState) bool {
	switch state {
	case imagev1.GenerationState_GENERATION_STATE_SUCCEEDED,
		imagev1.GenerationState_GENERATION_STATE_FAILED,
		imagev1.GenerationState_GENERATION_STATE_CANCELLED:
		return true
	default:
		return false
	}
}

// read reads the picture, and compares its SHA-256.
func read(ctx context.Context, images imagev1.ImageServiceClient, image *imagev1.Image, out string) ([]byte, error) {
	var sha string
	picture, err := imagegrpc.Retry(ctx, pictureTimeout, func(ctx context.Context) ([]byte, error) {
		stream, err := images.ReadImage(ctx, &imagev1.ReadImageRequest{ImageId: image.GetId()})
		if err != nil {
			return nil, err
		}
		var picture []byte
		for {
			response, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return picture, nil
			}
			if err != nil {
				return nil, err
			}
			if content := response.GetContent(); content != nil { // the first response
				sha = content.GetSha256()
			}
			picture = append(picture, response.GetData()...)
		}
	})
	if err != nil {
		return nil, err
	}
	if sha256Of(picture) != sha {
		return nil, errors.New("the picture is damaged")
	}
	if err := os.WriteFile(out, picture, 0o644); err != nil {
		return nil, err
	}
	fmt.Printf("read: %d bytes, SHA-256 %s\n", len(picture), sha)
	return picture, nil
}

// retry makes more calls at once than the caller may make in a second.
func retry(ctx context.Context, images imagev1.ImageServiceClient, image *imagev1.Image) error {
	request := &imagev1.GetImageRequest{ImageId: image.GetId()}
	var succeeded atomic.Int32
	var group errgroup.Group
	for range 20 {
		group.Go(func() error {
			response, err := imagegrpc.RetryCall(ctx, pictureTimeout, images.GetImage, request)
			if err == nil && response.GetImage().GetId() == image.GetId() {
				succeeded.Add(1)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Printf("retried: %d of 20 calls succeeded\n", succeeded.Load())

	missing := &imagev1.GetImageRequest{ImageId: uuid.Nil.String()}
	if _, err := imagegrpc.RetryCall(ctx, callTimeout, images.GetImage, missing); err != nil {
		failure := imagegrpc.FailureOf(err)
		fmt.Printf("refused: %s, %s\n", code.Code(failure.Code), failure.Reason)
	}
	return nil
}

// cancelAndWatch cancels one of two generations, and watches the other one, with a new stream after each response.
func cancelAndWatch(ctx context.Context, generations imagev1.GenerationServiceClient) error {
	watched, err := submit(ctx, generations)
	if err != nil {
		return err
	}
	cancelled, err := submit(ctx, generations)
	if err != nil {
		return err
	}
	cancel := &imagev1.CancelGenerationRequest{GenerationId: cancelled.GetId()}
	response, err := imagegrpc.RetryCall(ctx, callTimeout, generations.CancelGeneration, cancel)
	if err != nil {
		return err
	}
	fmt.Println("cancelled:", response.GetOutcome())

	watch := &imagev1.WatchGenerationRequest{GenerationId: watched.GetId()}
	var state imagev1.GenerationState
	for !final(state) {
		// A client would read on; here, a new stream continues after the cursor.
		state, err = imagegrpc.Retry(ctx, pictureTimeout, func(ctx context.Context) (imagev1.GenerationState, error) {
			return nextState(ctx, generations, watch)
		})
		if err != nil {
			return err
		}
	}
	fmt.Println("watched:", state)
	return nil
}

func submit(ctx context.Context, generations imagev1.GenerationServiceClient) (*imagev1.Generation, error) {
	request := portrait()
	request.Cache = imagev1.CacheMode_CACHE_MODE_BYPASS
	response, err := imagegrpc.RetryCall(ctx, pictureTimeout, generations.GeneratePortrait, request)
	return response.GetGeneration(), err
}

// nextState returns the first state after the cursor of watch, and advances the cursor. The state is UNSPECIFIED if the
// server stops and ends the stream: a new stream continues after the cursor.
func nextState(
	ctx context.Context, generations imagev1.GenerationServiceClient, watch *imagev1.WatchGenerationRequest,
) (imagev1.GenerationState, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	stream, err := generations.WatchGeneration(ctx, watch)
	if err != nil {
		return 0, err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return imagev1.GenerationState_GENERATION_STATE_UNSPECIFIED, nil
		}
		if err != nil {
			return 0, err
		}
		watch.Cursor = response.GetCursor()
		if response.GetGeneration() != nil { // not a heartbeat
			return response.GetGeneration().GetState(), nil
		}
	}
}

// uploadAndDelete stores the picture as that of another character.
func uploadAndDelete(ctx context.Context, images imagev1.ImageServiceClient, picture []byte) error {
	description := &imagev1.UploadImageDescription{
		Type:      imagev1.ImageType_IMAGE_TYPE_CHARACTER,
		Subtype:   imagev1.ImageSubtype_IMAGE_SUBTYPE_PORTRAIT,
		Theme:     "fantasy",
		Sha256:    sha256Of(picture),
		RequestId: uuid.NewString(),
	}
	response, err := imagegrpc.Retry(ctx, pictureTimeout, func(ctx context.Context) (*imagev1.UploadImageResponse, error) {
		return upload(ctx, images, description, picture)
	})
	if err != nil {
		return err
	}
	image := response.GetImage()
	if image.GetContent().GetSha256() == description.GetSha256() {
		fmt.Println("uploaded: the same bytes")
	} else {
		fmt.Println("uploaded: other bytes")
	}
	remove := &imagev1.DeleteImageRequest{ImageId: image.GetId(), Version: image.GetVersion(), RequestId: uuid.NewString()}
	if _, err := imagegrpc.RetryCall(ctx, pictureTimeout, images.DeleteImage, remove); err != nil {
		return err
	}
	fmt.Println("deleted")
	return nil
}

// upload sends the description, and the picture in chunks.
func upload(
	ctx context.Context, images imagev1.ImageServiceClient, description *imagev1.UploadImageDescription, picture []byte,
) (*imagev1.UploadImageResponse, error) {
	stream, err := images.UploadImage(ctx)
	if err != nil {
		return nil, err
	}
	request := &imagev1.UploadImageRequest{Part: &imagev1.UploadImageRequest_Description{Description: description}}
	err = stream.Send(request)
	for chunk := range slices.Chunk(picture, chunkBytes) {
		if err == nil {
			err = stream.Send(&imagev1.UploadImageRequest{Part: &imagev1.UploadImageRequest_Data{Data: chunk}})
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return stream.CloseAndRecv() // after io.EOF, the error with which the server ended the call
}

func sha256Of(picture []byte) string {
	sum := sha256.Sum256(picture)
	return hex.EncodeToString(sum[:])
}
