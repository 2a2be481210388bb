"""An example for each command, shown in its help."""

from collections.abc import Mapping

import click

_ID = "49da6073-62f8-534f-89dc-32eaa4e3dfe6"
EXAMPLES: Mapping[str, str] = {
    "api-key create": "--name game-server --role writer --file callers.jsonl",
    "audit list": "--since 7d --method ImageService.DeleteImage --api-key-file admin.key",
    "bridge": "--hub-url amqp://localhost --target 127.0.0.1:50051",
    "completion": "bash > ~/.local/share/bash-completion/completions/image-grpc",
    "config": "--json",
    "costs": "--days 30",
    "dead-letters discard": "--type character_updated --older-than 30d",
    "dead-letters list": "--reason IMAGE_NOT_FOUND",
    "dead-letters replay": "--reason IMAGE_NOT_FOUND",
    "dead-letters show": _ID,
    "demo": "--out demo",
    "doctor": "--json",
    "floor-plan check": "plan.json",
    "floor-plan generate": "--kind dungeon --size 60x40 --seed 7 --out plan.json",
    "floor-plan import": "dungeon.uvtt --out plan.json --picture dungeon.png",
    "floor-plan render": "plan.json --grid --out plan.png",
    "generate again": f"{_ID} --details 'by moonlight'",
    "generate apply-theme": f"{_ID} --theme cyberpunk --strength 0.7",
    "generate campaign-map": "--theme fantasy --feature coast --scale 5 miles --out region.png",
    "generate item": "--theme horror --name lantern --material brass --out lantern.webp",
    "generate portrait": "--theme western --class gunslinger --out hero.png",
    "generate tactical-map": "--theme fantasy --plan plan.json --min-score 0.8 --out map.png",
    "generation cancel": _ID,
    "generation get": f"{_ID} --output json",
    "generation list": "--state failed --limit 10",
    "generation requeue": "--idle 10m",
    "generation wait": f"{_ID} --out hero.png",
    "generation watch": f"{_ID} --output jsonl",
    "image delete": _ID,
    "image get": _ID,
    "image list": "--theme fantasy --output ids",
    "image read": f"{_ID} --layer composed --out map.jpg",
    "image restore": f"{_ID} --version 1",
    "image undelete": _ID,
    "image upload": "map.png --subtype tactical --theme fantasy --grid 70",
    "image versions": _ID,
    "map connect": f"{_ID} o2 7812867a-c0e5-51a8-8f33-0abcc8ba22f7 o1",
    "map door": f"{_ID} w2 open",
    "map export": f"{_ID} --format universal_vtt --out dungeon.uvtt",
    "map get": f"{_ID} --output json",
    "map update": f"{_ID} changes.json --version 1",
    "map vision": f"{_ID} viewers.json --ambient-light dim",
    "model list": "--output json",
    "open": _ID,
    "overlay create": f"tactical {_ID} elements.json --name goblins",
    "overlay delete": _ID,
    "overlay get": f"{_ID} --output json",
    "overlay list": _ID,
    "overlay render": f"{_ID} --out overlay.svg",
    "overlay update": f"{_ID} changes.json --version 2",
    "serve": "--listen 127.0.0.1:50051 --hub-url amqp://localhost",
    "standin": "--listen 127.0.0.1:8080 --latency 2",
    "status": "--wait 30",
    "storage": "--hub-url amqp://localhost --database-url postgresql://localhost/images",
    "storage backup": "/backup/images",
    "storage restore": "/backup/images",
    "storage verify": "--database-url postgresql://localhost/images",
    "theme create": "noir.json",
    "theme delete": "noir",
    "theme get": "horror",
    "theme list": "--output ids",
    "up": "--data-dir ~/images",
}
"""The arguments of an example, by the path of the command."""


def add_examples(group: click.Group, path: str = "") -> None:
    """Add its example to the help of each command of a group."""
    for name, command in group.commands.items():
        command_path = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            add_examples(command, command_path)
        if (arguments := EXAMPLES.get(command_path)) is not None:
            command.epilog = f"\b\nExample:\n  image-grpc {command_path} {arguments}"
