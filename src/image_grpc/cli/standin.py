"""`image-grpc standin`: the stand-in for GetImg.AI as a program of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from image_grpc.cli.programs import run

if TYPE_CHECKING:  # importing the stand-in takes a while
    from image_grpc.standin import Standin


@click.command()
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8090", show_default=True)
@click.option("--api-key", default="standin-key", show_default=True, help="API key to accept.")
@click.option("--latency", type=float, default=0.5, show_default=True, help="Seconds added to each picture.")
@click.option(
    "--url-lifetime", type=float, default=3600, show_default=True, help="Seconds until picture URLs expire."
)
@click.option("--requests-per-minute", type=int, help="Rate limit; further requests get status 429.")
@click.option("--max-in-flight", type=int, help="Limit of concurrent requests; further ones get status 429.")
@click.option(
    "--balance", default="10000", show_default=True, help="USD to spend; requests beyond it get status 402."
)
@click.option("--variety", type=int, help="Number of different pictures to draw, for load tests.")
@click.option("--fault", "faults", multiple=True, help="For example status=429,retry_after=2,count=3; repeatable.")
def standin(
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

    Use it with IMAGE_GRPC_GETIMG_BASE_URL and GETIMG_API_KEY.

    Faults of a call: status, hang, cut, invalid. Faults of a picture: truncated, cut_download, huge, html,
    redirect, gone, hang_download, wrong_size. PUT /_standin/faults sets faults while it runs; GET /_standin
    returns its statistics.
    """
    from decimal import Decimal, InvalidOperation

    from image_grpc.standin import Behaviour, Standin, parse_fault

    try:
        behaviour = Behaviour(
            latency=latency,
            url_lifetime=url_lifetime,
            requests_per_minute=requests_per_minute,
            max_in_flight=max_in_flight,
            balance=Decimal(balance),
            variety=variety,
        )
        server = Standin(api_key=api_key, behaviour=behaviour)
        for fault in faults:
            server.add_fault(parse_fault(fault))
    except (ValueError, InvalidOperation) as error:
        raise click.BadParameter(str(error)) from error
    run(_serve(server, listen))


async def _serve(server: Standin, listen: str) -> None:
    from image_grpc.app import stop_signals

    host, _, port = listen.rpartition(":")
    with stop_signals() as stop:
        async with server.listen(host, int(port)) as url:
            click.echo(f"The stand-in for GetImg.AI listens on {url}, key {server.api_key}. Press Ctrl-C to stop.")
            await stop.wait()
