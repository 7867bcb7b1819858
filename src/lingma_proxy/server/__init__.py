"""HTTP in front: guard, routes, streams."""
