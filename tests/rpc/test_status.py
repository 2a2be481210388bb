"""StatusService over a real channel."""

from __future__ import annotations

from pathlib import Path

from tabletop.image.v1 import status_service_pb2

from image_grpc_testkit.eventually import eventually
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
    assert sorted(dependencies) == ["cache", "getimg_api", "message_hub", "storage_service"]
    assert {each.status for each in dependencies.values()} == {healthy}
    assert status.metrics.error_rate == 0
    assert 0 < status.metrics.cache_hit_rate <= 1
