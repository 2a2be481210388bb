"""The `getimg-standin` command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation

import click
import uvloop

from getimg_standin.behavior import Behavior
from getimg_standin.faults import parse_fault
from getimg_standin.standin import Standin


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8090", show_default=True, help="Port 0: a free port.")
@click.option("--api-key", default="standin-key", show_default=True, help="API key that clients must send.")
@click.option("--latency", type=float, default=0.5, show_default=True, help="Seconds added to each generation.")
@click.option("--url-lifetime", type=float, default=3600, show_default=True, help="Seconds until picture URLs expire.")
@click.option("--requests-per-minute", type=int, help="Respond with 429 above this rate.")
@click.option("--max-in-flight", type=int, help="Respond with 429 above this number of concurrent generations.")
@click.option("--balance", default="10000", show_default=True, help="USD to spend; respond with 402 after that.")
@click.option("--variety", type=int, help="Number of different pictures per size and format, for load tests.")
@click.option("--fault", "faults", multiple=True, help="Example: status=429,retry_after=2,count=3. Repeatable.")
@click.version_option(package_name="getimg-standin")
def main(
    listen: str,
    api_key: str,
    latency: float,
    url_lifetime: float,
    requests_per_minute: int | None,
    max_in_flight: int | None,
    balance: str,
    variety: int | None,
    faults: tuple[str, ...],
) -> None:
    """Run a stand-in for the GetImg.AI API, for development and tests.

    Point clients at it: image-grpc reads IMAGE_GRPC_GETIMG_BASE_URL and GETIMG_API_KEY. Faults of generations:
    status, hang, cut, invalid, unrelated. Faults of downloads: truncated, cut_download, huge, html, redirect, gone,
    hang_download, wrong_size. While it runs, GET /_standin returns its counters and PUT /_standin/faults
    replaces its faults.
    """
    try:
        behavior = Behavior(
            latency=latency,
            url_lifetime=url_lifetime,
            requests_per_minute=requests_per_minute,
            max_in_flight=max_in_flight,
            balance=Decimal(balance),
            variety=variety,
        )
        standin = Standin(api_key=api_key, behavior=behavior)
        for fault in faults:
            standin.add_fault(parse_fault(fault))
        host, port = _host_and_port(listen)
    except InvalidOperation:
        raise click.BadParameter(f"{balance!r} is not an amount in USD") from None
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc
    try:
        uvloop.run(_serve(standin, host, port))
    except OSError as exc:
        raise click.ClickException(f"cannot listen on {listen}: {exc.strerror}") from exc


def _host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"{listen!r} is not of the form HOST:PORT")
    return host, int(port)


async def _serve(standin: Standin, host: str, port: int) -> None:
    with _stop_signals() as stop:
        async with standin.listen(host, port) as url:
            click.echo(f"GetImg.AI stand-in listening at {url}, API key {standin.api_key}. Ctrl-C stops it.")
            await stop.wait()


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """Yield an event that SIGTERM and SIGINT set; a second signal ends the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
