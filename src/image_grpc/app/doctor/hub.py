"""The broker: its version, queues, consumers and policies, and what the user may do."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from image_grpc.app.doctor import versions
from image_grpc.app.doctor.findings import Finding, error, ok, warning
from image_grpc.app.doctor.storage import examine_storage_service
from image_grpc.errors import HubError
from image_grpc.hub import QueueState, topology
from image_grpc.settings import HubSettings, variable

if TYPE_CHECKING:
    from image_grpc.hub.amqp.management import LosingPolicy

_CONSUMERS = {topology.STORAGE_QUEUE: "storage", topology.STORE_QUEUE: "serve"}
"""By queue, the part that consumes it. The bridge, which consumes others, is optional."""


async def examine_hub(settings: HubSettings, parts: Collection[str], api_url: str | None) -> AsyncIterator[Finding]:
    """Yield what is found about the broker, and about the Storage Service behind it.

    The user must be allowed to run `parts`; if there are none, at least one. `api_url` is the URL of the HTTP API of
    the management plugin; by default, its usual port on the broker's host.
    """
    from image_grpc.hub.amqp.inspection import inspect
    from image_grpc.hub.amqp.management import management_url
    from image_grpc.hub.amqp.rights import missing_rights

    try:
        broker = await inspect(settings.hub_url)
        missing = await missing_rights(settings.hub_url)
    except HubError as problem:
        yield error("hub", problem.message, f"check {variable('hub_url')}, the network, and the user's permissions")
        return
    yield versions.judge("hub", "RabbitMQ", broker.version, versions.RABBITMQ)
    yield judge_rights(missing, parts)
    for finding in _queues(broker.queues):
        yield finding
    for finding in await _policies(settings.hub_url, api_url or management_url(settings.hub_url)):
        yield finding
    storage = broker.queues[topology.STORAGE_QUEUE]
    if None not in broker.queues.values() and storage is not None and storage.consumers and not missing["serve"]:
        async for finding in examine_storage_service(settings):
            yield finding


def _queues(queues: Mapping[str, QueueState | None]) -> Iterator[Finding]:
    if absent := [name for name, state in queues.items() if state is None]:
        text = f"{len(absent)} of {len(queues)} queues do not exist yet"
        yield warning("queues", text, "start a part whose user may declare them")
    else:
        yield ok("queues", "all exist")
    for queue, part in _CONSUMERS.items():
        state = queues[queue]
        if state is not None and not state.consumers:
            yield warning(part, f"no `{part}` process is connected", f"start `image-grpc {part}`")
    dead = queues[topology.DEAD_QUEUE]
    if dead is not None and dead.messages:
        yield warning("dead letters", f"{dead.messages} messages", "run `image-grpc dead-letters list`")


def judge_rights(missing: Mapping[str, Sequence[str]], parts: Collection[str]) -> Finding:
    """Return a finding about what a user may not do, by part."""
    able = [part for part, rights in missing.items() if not rights]
    lacking = {part: rights for part, rights in missing.items() if rights}
    required = [part for part in lacking if part in parts]
    if not able and not required:
        required = [min(lacking, key=lambda part: len(lacking[part]))]
    may = f"the user may run {', '.join(able)}" if able else "the user may run no part"
    named = required or list(lacking)
    text = "; ".join([may, *(f"for {part} it may not {', '.join(lacking[part])}" for part in named)])
    if required:
        return error("permissions", text, "run the commands that `image-grpc doctor --rabbitmq-commands` prints")
    return ok("permissions", text)


async def _policies(hub_url: str, api_url: str) -> Iterable[Finding]:
    from image_grpc.hub.amqp.management import losing_policies

    try:
        return judge_policies(await losing_policies(hub_url, api_url))
    except HubError as problem:
        host = unquote(urlsplit(hub_url).path.removeprefix("/")) or "/"
        commands = " and ".join(f"`rabbitmqctl list_{kind}policies --vhost '{host}'`" for kind in ("", "operator_"))
        remedy = (
            f"run {commands}: none may limit length or age of image.*; or enable the management plugin, give the user "
            "the tag `policymaker`, and pass --management-url if it does not listen on its usual port"
        )
        return [warning("policies", f"cannot be checked: {problem.message}", remedy)]


def judge_policies(losing: "Sequence[LosingPolicy]") -> Iterator[Finding]:
    """Yield a finding for each policy with which messages are lost."""
    if not losing:
        yield ok("policies", "none lets queues of the service drop messages")
    for each in losing:
        text = f"the policy {each.name} lets {', '.join(each.queues)} drop messages: {', '.join(each.keys)}"
        yield error("policies", text, f"exclude image.* from the pattern of {each.name}, or remove these keys")
