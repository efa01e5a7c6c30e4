"""Closing fiscal periods: what was reported stays, and what changes later is told apart."""
