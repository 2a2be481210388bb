"""Maps to play on: grids, the geometry of the game's rules, and what is drawn over a map when it is read."""
