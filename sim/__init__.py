"""Worlds that serve bodies: what the robots of a simulated swarm drive, sense and work in."""
