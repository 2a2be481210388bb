"""What happens around every call, one stage per module.

A handler of any kind is first turned into one coroutine (that of a response stream writes its messages), so every
stage is a function around the next one.
"""

from image_grpc.rpc.interceptors.auditing import audit_failures
from image_grpc.rpc.interceptors.authentication import authenticate, authorize
from image_grpc.rpc.interceptors.call import Call, Next, Stage
from image_grpc.rpc.interceptors.concurrency import limit_concurrency
from image_grpc.rpc.interceptors.deadlines import enforce_deadline
from image_grpc.rpc.interceptors.decoding import decode
from image_grpc.rpc.interceptors.error_statuses import translate_errors
from image_grpc.rpc.interceptors.interceptor import StageInterceptor
from image_grpc.rpc.interceptors.observability import observe
from image_grpc.rpc.interceptors.quotas import limit_caller
from image_grpc.rpc.interceptors.request_ids import adopt_ids
from image_grpc.rpc.interceptors.validation import validate

__all__ = [
    "Call",
    "Next",
    "Stage",
    "StageInterceptor",
    "adopt_ids",
    "audit_failures",
    "authenticate",
    "authorize",
    "decode",
    "enforce_deadline",
    "limit_caller",
    "limit_concurrency",
    "observe",
    "translate_errors",
    "validate",
]
