"""A seeded company that ships and takes back: its nightly exports and, apart, the exact truth."""

from simulator.company import Company
from simulator.run import Paths, simulate

__all__ = ["Company", "Paths", "simulate"]
