"""Whether a share of units rose by more than chance would have it."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import false_discovery_control, fisher_exact

# Of the shares called worse, at most this part is expected to be chance.
FALSE_DISCOVERIES = 0.05


def chance_of_rise(hits: int, of: int, hits_before: int, of_before: int) -> float:
    """Chance that a share this much higher than before comes of luck: Fisher's exact test, one-sided.

    Exact also where units are few, as they are of one product in three months. 1 where either time had none.
    """
    if not of or not of_before:
        return 1.0
    table = [[hits, of - hits], [hits_before, of_before - hits_before]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def among_many(chances: Sequence[float]) -> list[float]:
    """The chances, each raised for how many were looked at: Benjamini and Hochberg.

    Of 400 products that did not change, twenty would be below 5 % each for itself.
    """
    return [float(chance) for chance in false_discovery_control(chances)] if chances else []
