"""`image-grpc doctor`: what is wrong, and what to do about it."""

import json
from dataclasses import asdict

import click

from image_grpc.cli.programs import load, run
from image_grpc.settings import EmbeddedSettings

_COLORS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one finding per line.")
@click.option("--rabbitmq-commands", is_flag=True, help="Print the commands that create users with least permissions.")
@click.option("--vhost", default="/", show_default=True, help="Virtual host in these commands.")
@click.option(
    "--part",
    "parts",
    type=click.Choice(["serve", "storage", "bridge"]),
    multiple=True,
    help="Part that the user of RabbitMQ must be allowed to run; repeatable. Default: any one.",
)
@click.option(
    "--management-url",
    metavar="URL",
    help="RabbitMQ's management plugin, which shows policies. Default: its usual port on the broker's host.",
)
def doctor(
    as_json: bool, rabbitmq_commands: bool, vhost: str, parts: tuple[str, ...], management_url: str | None
) -> None:
    """Check the settings of this environment, and everything that they refer to.

    Checks who may call, certificates, keys, the broker with its version, queues, consumers and policies, the
    permissions of its user, the Storage Service, the database, the object store, clocks, and the balance at
    GetImg.AI. Exits with code 1 if there is an error; warnings do not change the code.
    """
    if rabbitmq_commands:
        click.echo("\n".join(_rabbitmq_commands(vhost)))
        return
    from image_grpc.app.doctor import Finding, Level, examine

    settings = load(EmbeddedSettings)

    async def report() -> bool:
        failed = False
        async for finding in examine(settings, parts=parts, management_url=management_url):
            _show(finding)
            failed = failed or finding.level is Level.ERROR
        return failed

    def _show(finding: Finding) -> None:
        if as_json:
            click.echo(json.dumps(asdict(finding) | {"level": finding.level.value}))
            return
        level = click.style(f"{finding.level.value:<7}", fg=_COLORS[finding.level.value])
        click.echo(f"{level}  {finding.subject}: {finding.text}")
        if finding.remedy:
            click.echo(f"         {finding.remedy}")

    if run(report()):
        raise SystemExit(1)


def _rabbitmq_commands(vhost: str) -> list[str]:
    """Return the commands for a user for each part, whose password the operator enters."""
    from image_grpc.hub.permissions import PERMISSIONS

    lines = [f"rabbitmqctl add_vhost '{vhost}'"] if vhost != "/" else []
    lines.append("# `storage` also creates the exchanges and queues, so start it first.")
    users = {"storage": PERMISSIONS["storage"] | PERMISSIONS["declare"]}
    users |= {part: PERMISSIONS[part] for part in ("serve", "bridge")}
    for part, each in users.items():
        patterns = f"'{each.configure}' '{each.write}' '{each.read}'"
        lines.append(f"rabbitmqctl add_user image-{part}    # asks for the password")
        lines.append(f"rabbitmqctl set_permissions --vhost '{vhost}' image-{part} {patterns}")
    return lines
