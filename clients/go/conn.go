package imagegrpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// ServiceConfig is the retry policy for clients in any language, as JSON. If a call may have been made, only a read is
// repeated.
//
//go:embed service_config.json
var ServiceConfig string

// Options are the optional properties of a connection.
type Options struct {
	// Token is an API key or a JWT. Every call carries it.
	Token string
	// Credentials encrypt the connection, see TLS. Nil means no encryption.
	Credentials credentials.TransportCredentials
	// Timeout ends calls whose context has no deadline, streams as well. Zero means never.
	Timeout time.Duration
	// DialOptions are further options of gRPC. They take precedence.
	DialOptions []grpc.DialOption
}

// NewClient returns a connection to the server at target, host:port. It connects at the first call. The caller closes it.
func NewClient(target string, options Options) (*grpc.ClientConn, error) {
	transport := options.Credentials
	if transport == nil {
		transport = insecure.NewCredentials()
	}
	dialOptions := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithDisableServiceConfig(), // a TXT record in the DNS would replace the retry policy
	}
	if options.Token != "" {
		dialOptions = append(dialOptions, grpc.WithPerRPCCredentials(bearer(options.Token)))
	}
	if options.Timeout > 0 {
		deadline := defaultDeadline(options.Timeout)
		dialOptions = append(dialOptions,
			grpc.WithChainUnaryInterceptor(deadline.unary), grpc.WithChainStreamInterceptor(deadline.stream))
	}
	return grpc.NewClient(target, append(dialOptions, options.DialOptions...)...)
}

// TLS returns credentials from PEM files: the server's authorities and, for mutual TLS, the client's own certificate and
// key. Empty names mean the authorities of the system, and no client certificate.
func TLS(caFile, certificateFile, keyFile string) (credentials.TransportCredentials, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no PEM certificate", caFile)
		}
	}
	if certificateFile != "" || keyFile != "" {
		certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return credentials.NewTLS(config), nil
}

// bearer is the token of the caller.
type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

// RequireTransportSecurity is false: in a cluster, a proxy may encrypt the connection.
func (bearer) RequireTransportSecurity() bool { return false }

// defaultDeadline is the time after which calls end whose context has no deadline.
type defaultDeadline time.Duration

func (timeout defaultDeadline) apply(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(timeout))
}

func (timeout defaultDeadline) unary(
	ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoker grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	ctx, cancel := timeout.apply(ctx)
	defer cancel()
	return invoker(ctx, method, request, response, conn, options...)
}

func (timeout defaultDeadline) stream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer,
	options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	ctx, cancel := timeout.apply(ctx)
	// The stream outlives this function. gRPC calls OnFinish when it ends, also if it cannot be opened.
	return streamer(ctx, desc, conn, method, append(options, grpc.OnFinish(func(error) { cancel() }))...)
}
