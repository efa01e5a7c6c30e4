"""Ratios against rivals, side by side in one run; never a timed test."""
