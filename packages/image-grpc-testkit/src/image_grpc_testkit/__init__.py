"""Servers, a proxy and contract suites for tests of image-grpc and of what works with it."""
