"""Thymio II and e-puck, over the Aseba protocol."""
