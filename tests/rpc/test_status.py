"""StatusService over a real channel."""

from __future__ import annotations

from pathlib import Path

from grpc_health.v1 import health_pb2, health_pb2_grpc
from tabletop.image.v1 import status_service_pb2

from image_grpc.rpc.health import READINESS
from image_grpc_testkit.eventually import eventually
from tests.files import replace_by_a_file
from tests.service import portrait, service


async def test_the_status_has_every_dependency_and_the_metrics(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        await it.generate(portrait())
        await it.read((await it.generate(portrait())).image.id)
        status = status_service_pb2.GetStatusResponse()

        async def is_up_to_date() -> bool:  # a caller may get its image before the queue has finished the job
            nonlocal status
            status = await it.status.GetStatus(status_service_pb2.GetStatusRequest())
            return (status.metrics.images_generated, status.metrics.generation_queue) == (1, 0)

        await eventually(is_up_to_date, "one image is counted and the queue is empty")
    healthy = status_service_pb2.HEALTH_STATUS_HEALTHY
    assert status.status == healthy
    assert status.version
    dependencies = {field.name: value for field, value in status.dependencies.ListFields()}
    assert sorted(dependencies) == ["cache", "getimg_api", "message_hub", "object_store", "storage_service"]
    assert {each.status for each in dependencies.values()} == {healthy}
    assert status.metrics.error_rate == 0
    assert 0 < status.metrics.cache_hit_rate <= 1


async def test_what_cannot_be_written_is_reported_and_makes_the_process_unready(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        health = health_pb2_grpc.HealthStub(it.channel).Watch(health_pb2.HealthCheckRequest(service=READINESS))
        assert (await health.read()).status == health_pb2.HealthCheckResponse.SERVING
        await replace_by_a_file(tmp_path / "blobs")

        async def problem() -> bool:
            status = await it.status.GetStatus(status_service_pb2.GetStatusRequest())
            object_store = status.dependencies.object_store
            degraded = status_service_pb2.HEALTH_STATUS_DEGRADED
            return bool(object_store.message) and status.status == degraded

        await eventually(problem, "the object store is reported")
        assert (await health.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        health.cancel()
