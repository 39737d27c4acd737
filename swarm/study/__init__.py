"""Comparing controllers: whole missions, many times over, and what can be said afterwards."""
