"""Client of image-grpc: channels with token, retry policy and deadline, decoded errors, and retries.

The stubs are in `tabletop.image.v1`.
"""

from image_grpc_client.channels import SERVICE_CONFIG, open_async_channel, open_channel, tls
from image_grpc_client.failures import Failure, Violation, failure_of
from image_grpc_client.retries import call_with_retries, call_with_retries_async

__all__ = [
    "SERVICE_CONFIG",
    "Failure",
    "Violation",
    "call_with_retries",
    "call_with_retries_async",
    "failure_of",
    "open_async_channel",
    "open_channel",
    "tls",
]
