"""Random calls end with a status that the server chose. `python -m tests.faults.fuzz` makes many more of them."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.protobuf import message_factory
from google.protobuf.message import DecodeError

from image_grpc.validation import find_violations
from tests.faults.fuzz import CONCURRENCY, Fuzzer, Report
from tests.faults.fuzz_calls import Call, create_call, create_samples, methods
from tests.faults.random_messages import RandomMessages
from tests.service import service

CALLS = 300
SEED = 7


def is_decoded_by_the_server(call: Call) -> bool:
    """Whether gRPC does not refuse the requests itself, as it does in request streams and for its own services."""
    if call.method.path.startswith("/tabletop.") and not call.method.client_streaming:
        return True
    try:
        for request in call.requests:
            message_factory.GetMessageClass(call.method.request).FromString(request)
    except DecodeError:
        return False
    return True


async def test_random_calls_end_with_a_status_of_the_server(tmp_path: Path) -> None:
    report = Report(seed=SEED)
    async with service(tmp_path) as running:
        samples = await create_samples(running, SEED, 0)
        calls = [create_call(SEED, number, samples) for number in range(CALLS)]
        with ThreadPoolExecutor() as threads:
            fuzzer = Fuzzer(running.running.address, report, threads, CONCURRENCY)
            await fuzzer.make([call for call in calls if is_decoded_by_the_server(call)])
            await fuzzer.close()
    assert len(report.codes) > CALLS * 0.8
    assert report.faults == {}


def test_random_messages_without_extreme_values_are_valid() -> None:
    messages = RandomMessages(random.Random(SEED), {}, extreme=0.0)
    ours = [method.request for method in methods() if method.path.startswith("/tabletop.")]
    for descriptor in ours:
        violations = [find_violations(messages.create(descriptor)) for _ in range(20)]
        assert violations.count([]) >= 15  # rules that concern several fields may be broken


def test_a_call_depends_on_the_seed_and_its_number_only() -> None:
    assert create_call(1, 5, {}) == create_call(1, 5, {})
    assert create_call(1, 5, {}) != create_call(2, 5, {})
