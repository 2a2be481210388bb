"""Examines the settings and everything that they refer to, and says what to do about each problem."""

import enum
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from image_grpc.access import Authenticator, server_credentials
from image_grpc.app.signing import picture_signer
from image_grpc.errors import HubError, ServiceError
from image_grpc.getimg import GetimgClient, GetimgConfig
from image_grpc.hub import topology
from image_grpc.hub.signatures import Signatures
from image_grpc.pictures.credentials import Unsigned
from image_grpc.settings import EmbeddedSettings, InvalidSettings, StorageServiceSettings, storage_urls, variable
from image_grpc.telemetry import Telemetry

CERTIFICATE_DAYS = 14
MAX_SKEW_SECONDS = 2.0
GETIMG_SECONDS = 10.0


class Level(enum.Enum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found out about one thing."""

    subject: str
    level: Level
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject=subject, level=Level.OK, text=text)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding with which the service works, in some way."""
    return Finding(subject=subject, level=Level.WARNING, text=text, remedy=remedy)


def error(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding with which the service does not work."""
    return Finding(subject=subject, level=Level.ERROR, text=text, remedy=remedy)


async def examine(settings: EmbeddedSettings) -> AsyncIterator[Finding]:
    """Yield the findings, each as soon as it is known. Writes nothing but a probe object."""
    for finding in (*_access(settings), *_keys(settings), _content_credentials(settings)):
        yield finding
    async for finding in _hub(settings):
        yield finding
    if settings.hub_url == "memory:" or settings.database_url is not None:
        async for finding in _storage(settings):
            yield finding
    else:
        yield ok("storage", f"not examined: {variable('database_url')} is not set here")
    async for finding in _getimg(settings):
        yield finding


def _access(settings: EmbeddedSettings) -> Iterator[Finding]:
    try:
        Authenticator(settings)
        server_credentials(settings)
    except InvalidSettings as problem:
        yield error("access", str(problem), "correct or replace the file; see docs/security.md")
        return
    if settings.authenticates:
        yield ok("access", f"callers of {settings.listen} need credentials")
    elif settings.insecure:
        text = f"everybody who reaches {settings.listen} may call the service"
        yield warning("access", text, f"set {variable('api_keys_file')} unless the network protects itself")
    else:
        yield ok("access", f"everybody on this host may call {settings.listen}")
    if settings.tls_certificate_file is not None:
        expires = x509.load_pem_x509_certificates(settings.tls_certificate_file.read_bytes())[0].not_valid_after_utc
        yield _expiry("TLS", expires, settings.tls_certificate_file)
    elif settings.authenticates:
        text = "credentials travel without encryption"
        yield warning("TLS", text, f"set {variable('tls_certificate_file')} and {variable('tls_key_file')}")


def _expiry(subject: str, expires: datetime, path: Path) -> Finding:
    left = expires - datetime.now(UTC)
    text = f"the certificate is valid until {expires:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return error(subject, f"the certificate expired on {expires:%Y-%m-%d}", f"replace {path}")
    near = left < timedelta(days=CERTIFICATE_DAYS)
    return warning(subject, text, f"replace {path}") if near else ok(subject, text)


def _content_credentials(settings: EmbeddedSettings) -> Finding:
    try:
        signer = picture_signer(settings)
    except InvalidSettings as problem:
        return error("C2PA", str(problem), "correct the setting or the file; see docs/provenance.md")
    if settings.c2pa_certificate is None or isinstance(signer, Unsigned):
        return ok("C2PA", "pictures are marked with XMP only: there is no certificate")
    return _expiry("C2PA", signer.expires, settings.c2pa_certificate)


def _keys(settings: EmbeddedSettings) -> Iterator[Finding]:
    if settings.hub_key_file is not None:
        try:
            Signatures(settings.hub_key_file)
            yield ok("hub key", "messages of the service to itself are signed")
        except InvalidSettings as problem:
            yield error("hub key", str(problem), "write one key per line, from `openssl rand -hex 32`")
    elif settings.hub_url != "memory:":
        text = "whoever may publish on the virtual host can change everything that is stored"
        yield warning("hub key", text, f"set {variable('hub_key_file')} for all processes")
    if settings.hub_url != "memory:" and not settings.page_token_key.get_secret_value():
        text = "page tokens are not signed"
        yield warning("page tokens", text, f"set {variable('page_token_key')} to the same secret for all processes")


async def _hub(settings: EmbeddedSettings) -> AsyncIterator[Finding]:
    if settings.hub_url == "memory:":
        yield ok("hub", "in this process")
        return
    from image_grpc.hub.amqp.inspection import inspect

    try:
        broker = await inspect(settings.hub_url)
    except HubError as problem:
        yield error("hub", problem.message, f"check {variable('hub_url')}, the network, and the user's permissions")
        return
    yield ok("hub", f"RabbitMQ {broker.version}")
    if missing := [name for name, state in broker.queues.items() if state is None]:
        text = f"{len(missing)} of {len(broker.queues)} queues do not exist yet"
        yield warning("queues", text, "start a part whose user may declare them")
    else:
        yield ok("queues", "all exist")
    for queue, part in ((topology.STORAGE_QUEUE, "storage"), (topology.STORE_QUEUE, "serve")):
        state = broker.queues[queue]
        if state is not None and not state.consumers:
            yield warning(part, f"no `{part}` process is connected", f"start `image-grpc {part}`")
    dead = broker.queues[topology.DEAD_QUEUE]
    if dead is not None and dead.messages:
        yield warning("dead letters", f"{dead.messages} messages", "run `image-grpc dead-letters list`")


async def _storage(settings: StorageServiceSettings) -> AsyncIterator[Finding]:
    from image_grpc.storage_service.database import Database
    from image_grpc.storage_service.errors import DatabaseError, ObjectStoreError
    from image_grpc.storage_service.inspection import inspect
    from image_grpc.storage_service.object_store import open_store, require_writable

    database_url, blob_url = storage_urls(settings)
    file = Path(database_url.removeprefix("sqlite:///")) if database_url.startswith("sqlite:") else None
    if file is not None and not file.exists():
        yield ok("database", f"{file} will be created")
        return
    database = Database(database_url)
    try:
        await database.open_existing()
        state = await database.read(inspect)
        yield ok("database", state.version)
        if abs(state.clock_skew) > MAX_SKEW_SECONDS:
            text = f"the clock of the database is {state.clock_skew:+.1f} s off"
            yield warning("clock", text, "check NTP on both hosts")
    except DatabaseError as problem:
        yield error("database", str(problem), f"check {variable('database_url')}; `image-grpc storage` migrates it")
    finally:
        await database.close()
    try:
        await require_writable(open_store(blob_url))
        yield ok("object store", blob_url)
    except ObjectStoreError as problem:
        yield error("object store", str(problem), f"check {variable('blob_url')} and the AWS_* variables")


async def _getimg(settings: EmbeddedSettings) -> AsyncIterator[Finding]:
    if settings.getimg_api_key is None:
        yield warning("GetImg.AI", "there is no API key", f"set {variable('getimg_api_key')}; `up` uses the stand-in")
        return
    client = GetimgClient(Telemetry(), replace(GetimgConfig.of(settings), timeout=GETIMG_SECONDS))
    try:
        balance = await client.balance()
    except ServiceError as problem:
        yield error("GetImg.AI", problem.message, f"check {variable('getimg_api_key')} and the network")
        return
    finally:
        await client.close()
    text = f"the balance is {balance:f} USD"
    yield warning("GetImg.AI", text, "top it up") if balance < settings.getimg_low_balance else ok("GetImg.AI", text)
