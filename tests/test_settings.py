"""Settings: defaults, environment, validation, secrets."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from image_grpc.settings import (
    BridgeSettings,
    ClientSettings,
    EmbeddedSettings,
    InvalidSettings,
    ProgramSettings,
    ServerSettings,
    StorageServiceSettings,
    is_loopback,
    is_secret,
    load,
    variable,
)

KEY = "sk-very-secret"
PROGRAMS = [ServerSettings, BridgeSettings, StorageServiceSettings, EmbeddedSettings]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings from the environment in which the tests run."""
    for field in EmbeddedSettings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)


def problems(**settings: object) -> str:
    with pytest.raises(InvalidSettings) as invalid:
        load(EmbeddedSettings, **settings)
    return str(invalid.value)


def test_without_an_environment_the_defaults_are_valid() -> None:
    settings = load(EmbeddedSettings)
    assert settings.listen == "127.0.0.1:50051"
    assert settings.getimg_api_key is None
    assert settings.hub_url == "memory:"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_default_is_valid(program: type[ProgramSettings]) -> None:
    program(**{name: field.default for name, field in program.model_fields.items()})


@pytest.mark.parametrize("program", PROGRAMS)
def test_up_reads_the_settings_of_every_program(program: type[ProgramSettings]) -> None:
    assert program.model_fields.keys() <= EmbeddedSettings.model_fields.keys()


def test_a_program_ignores_the_settings_of_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_GRPC_LISTEN", "nowhere")
    monkeypatch.setenv("IMAGE_GRPC_BRIDGE_CONCURRENCY", "none")
    load(StorageServiceSettings)
    with pytest.raises(InvalidSettings, match="IMAGE_GRPC_LISTEN"):
        load(ServerSettings)
    with pytest.raises(InvalidSettings, match="IMAGE_GRPC_BRIDGE_CONCURRENCY"):
        load(BridgeSettings)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_GRPC_LISTEN", "[::1]:7000")
    monkeypatch.setenv("IMAGE_GRPC_DATA_DIR", "/srv/images")
    monkeypatch.setenv("IMAGE_GRPC_GETIMG_DOWNLOAD_HOSTS", "a.example, *.b.example ,")
    monkeypatch.setenv("GETIMG_API_KEY", KEY)
    settings = load(EmbeddedSettings)
    assert settings.listen == "[::1]:7000"
    assert settings.data_dir == Path("/srv/images")
    assert settings.getimg_download_hosts == ("a.example", "*.b.example")
    assert settings.getimg_api_key is not None
    assert settings.getimg_api_key.get_secret_value() == KEY


def test_overrides_take_precedence_unless_they_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_GRPC_LOG_LEVEL", "ERROR")
    assert load(EmbeddedSettings, log_level="DEBUG").log_level == "DEBUG"
    assert load(EmbeddedSettings, log_level=None).log_level == "ERROR"


def test_all_problems_are_reported_together_under_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    invalid = {
        "IMAGE_GRPC_LISTEN": "nowhere",
        "IMAGE_GRPC_LOG_LEVEL": "LOUD",
        "IMAGE_GRPC_HUB_URL": "http://broker",
        "IMAGE_GRPC_GETIMG_BASE_URL": "http://api.getimg.ai",
        "IMAGE_GRPC_RPC_MAX_CONCURRENT": "none",
        "IMAGE_GRPC_GETIMG_TIMEOUT_SECONDS": "0",
        "IMAGE_GRPC_HEARTBEAT_SECONDS": "16",
        "GETIMG_API_KEY": "two\nlines",
    }
    for name, value in invalid.items():
        monkeypatch.setenv(name, value)
    lines = problems().splitlines()[1:]
    assert sorted(line.strip().partition(":")[0] for line in lines) == sorted(invalid)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load(EmbeddedSettings).listen = "0.0.0.0:1"  # type: ignore[misc]


# Secrets


@pytest.mark.parametrize("show", [repr, str, lambda settings: settings.model_dump_json()])
def test_the_key_is_masked_in_every_representation(show: Callable[[EmbeddedSettings], str]) -> None:
    assert KEY not in show(load(EmbeddedSettings, getimg_api_key=KEY))


