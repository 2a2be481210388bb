"""The gRPC API: servicers, and what happens around every call."""

from typing import Any

import grpc

Context = grpc.aio.ServicerContext[Any, Any]
"""The context of a call of any method."""
