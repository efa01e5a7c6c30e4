"""Domains: each is published whole or not at all, whatever became of the others. A domain is a public schema.

Every check says what it holds back: where it fails, that stays as readers have it. A check of a published
table, or of a step towards one, holds the domain of the table; one of a feed that leads to one domain only
(`OF_FEEDS`) holds that; any other holds all, unless it says itself what it is about (`holds`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOMAINS = ("marts", "finance")
# Where models of finance's tables are, in models/marts and in models/intermediate/marts.
FINANCE_FOLDERS = ("finance", "closing")

# Of marts, and read by views of finance: days and books, of which no check says anything. They come with
# whichever domain is published first.
SHARED = ("calendar", "publications")
# Feeds that only one domain reads; all others lead to both.
OF_FEEDS = {
    "crm_cases": ("marts",),
    "crm_complaints": ("marts",),
    "erp_gl_entries": ("finance",),
    "wms_carrier_invoices": ("marts",),
    "wms_returned_stock": ("marts",),
    "wms_work_orders": ("marts",),
}

# What a step of a build holds back: by domain, the checks that failed, in words.
Held = Mapping[str, str]


def in_words(domains: Iterable[str]) -> str:
    """Domains in their order, as in `marts and finance`."""
    found = set(domains)
    return " and ".join(domain for domain in DOMAINS if domain in found)


def others(domains: Iterable[str]) -> tuple[str, ...]:
    """Domains that are not among them."""
    found = set(domains)
    return tuple(domain for domain in DOMAINS if domain not in found)


def by_domain(failed: Iterable[tuple[tuple[str, ...], str]]) -> dict[str, str]:
    """What is held back by failed checks, each given as what it holds and its words."""
    failed = list(failed)
    texts = {domain: [text for holds, text in failed if domain in holds] for domain in DOMAINS}
    return {domain: "\n".join(found) for domain, found in texts.items() if found}


def of_feeds(feeds: Iterable[str]) -> tuple[str, ...]:
    """What checks of these feeds hold back; all where there are none."""
    found = {domain for feed in feeds for domain in OF_FEEDS.get(feed, DOMAINS)}
    return tuple(domain for domain in DOMAINS if domain in found) or DOMAINS


def of_test(node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """What a test of dbt holds back; `nodes` are those of the manifest."""
    said = _meta(node).get("holds")
    if said:
        return tuple(said) if isinstance(said, list) else (str(said),)
    parents = (node.get("depends_on") or {}).get("nodes") or []
    attached = node.get("attached_node")
    read = [nodes.get(name, {}) for name in ([attached] if attached else parents)]
    found = {domain for parent in read if (domain := of_model(parent))}
    return tuple(domain for domain in DOMAINS if domain in found) or DOMAINS


def of_model(node: Mapping[str, Any]) -> str | None:
    """The domain of a published model, or of a step towards one; None for core and what is before it."""
    if public := _meta(node).get("publish_to"):
        return str(public)
    folders = [folder for folder in list(node.get("fqn") or [])[1:] if folder != "intermediate"]
    if folders[:1] != ["marts"]:
        return None
    return "finance" if folders[1] in FINANCE_FOLDERS else "marts"


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (node.get("config") or {}).get("meta") or {}
    return found