SECRETS = {
    "GETIMG_API_KEY": KEY,
    "IMAGE_GRPC_HUB_URL": f"amqp://user:{KEY}@broker",
    "IMAGE_GRPC_PAGE_TOKEN_KEY": KEY,
    "IMAGE_GRPC_DATABASE_URL": f"postgresql://user:{KEY}@database/images",
    "IMAGE_GRPC_API_KEY": KEY,
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    class_ = ClientSettings if name == "IMAGE_GRPC_API_KEY" else EmbeddedSettings
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    with pytest.raises(InvalidSettings, match=f"{name}_FILE: .*No such file"):
        load(class_)
    (tmp_path / "secret").write_text(f"{SECRETS[name]}\n")
    loaded = load(class_)
    [value] = [getattr(loaded, field) for field in class_.model_fields if variable(field) == name]
    assert SECRETS[name] in (value, getattr(value, "get_secret_value", str)())
    assert KEY not in repr(loaded)
    monkeypatch.setenv(name, SECRETS[name])
    with pytest.raises(InvalidSettings, match=f"{name}_FILE: {name} is set as well"):
        load(class_)


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(KEY)
    monkeypatch.setenv("IMAGE_GRPC_PAGE_TOKEN_KEY", "")
    monkeypatch.setenv("IMAGE_GRPC_PAGE_TOKEN_KEY_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("IMAGE_GRPC_API_KEYS_FILE", "")
    settings = load(EmbeddedSettings)
    assert settings.page_token_key.get_secret_value() == KEY
    assert not settings.authenticates


@pytest.mark.parametrize("key", ["two\nlines", "with space", "\ufeffbom", "nul\0"])
def test_a_key_that_no_call_could_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidSettings, match=r"IMAGE_GRPC_API_KEY: .*printable ASCII") as refused:
        load(ClientSettings, api_key=key)
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@id.example.com/keys",
        "https://id.example.com/keys?token=secret",
        "https://id.example.com:99999/",
    ],
)
def test_the_url_of_a_key_set_contains_no_secret(url: str) -> None:
    problem = problems(jwt_issuer="a", jwt_audience="b", jwt_jwks=url)
    assert "IMAGE_GRPC_JWT_JWKS" in problem
    assert "secret" not in problem


def test_the_secrets_are_known() -> None:
    fields = EmbeddedSettings.model_fields | ClientSettings.model_fields
    assert {variable(name) for name, field in fields.items() if is_secret(field)} == set(SECRETS)


@pytest.mark.parametrize("key", ["", " ", "\n"])
def test_an_empty_key_is_no_key(key: str) -> None:
    assert load(EmbeddedSettings, getimg_api_key=key).getimg_api_key is None


@pytest.mark.parametrize("key", [f"{KEY}\n", f"  {KEY}", f"{KEY}\r\n"])
def test_whitespace_around_the_key_is_removed(key: str) -> None:
    loaded = load(EmbeddedSettings, getimg_api_key=key).getimg_api_key
    assert loaded is not None
    assert loaded.get_secret_value() == KEY


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY} x", f"{KEY}ß", f"{KEY}\x00"])
def test_a_key_that_is_invalid_in_a_header_is_rejected_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidSettings, match="GETIMG_API_KEY") as rejected:
        load(EmbeddedSettings, getimg_api_key=key)
    assert KEY not in "".join(traceback.format_exception(rejected.value))


# URLs and addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://api.getimg.ai",
        "https://api.getimg.ai:8443/base",
        "http://localhost:8080",
        "http://127.0.0.1:1",
        "http://127.8.8.8",
        "http://[::1]:8080",
    ],
)
def test_https_and_loopback_http_urls_are_accepted(url: str) -> None:
    assert load(EmbeddedSettings, getimg_base_url=f"{url}/").getimg_base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.getimg.ai",
        "http://127.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "ftp://api.getimg.ai",
        "api.getimg.ai",
        "https://",
        "https://:443",
        "https://api.getimg.ai:99999",
        "https://api.getimg.ai:port",
        "https://[::1",
        "",
    ],
)
def test_other_urls_are_rejected(url: str) -> None:
    assert "IMAGE_GRPC_GETIMG_BASE_URL" in problems(getimg_base_url=url)


