"""Robots in the field: minds on real bodies, and what a fleet of them needs."""
