"""Game maps: grids, the geometry of the game rules, and the overlays drawn over a map when it is read."""
