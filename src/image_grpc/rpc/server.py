"""The gRPC server: our services, health, and reflection."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tabletop.image.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    floor_plan_service_pb2,
    floor_plan_service_pb2_grpc,
    generation_service_pb2,
    generation_service_pb2_grpc,
    image_service_pb2,
    image_service_pb2_grpc,
    map_service_pb2,
    map_service_pb2_grpc,
    overlay_service_pb2,
    overlay_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
    theme_service_pb2,
    theme_service_pb2_grpc,
)
from tabletop.image.v1.access_pb2 import Role

from image_grpc.access import Authenticator, server_credentials
from image_grpc.audit import FailedCalls
from image_grpc.deadline import remaining
from image_grpc.endpoint import Endpoint
from image_grpc.quotas import CallerQuotas
from image_grpc.rpc import interceptors
from image_grpc.rpc.admission import CallLimits
from image_grpc.rpc.audit import AuditServicer
from image_grpc.rpc.floor_plan import FloorPlanServicer
from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.health import READINESS, HealthServicer, always
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.map import MapServicer
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.reflection import enable_reflection
from image_grpc.rpc.status import StatusServicer
from image_grpc.rpc.theme import ThemeServicer
from image_grpc.settings import ServerSettings
from image_grpc.telemetry import Telemetry

OPTIONS = (
    # Accept clients that ping an idle connection every 10 s or less often.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Detect peers that vanished.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A connection with more calls at once waits at its client.
    ("grpc.max_concurrent_streams", 2_000),
    # Beyond the first of these, gRPC refuses calls at random with CANCELLED before our limits can refuse them.
    ("grpc.server.max_pending_requests", 20_000),
    ("grpc.server.max_pending_requests_hard_limit", 40_000),
    # It also cancels calls that Python has not accepted after this many seconds. Calls have deadlines of their own.
    ("grpc.server_max_unrequested_time_in_server", 3_600),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Servicers:
    """The services of the API."""

    generation: GenerationServicer
    image: ImageServicer
    map: MapServicer
    floor_plan: FloorPlanServicer
    overlay: OverlayServicer
    theme: ThemeServicer
    status: StatusServicer
    audit: AuditServicer

    def add_to(self, server: grpc.aio.Server) -> list[str]:
        """Register all services and return their full names."""
        generation_service_pb2_grpc.add_GenerationServiceServicer_to_server(self.generation, server)
        image_service_pb2_grpc.add_ImageServiceServicer_to_server(self.image, server)
        map_service_pb2_grpc.add_MapServiceServicer_to_server(self.map, server)
        floor_plan_service_pb2_grpc.add_FloorPlanServiceServicer_to_server(self.floor_plan, server)
        overlay_service_pb2_grpc.add_OverlayServiceServicer_to_server(self.overlay, server)
        theme_service_pb2_grpc.add_ThemeServiceServicer_to_server(self.theme, server)
        status_service_pb2_grpc.add_StatusServiceServicer_to_server(self.status, server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(self.audit, server)
        protos = (
            generation_service_pb2,
            image_service_pb2,
            map_service_pb2,
            floor_plan_service_pb2,
            overlay_service_pb2,
            theme_service_pb2,
            status_service_pb2,
            audit_service_pb2,
        )
        return [service.full_name for proto in protos for service in proto.DESCRIPTOR.services_by_name.values()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guards:
    """Limits and audit of callers."""

    quotas: CallerQuotas
    failed_calls: FailedCalls | None
    """None if nothing is audited."""


class Server:
    """One listening server."""

    def __init__(
        self,
        settings: ServerSettings,
        servicers: Servicers,
        guards: Guards,
        telemetry: Telemetry,
        *,
        stopping: asyncio.Event,
    ) -> None:
        self._settings, self._stopping = settings, stopping
        self._credentials, self._authenticator = server_credentials(settings), Authenticator(settings)
        reflected = settings.reflection or ("authenticated" if settings.authenticates else "open")
        authenticate_reader = [interceptors.authenticate(self._authenticator), interceptors.authorize(Role.ROLE_READER)]
        self._server = grpc.aio.server(
            interceptors=[
                interceptors.StageInterceptor(
                    stages_of(settings, telemetry, self._authenticator, guards),
                    reflection_stages=authenticate_reader if reflected == "authenticated" else [],
                )
            ],
            # By default gRPC lets two servers share a port silently.
            options=[*OPTIONS, ("grpc.so_reuseport", int(settings.listen_shared))],
        )
        names = servicers.add_to(self._server)
        self._health = HealthServicer({**dict.fromkeys(["", *names], always), READINESS: servicers.status.is_ready})
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        if reflected != "off":
            enable_reflection([*names, health], self._server)

    def bind(self) -> str:
        """Bind the port and return the address with the actual port. Raises OSError if that is impossible."""
        listen = self._settings.listen
        host, _, requested = listen.rpartition(":")
        message = f"cannot listen on {listen}: the port is in use, or the address is not local"
        try:
            if self._credentials is not None:
                port = self._server.add_secure_port(listen, self._credentials)
            else:
                port = self._server.add_insecure_port(listen)
        except RuntimeError as error:
            raise OSError(message) from error
        if requested not in ("0", str(port)):
            raise OSError(message)
        return f"{host}:{port}"

    def bind_for_bridge(self, folder: Path) -> Endpoint:
        """Bind a socket in a folder that only this user may enter, for the bridge in this process.

        The other port may be shared with other processes, which do not know its key, or require a certificate.
        """
        target = f"unix:{folder}/bridge"
        self._server.add_insecure_port(target)
        return Endpoint(target=target, api_key=self._authenticator.bridge_key)

    async def start(self) -> None:
        """Start serving."""
        await self._server.start()

    async def drain(self) -> None:
        """Report NOT_SERVING, give load balancers time to notice, then end watches and waits."""
        self._health.stop_serving()
        await asyncio.sleep(self._settings.drain_seconds)
        self._stopping.set()

    async def stop(self) -> None:
        """Refuse new calls and let those in progress finish within the grace period."""
        await self._server.stop(remaining(self._settings.shutdown_grace_seconds))


def stages_of(
    settings: ServerSettings, telemetry: Telemetry, authenticator: Authenticator, guards: Guards
) -> list[interceptors.Stage]:
    """Return the stages around every call, from the outside in."""
    return [
        interceptors.translate_errors,
        interceptors.adopt_ids,
        interceptors.observe(telemetry),
        interceptors.limit_concurrency(
            CallLimits(
                unary=settings.rpc_max_concurrent,
                streams=settings.streams_max_concurrent,
                waits=settings.waits_max_concurrent,
            )
        ),
        *([interceptors.audit_failures(guards.failed_calls)] if guards.failed_calls is not None else []),
        interceptors.enforce_deadline(settings.rpc_max_seconds, stream_max_seconds=settings.stream_max_seconds),
        interceptors.authenticate(authenticator),
        interceptors.limit_caller(guards.quotas),
        interceptors.authorize(),
        interceptors.decode,
        interceptors.validate,
    ]
