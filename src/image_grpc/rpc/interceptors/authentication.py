"""Stages: who calls, and whether they may."""

from google.protobuf.message import Message
from tabletop.image.v1.access_pb2 import Role

from image_grpc import tenancy
from image_grpc.access import Authenticator, changes_something, required_role, role_label
from image_grpc.audit_context import audited
from image_grpc.errors import PermissionDenied
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage

BRIDGE_PEER = "unix:"
"""Prefix of the peer of calls on the socket of the bridge in this process."""


def authenticate(authenticator: Authenticator) -> Stage:
    """Return the stage that finds out who calls, and refuses calls of nobody who is known."""

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            if call.context.peer().startswith(BRIDGE_PEER):
                caller = authenticator.bridge(call.authorizations)
            else:
                caller = await authenticator.caller(call.authorizations, call.context.auth_context())
            call.caller = caller
            with tenancy.bound_to(caller.service), audited(call.audited() if changes_something(call.method) else None):
                return await following(call, request)

        return stage

    return wrap


def authorize(role: Role | None = None) -> Stage:
    """Return the stage that refuses callers without the role that the contract requires, or without this `role`."""

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            required, caller = required_role(call.method) if role is None else role, call.caller
            if not required:
                raise PermissionDenied(f"nobody may call {call.method}: the contract names no role for it")
            if caller.role < required:
                needed, has = role_label(required), role_label(caller.role)
                raise PermissionDenied(f"{call.method} requires the role {needed}; {caller.name} has the role {has}")
            return await following(call, request)

        return stage

    return wrap
