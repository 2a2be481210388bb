#!/bin/sh
# Regenerates the stubs in the folder tabletop, or writes them into another folder: ./generate.sh [OUT]
# Needs protoc, protoc-gen-go and protoc-gen-go-grpc (Debian: protobuf-compiler, protoc-gen-go-1-5, protoc-gen-go-grpc).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
module=module=github.com/tabletop-images/image-grpc/clients/go
rm -rf "$out/tabletop"
cd "$here/../../protos"
protoc -I. --go_out="$out" --go_opt=$module --go-grpc_out="$out" --go-grpc_opt=$module \
	tabletop/hub/v1/*.proto tabletop/image/v1/*.proto
