"""`python -m image_grpc` is the `image-grpc` command."""

from image_grpc.cli import main

main()
