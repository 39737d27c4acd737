"""Learning classifier systems as pure arrays. Usable alone, without the swarm."""
