from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from image_grpc.config import InvalidSettings, Settings, is_loopback, load, variable

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set where the tests run does not matter to them."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)


def problems(**settings: Any) -> str:
    with pytest.raises(InvalidSettings) as invalid:
        load(**settings)
    return str(invalid.value)


def test_without_an_environment_the_defaults_are_valid() -> None:
    settings = load()
    assert settings.listen == "127.0.0.1:50051"
    assert settings.getimg_api_key is None
    assert settings.hub_url == "memory:"


def test_every_default_fits_its_own_rule() -> None:
    Settings(**{name: field.default for name, field in Settings.model_fields.items()})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_GRPC_LISTEN", "[::]:7000")
    monkeypatch.setenv("IMAGE_GRPC_DATA_DIR", "/srv/images")
    monkeypatch.setenv("IMAGE_GRPC_GETIMG_DOWNLOAD_HOSTS", "a.example, *.b.example ,")
    monkeypatch.setenv("GETIMG_API_KEY", KEY)
    settings = load()
    assert settings.listen == "[::]:7000"
    assert settings.data_dir == Path("/srv/images")
    assert settings.getimg_download_hosts == ("a.example", "*.b.example")
    assert settings.getimg_api_key is not None
    assert settings.getimg_api_key.get_secret_value() == KEY


def test_what_is_given_goes_before_the_environment_and_none_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_GRPC_LOG_LEVEL", "ERROR")
    assert load(log_level="DEBUG").log_level == "DEBUG"
    assert load(log_level=None).log_level == "ERROR"


def test_all_problems_are_reported_together_under_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "IMAGE_GRPC_LISTEN": "nowhere",
        "IMAGE_GRPC_LOG_LEVEL": "LOUD",
        "IMAGE_GRPC_HUB_URL": "http://broker",
        "IMAGE_GRPC_GETIMG_BASE_URL": "http://api.getimg.ai",
        "IMAGE_GRPC_RPC_MAX_CONCURRENT": "none",
        "IMAGE_GRPC_GETIMG_TIMEOUT_SECONDS": "0",
        "IMAGE_GRPC_HEARTBEAT_SECONDS": "16",
        "GETIMG_API_KEY": "two\nlines",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    lines = problems().splitlines()[1:]
    assert sorted(line.strip().partition(":")[0] for line in lines) == sorted(wrong)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load().listen = "0.0.0.0:1"  # type: ignore[misc]


# Secrets


@pytest.mark.parametrize("show", [repr, str, lambda settings: settings.model_dump_json()])
def test_the_key_is_masked_wherever_settings_are_shown(show: Any) -> None:
    assert KEY not in show(load(getimg_api_key=KEY))


@pytest.mark.parametrize("key", ["", " ", "\n"])
def test_an_empty_key_is_none(key: str) -> None:
    assert load(getimg_api_key=key).getimg_api_key is None


@pytest.mark.parametrize("key", [f"{KEY}\n", f"  {KEY}", f"{KEY}\r\n"])
def test_blanks_around_the_key_are_no_part_of_it(key: str) -> None:
    found = load(getimg_api_key=key).getimg_api_key
    assert found is not None
    assert found.get_secret_value() == KEY


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY} x", f"{KEY}ß", f"{KEY}\x00"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidSettings, match="GETIMG_API_KEY") as invalid:
        load(getimg_api_key=key)
    assert KEY not in "".join(traceback.format_exception(invalid.value))


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
def test_https_is_taken_and_http_of_this_machine(url: str) -> None:
    assert load(getimg_base_url=f"{url}/").getimg_base_url == url


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
def test_any_other_url_is_refused(url: str) -> None:
    assert "IMAGE_GRPC_GETIMG_BASE_URL" in problems(getimg_base_url=url)


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
def test_this_machine_is_known_by_name_and_by_address(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:50051", "[::]:65535", "some-host:1"])
def test_an_address_is_a_host_and_a_port(listen: str) -> None:
    assert load(listen=listen).listen == listen


@pytest.mark.parametrize("listen", ["", "50051", ":50051", "host:", "host:port", "host:65536", "a b:1"])
def test_what_is_no_host_and_port_is_refused(listen: str) -> None:
    assert "IMAGE_GRPC_LISTEN" in problems(listen=listen)


@pytest.mark.parametrize("field", [name for name in Settings.model_fields if name.endswith("_seconds")])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "soon"])
def test_a_time_is_a_number_of_seconds(field: str, value: object) -> None:
    assert variable(field) in problems(**{field: value})


@pytest.mark.parametrize("field", [name for name in Settings.model_fields if "max_" in name or "concurr" in name])
def test_nothing_is_limited_to_nothing(field: str) -> None:
    assert variable(field) in problems(**{field: 0})


@pytest.mark.parametrize(
    ("field", "most"),
    [("heartbeat_seconds", 15), ("getimg_download_max_bytes", 256 * 1024 * 1024), ("drain_seconds", 600)],
)
def test_what_has_an_upper_bound_keeps_it(field: str, most: int) -> None:
    assert getattr(load(**{field: most}), field) == most
    assert variable(field) in problems(**{field: most + 1})
