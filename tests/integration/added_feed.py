"""A feed that the company adds: its contract and two models, and nothing else anywhere."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from revlog.contracts import contract as contracts
from revlog.ingestion.raw import create_raw_tables
from revlog.transform import project
from revlog.transform.sources import source_files

FEED = "crm_complaints"
CONTRACT = """
feed: crm_complaints
source: crm
title: Complaints
description: What customers complain about.
grain: one row per complaint
key: [complaint_no]
mode: delta
version: updated_at
columns:
  complaint_no: {type: id, required: true, unit: "CMP:", description: "Number."}
  order_no: {type: id, references: erp_sales_lines.order_no, description: "Order complained about."}
  words: {type: code, description: "What it is about."}
  updated_at: {type: timestamp, required: true, description: "Last change."}
layouts:
  standard: {file: "crm_complaints_{date}*.jsonl", format: jsonl}
"""
STAGING = """
{{ config(
    meta={'replaces': 'files', 'source': 'crm', 'feed': 'crm_complaints', 'keys': ['complaint_no']},
    indexes=[{'columns': ['complaint_no'], 'unique': true}, {'columns': ['order_no']}],
) }}
with winners as (
    {{ winners('crm', 'crm_complaints', ['complaint_no'], 'updated_at') }}
)
select complaint_no, order_no, words, _file_id, _line_no from winners
"""
# What was paid for the order complained about: it changes with the order's lines as well
FACT = """
{{ config(indexes=[{'columns': ['complaint_no'], 'unique': true}, {'columns': ['unit_key']}]) }}
with complaints as (
    {{ working_set(ref('stg_crm__complaints'), [
        'order_no in ' ~ touched_units(), 'complaint_no in (' ~ lone_units('CMP:') ~ ')',
    ]) }}
),
orders as (
    select order_no, sum(net_amount) as net_amount from {{ ref('stg_erp__sales_lines') }}
    where order_no in (select order_no from complaints) group by order_no
)
select
    coalesce(orders.order_no, 'CMP:' || complaints.complaint_no) as unit_key,
    complaints.complaint_no, complaints.words, orders.net_amount
from complaints
left join orders on complaints.order_no = orders.order_no
"""


@contextlib.contextmanager
def added_feed(folder: Path) -> Iterator[None]:
    """Let the company have the feed beside its others, as docs/how-to/add-a-feed.md says."""
    copy = folder / "dbt_project"
    shutil.copytree(contracts.CONTRACTS, folder / "contracts")
    shutil.copytree(project.PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs"))
    (folder / "contracts" / f"{FEED}.yml").write_text(CONTRACT)
    (copy / "models" / "staging" / "crm" / "stg_crm__complaints.sql").write_text(STAGING)
    (copy / "models" / "core" / "fct_complaint.sql").write_text(FACT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contracts, "CONTRACTS", folder / "contracts")
        contracts._read.cache_clear()
        for path, text in source_files().items():
            (copy / path.relative_to(project.PROJECT)).write_text(text)
        patch.setattr(project, "PROJECT", copy)
        create_raw_tables()
        yield
    contracts._read.cache_clear()


def complaints(orders: list[str]) -> list[dict[str, object]]:
    """A complaint about each order."""
    row = yaml.safe_load("{words: late, updated_at: 2026-01-30 12:00:00, updated_at_local: null}")
    return [row | {"complaint_no": f"K{n:04}", "order_no": order} for n, order in enumerate(orders)]
