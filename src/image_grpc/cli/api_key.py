"""Commands that manage the file of callers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click


@click.group("api-key")
def api_key() -> None:
    """Manage API keys.

    Servers read the file at IMAGE_GRPC_API_KEYS_FILE, one JSON object per line, and notice its changes. To revoke a
    key, delete its line. A client certificate is a caller as well: write a line with `certificate` and one of its
    names in place of `sha256`.
    """


@api_key.command()
@click.option("--name", required=True, help="Who gets the key; appears in logs.")
@click.option("--role", required=True, type=click.Choice(["reader", "writer", "admin"]), help="What the key allows.")
@click.option("--service", help="Restrict the key to the pictures of this service.")
@click.option("--days", type=click.IntRange(1, 36_500), help="Let the key expire after this many days.")
@click.option(
    "--file", "file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to append to."
)
def create(name: str, role: str, service: str | None, days: int | None, file: Path) -> None:
    """Create an API key: append its SHA-256 to a file, and print the key, which is stored nowhere."""
    from image_grpc.access.callers import create_key  # with what verifies keys

    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) if days else None
    try:
        key = create_key(file, name=name, role=role, service=service or "", expires=expires)
    except (OSError, ValueError) as problem:
        raise click.ClickException(f"{file}: {problem}") from problem
    click.echo(key)
