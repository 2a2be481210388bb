"""Callers and their roles, API keys, tokens, client certificates, and TLS."""

from image_grpc.access.authenticator import Authenticator
from image_grpc.access.caller import ANYBODY, UNKNOWN, Caller
from image_grpc.access.roles import changes_something, required_role, role_label
from image_grpc.access.tls import server_credentials

__all__ = [
    "ANYBODY",
    "UNKNOWN",
    "Authenticator",
    "Caller",
    "changes_something",
    "required_role",
    "role_label",
    "server_credentials",
]
