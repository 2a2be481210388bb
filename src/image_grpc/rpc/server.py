"""The gRPC server: services, health and reflection, with what surrounds every call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tabletop.image.v1 import (
    generation_service_pb2,
    generation_service_pb2_grpc,
    image_service_pb2,
    image_service_pb2_grpc,
    overlay_service_pb2,
    overlay_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
    theme_service_pb2,
    theme_service_pb2_grpc,
)

from image_grpc.deadline import remaining
from image_grpc.rpc import interceptors
from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.health import HealthServicer
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.service_status import StatusServicer
from image_grpc.rpc.theme import ThemeServicer
from image_grpc.settings import ServerSettings
from image_grpc.telemetry import Telemetry

OPTIONS = (
    # Clients that ping an idle connection every 10 s or more are welcome.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A peer that vanished is noticed.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Servicers:
    """What is served."""

    generation: GenerationServicer
    image: ImageServicer
    overlay: OverlayServicer
    theme: ThemeServicer
    status: StatusServicer


class Server:
    """One listening server."""

    def __init__(
        self,
        settings: ServerSettings,
        servicers: Servicers,
        telemetry: Telemetry,
        *,
        checks: Mapping[type[Message], interceptors.Check],
        stopping: asyncio.Event,
    ) -> None:
        self._settings, self._stopping = settings, stopping
        stages = stages_of(settings, telemetry, checks)
        self._server = grpc.aio.server(
            interceptors=[interceptors.Interceptor(stages)],
            # By itself, gRPC lets two servers share a port silently.
            options=[*OPTIONS, ("grpc.so_reuseport", int(settings.listen_shared))],
        )
        names = [
            module.DESCRIPTOR.services_by_name[name].full_name
            for module, name in (
                (generation_service_pb2, "GenerationService"),
                (image_service_pb2, "ImageService"),
                (overlay_service_pb2, "OverlayService"),
                (theme_service_pb2, "ThemeService"),
                (status_service_pb2, "StatusService"),
            )
        ]
        self._health = HealthServicer(names)
        add = self._server
        generation_service_pb2_grpc.add_GenerationServiceServicer_to_server(servicers.generation, add)
        image_service_pb2_grpc.add_ImageServiceServicer_to_server(servicers.image, add)
        theme_service_pb2_grpc.add_ThemeServiceServicer_to_server(servicers.theme, add)
        status_service_pb2_grpc.add_StatusServiceServicer_to_server(servicers.status, add)
        overlay_service_pb2_grpc.add_OverlayServiceServicer_to_server(servicers.overlay, add)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, add)
        health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        reflection.enable_server_reflection([*names, health, reflection.SERVICE_NAME], add)

    def bind(self) -> str:
        """Takes the port; answers the address with the real one. Raises OSError if it cannot be had."""
        listen = self._settings.listen
        host, _, wanted = listen.rpartition(":")
        refused = f"cannot listen on {listen}: is the port taken, or the address not this machine's?"
        try:
            port = self._server.add_insecure_port(listen)
        except RuntimeError as problem:
            raise OSError(refused) from problem
        if wanted not in ("0", str(port)):
            raise OSError(refused)
        return f"{host}:{port}"

    async def start(self) -> None:
        """Begins to answer."""
        await self._server.start()

    async def drain(self) -> None:
        """Says NOT_SERVING, gives load balancers time to notice, then ends watches and waits."""
        self._health.stop_serving()
        await asyncio.sleep(self._settings.drain_seconds)
        self._stopping.set()

    async def stop(self) -> None:
        """Takes no more calls, and lets those under way finish within the grace."""
        await self._server.stop(remaining(self._settings.shutdown_grace_seconds))


def stages_of(
    settings: ServerSettings, telemetry: Telemetry, checks: Mapping[type[Message], interceptors.Check]
) -> list[interceptors.Stage]:
    """What surrounds every call, from the outside in."""
    return [
        interceptors.answer_errors,
        interceptors.take_over_ids,
        interceptors.observe(telemetry),
        interceptors.limit(settings.rpc_max_concurrent),
        interceptors.keep_deadline(settings.rpc_max_seconds),
        interceptors.validate(checks),
    ]
