"""Servers on this computer in the place of messaging providers, one module each."""
