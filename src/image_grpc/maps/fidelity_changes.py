"""What remains of the fidelity of a picture when its map changes."""

from tabletop.image.v1.map_pb2 import MapProperties

from image_grpc.maps.grid import DEFAULT_CELL
from image_grpc.messages import clone


def update_fidelity(properties: MapProperties, previous: MapProperties) -> None:
    """Adapt the fidelity of changed properties, in place.

    If the grid was moved, the walls that are in cells have moved with it, and so have offset and weak edges. The score
    remains that of the picture when it was generated. After any other change of the grid, nothing of it holds. Weak
    edges of walls that were removed or changed are dropped.
    """
    if not properties.HasField("fidelity"):
        return
    grid, old = properties.grid, previous.grid
    size, old_size = grid.size or DEFAULT_CELL, old.size or DEFAULT_CELL
    if size != old_size or grid.kind != old.kind:
        properties.ClearField("fidelity")
        return
    fidelity = properties.fidelity
    right, down = grid.offset.x - old.offset.x, grid.offset.y - old.offset.y
    fidelity.offset_x -= right / size
    fidelity.offset_y -= down / size
    places = {wall.id: (wall.start, wall.end) for wall in properties.walls}
    old_places = {wall.id: (wall.start, wall.end) for wall in previous.walls}
    kept = [clone(edge) for edge in fidelity.weak_edges if places.get(edge.wall_id) == old_places.get(edge.wall_id)]
    for edge in kept:
        for point in (edge.start, edge.end):
            point.x += right
            point.y += down
    del fidelity.weak_edges[:]
    fidelity.weak_edges.extend(kept)
