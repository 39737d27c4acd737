"""Artificial immune networks as pure arrays: antigens in, concentrations of antibodies out."""
