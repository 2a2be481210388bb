"""Legend of a map: the meaning of its colors."""

from image_grpc.maps.canvas import Canvas, Layer
from image_grpc.maps.color import Color, parse
from image_grpc.maps.svg import fill, stroke

PAPER, INK = parse("#fffaf0"), parse("#1b1b1f")
MAX_LINES = 16
"""Maximum number of lines; further entries are not drawn."""


class Legend:
    """Distinct pairs of name and color, in the order in which they are added."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Color] = {}

    def add(self, name: str, color: Color) -> None:
        self._entries.setdefault((name, color.hex), color)

    def draw(self, canvas: Canvas) -> None:
        """Draw a panel in the lower left corner, unless the legend is empty."""
        entries = list(self._entries.items())[:MAX_LINES]
        if not entries:
            return
        size = canvas.text_size * 0.85
        row, margin = size * 1.5, size
        width = size * (2.6 + 0.72 * max(len(name) for (name, _), _ in entries))
        height = row * len(entries) + size * 0.7
        top = canvas.height - margin - height
        panel = {**fill(PAPER, 0.88), **stroke(INK, size / 12, 0.5)}
        canvas.rectangle((margin, top, width, height), panel, Layer.LABELS)
        for index, ((name, _), color) in enumerate(entries):
            y = top + size * 0.35 + row * index + row * 0.22
            sample = {**fill(color), **stroke(INK, size / 16)}
            canvas.rectangle((margin + size * 0.5, y, size, size * 0.9), sample, Layer.LABELS)
            canvas.label(name, margin + size * 2, y + size * 0.8, size=size, anchor="start")
