"""Cells as few rectangles."""

import itertools
from collections.abc import Iterable

from tabletop.image.v1.map_pb2 import CellRectangle

from image_grpc.maps.grid import Cells


def rectangles(cells: Cells | Iterable[tuple[int, int]]) -> list[CellRectangle]:
    """Return cells as rectangles: runs in rows, one below the other joined if they are equally long."""
    by_row: dict[int, list[int]] = {}
    for column, row in sorted((int(column), int(row)) for column, row in cells):
        by_row.setdefault(row, []).append(column)
    finished, growing = list[CellRectangle](), dict[tuple[int, int], CellRectangle]()
    for row in sorted(by_row):
        continued = dict[tuple[int, int], CellRectangle]()
        for first, count in _runs(by_row[row]):
            above = growing.get((first, count))
            if above is not None and above.row + above.rows == row:
                above.rows += 1
            else:
                above = CellRectangle(column=first, row=row, columns=count, rows=1)
                finished.append(above)
            continued[first, count] = above
        growing = continued
    return finished


def _runs(columns: list[int]) -> list[tuple[int, int]]:
    """Return the first column and the length of each run of neighbors."""
    breaks = [0, *(i for i in range(1, len(columns)) if columns[i] != columns[i - 1] + 1), len(columns)]
    return [(columns[first], last - first) for first, last in itertools.pairwise(breaks)]
