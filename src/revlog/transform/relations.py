"""Which rows hang together, made from the contracts for dbt: `macros/relations.sql`.

A night computes anew what the rows of its files lead to. Where they lead is said once, in the contracts'
`references`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from revlog.config.settings import ROOT
from revlog.contracts.contract import Contract, ContractError, all_feeds, load_contract

PATH = ROOT / "dbt_project" / "macros" / "relations.sql"
HEAD = """{#- Made from ingestion/contracts by `revlog ingestion dbt-sources`; do not edit.
    Of each feed: the columns whose equal values tie rows together (`ties`, each with the document that
    it names; `lists` hold several, `gathering` tie rows of news only), rows of whole tables that change those
    that name them (`follows`), the days whose rates convert its amounts, and the `unit` that a document is
    where no order is known. -#}
{% macro relations() %}{{ return([
"""


def relations() -> list[dict[str, Any]]:
    """What the contracts say of each feed, in feed order."""
    contracts = {feed: load_contract(feed, "standard") for feed in all_feeds()}
    _check(contracts)
    named = {name for c in contracts.values() for column in c.columns.values() for name in column.references}
    return [_relation(contract, contracts, named) for contract in contracts.values()]


def content() -> str:
    """Text of the macro file."""
    rows = ",\n".join("    " + json.dumps(row) for row in relations())
    rows = rows.replace("null", "none")
    return f"{HEAD}{rows},\n]) }}}}{{% endmacro %}}\n"


def _check(contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        for name, column in contract.columns.items():
            for target in column.references:
                feed, _, named = target.partition(".")
                if feed not in contracts or named not in contracts[feed].columns:
                    raise ContractError(
                        f"{contract.feed}, column {name}: references {target}, which no contract has"
                    )


def _relation(contract: Contract, contracts: dict[str, Contract], named: Iterable[str]) -> dict[str, Any]:
    ties, follows = list[list[str]](), list[dict[str, Any]]()
    for name, column in contract.columns.items():
        own = f"{contract.feed}.{name}"
        if own in named or column.unit is not None or (is_whole(contract) and name == contract.key[0]):
            ties.append([name, own])
        for target in column.references:
            if is_whole(contracts[target.split(".")[0]]):
                follows.append(_follow(name, target, contract, contracts))
            else:
                ties.append([name, target])
    gathering = [column for column, document in ties if _gathers(document, contracts)]
    return {
        "feed": contract.feed,
        "source": contract.source,
        "staging": f"stg_{contract.source}__{contract.feed.removeprefix(contract.source + '_')}",
        "key": list(contract.key),
        "is_whole": is_whole(contract),
        "is_versioned": is_versioned(contract),
        "ties": ties,
        "lists": [n for n, c in contract.columns.items() if c.type == "list"],
        "gathering": gathering,
        "follows": follows,
        "converted_on": contract.converted_on,
        "units": {f"{contract.feed}.{n}": c.unit for n, c in contract.columns.items() if c.unit is not None},
    }


def _gathers(document: str, contracts: dict[str, Contract]) -> bool:
    feed, column = document.split(".")
    return contracts[feed].columns[column].gathers


def is_whole(contract: Contract) -> bool:
    """True where each file brings the whole table."""
    return contract.mode == "full"


def is_versioned(contract: Contract) -> bool:
    """True where a key of a whole table has versions: others are replaced by their day."""
    return is_whole(contract) and len(contract.key) == 1


def _follow(column: str, target: str, contract: Contract, contracts: dict[str, Contract]) -> dict[str, Any]:
    own = contract.columns[column]
    found: dict[str, Any] = {"column": column, "document": target, "as_of": own.as_of}
    if own.where_unknown:
        leads_to = contract.columns[own.where_unknown[0]].references[0].split(".")[0]
        other = contracts[leads_to]
        found["unless"] = {
            "staging": f"stg_{other.source}__{leads_to.removeprefix(other.source + '_')}",
            "by": [list(pair) for pair in zip(own.where_unknown, other.key, strict=True)],
        }
    return found
