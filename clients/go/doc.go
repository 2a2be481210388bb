// Package imagegrpc is the client of image-grpc, the image service for tabletop role-playing platforms: connections
// with TLS, token, retry policy and deadline, decoded errors, and retries.
//
// The stubs are in the package imagev1, github.com/tabletop-images/image-grpc/clients/go/tabletop/image/v1.
package imagegrpc

//go:generate ./generate.sh