@pytest.mark.parametrize(
    ("field", "url", "problem"),
    [
        ("database_url", "postgres://host/name", "write postgresql:// instead of postgres://"),
        ("database_url", "mysql://host/name", "must be a postgresql:// or sqlite:/// URL"),
        ("database_url", "sqlite://", "must be a postgresql:// or sqlite:/// URL"),
        ("database_url", "data.db", "must be a postgresql:// or sqlite:/// URL"),
        ("blob_url", "gs://bucket", "must be an s3:// or file:/// URL"),
        ("blob_url", "bucket", "must be an s3:// or file:/// URL"),
    ],
)
def test_urls_of_unsupported_stores_are_rejected(field: str, url: str, problem: str) -> None:
    text = problems(**{field: url})
    assert f"IMAGE_GRPC_{field.upper()}: " in text
    assert problem in text


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("127.evil.example", False),
        ("0.0.0.0", False),
        ("", False),
        (None, False),
    ],
)
def test_localhost_and_loopback_addresses_are_loopback(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:50051", "[::]:65535", "some-host:1"])
def test_an_address_is_a_host_and_a_port(listen: str) -> None:
    assert load(EmbeddedSettings, listen=listen, insecure=True).listen == listen


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:50051", "192.0.2.1:50051", "some-host:50051"])
def test_an_open_server_listens_on_loopback_only(listen: str, tmp_path: Path) -> None:
    assert "IMAGE_GRPC_LISTEN: everybody" in problems(listen=listen)
    for closed in ({"insecure": True}, {"api_keys_file": tmp_path / "keys"}):
        assert load(EmbeddedSettings, listen=listen, **closed).listen == listen


def test_channelz_listens_on_loopback_only() -> None:
    assert "IMAGE_GRPC_ADMIN_LISTEN" in problems(admin_listen="0.0.0.0:50052")
    assert load(EmbeddedSettings, admin_listen="[::1]:50052").admin_listen == "[::1]:50052"


@pytest.mark.parametrize(
    "fields",
    [
        {"tls_certificate_file": "a"},
        {"tls_key_file": "a"},
        {"tls_client_ca_file": "a"},
        {"jwt_issuer": "a"},
        {"jwt_issuer": "a", "jwt_audience": "b"},
        {"jwt_issuer": "a", "jwt_jwks": "http://keys.example.com/"},
    ],
    ids=str,
)
def test_settings_that_belong_together_are_set_together(fields: dict[str, str]) -> None:
    assert any(variable(name) in problems(**fields) for name in fields)


@pytest.mark.parametrize("listen", ["", "50051", ":50051", "host:", "host:port", "host:65536", "a b:1"])
def test_an_invalid_address_is_rejected(listen: str) -> None:
    assert "IMAGE_GRPC_LISTEN" in problems(listen=listen)


@pytest.mark.parametrize("field", [name for name in EmbeddedSettings.model_fields if name.endswith("_seconds")])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "soon"])
def test_a_time_is_a_number_of_seconds(field: str, value: object) -> None:
    assert variable(field) in problems(**{field: value})


@pytest.mark.parametrize(
    "field", [name for name in EmbeddedSettings.model_fields if "max_" in name or "concurr" in name]
)
def test_limits_are_positive(field: str) -> None:
    assert variable(field) in problems(**{field: 0})


@pytest.mark.parametrize(
    ("field", "maximum"),
    [("heartbeat_seconds", 15), ("getimg_download_max_bytes", 256 * 1024 * 1024), ("drain_seconds", 600)],
)
def test_upper_bounds_are_enforced(field: str, maximum: int) -> None:
    assert getattr(load(EmbeddedSettings, **{field: maximum}), field) == maximum
    assert variable(field) in problems(**{field: maximum + 1})


@pytest.mark.parametrize(("setting", "missing"), [("c2pa_certificate", "c2pa_key"), ("c2pa_key", "c2pa_certificate")])
def test_certificate_and_key_of_c2pa_belong_together(setting: str, missing: str) -> None:
    text = problems(**{setting: Path("chain.pem")})
    assert f"{variable(missing)}: required by {variable(setting)}; set both, or none" in text
    settings = load(ServerSettings, c2pa_certificate=Path("chain.pem"), c2pa_key=Path("secret-place.pem"))
    assert "secret-place" not in repr(settings)
