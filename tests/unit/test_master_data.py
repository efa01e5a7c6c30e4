"""A company's tables are checked as they stand in its folder: every fault with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from revlog.companies import seeds
from revlog.config.settings import SettingsError
from revlog.ingestion.check import faults

SITES = "site,name,country,zone,currency\n"
CODES = "source_code,disposition,valid_from,valid_to\n"
CHANNELS = "source_code,channel,label,valid_from,valid_to\n"
POLICIES = (
    "policy,product_category,reason,valid_from,valid_to,window_days,is_window_waived,merchandise_pct,tax_pct,"
    "shipping_pct,duty_pct,takes_restocking_fee,takes_label_fee\n"
)
ALWAYS = "1900-01-01,9999-12-31"


def _told(folder: Path, **tables: str) -> list[str]:
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(content)
    return [f"{Path(fault.path).name}:{fault.line}: {fault.text}" for fault in faults(str(folder))]


def test_a_sound_folder_has_no_fault(tmp_path: Path) -> None:
    told = _told(
        tmp_path,
        sites=SITES + 'NYC,"Brooklyn, dock 2",US,America/New_York,USD\n\n',
        disposition_crosswalk=CODES
        + "SELLABLE,RESTOCK,1900-01-01,2026-01-01\nSELLABLE,REPAIR,2026-01-01,9999-12-31\n",
        return_policies=POLICIES
        + "old,*,*,1900-01-01,2026-01-01,30,false,100,100,0,0,false,false\n"
        + "new,*,*,2026-01-01,9999-12-31,,false,100,100,0,0,false,false\n"
        + "new,*,DEFECTIVE,2026-01-01,9999-12-31,,true,100,100,50.5,0,false,false\n",
        handling_rates="site,activity,unit,currency,rate,valid_from,valid_to\n"
        f"NYC,receiving,unit,USD,1.4,{ALWAYS}\nSERVICE,case,case,USD,5,{ALWAYS}\n",
    )
    assert told == []


def test_every_fault_of_every_table_is_told_and_not_the_first_alone(tmp_path: Path) -> None:
    told = _told(
        tmp_path,
        sites=SITES + "NYC,Brooklyn,USA,America/NewYork,$\n LAX,,US,America/Los_Angeles,USD\n",
        disposition_crosswalk=CODES + f"RS,RESTOK,{ALWAYS}\nXX,RESTOCK,2026-13-01,9999-12-31\n",
    )
    assert [line.split(";")[0] for line in told] == [
        "disposition_crosswalk.csv:2: disposition: 'RESTOK' is not in dispositions",
        "disposition_crosswalk.csv:3: valid_from: '2026-13-01' is no date: write it as 2026-01-31",
        "sites.csv:2: country: 'USA' is no country of two capital letters (ISO 3166), such as DE",
        "sites.csv:2: currency: '$' is no currency of ISO 4217",
        "sites.csv:2: zone: 'America/NewYork' is no time zone of the IANA database",
        "sites.csv:3: name: a value is missing",
        "sites.csv:3: site: ' LAX' has space around it",
    ]
    assert "near: RESTOCK" in told[0] and "America/New_York" in told[4]


@pytest.mark.parametrize(
    ("table", "content", "line", "text"),
    [
        ("sites", "site,name,country,zone\n", 1, "the columns currency are missing; sites has site,name,"),
        ("sites", SITES.replace("zone", "Zone"), 1, "sites has no column 'Zone'; near: zone"),
        ("sites", SITES.strip() + ",site\n", 1, "the column 'site' stands twice"),
        ("sites", SITES + '\n"NYC","Brook\nlyn",US\n', 3, "3 values, the header has 5 columns"),
        ("sites", SITES + '"NYC"x,a,US,UTC,USD\n', 2, "no CSV"),
        ("sites", "", 1, "the columns site, name, country, zone, currency are missing"),
        ("sites", SITES + 2 * "NYC,a,US,UTC,USD\n", 3, "site NYC stands in line 2, too"),
        ("handling_rates", "site,activity,unit,currency,rate,valid_from,valid_to\n"
         f"LEJ,receiving,unit,EUR,1,{ALWAYS}\n", 2, "site: 'LEJ' is not in sites"),
        ("handling_rates", "site,activity,unit,currency,rate,valid_from,valid_to\n"
         f"SERVICE,cases,case,EUR,1,{ALWAYS}\n", 2, "activity: 'cases' is not one of receiving, inspection"),
        ("handling_rates", "site,activity,unit,currency,rate,valid_from,valid_to\n"
         f"SERVICE,case,case,EUR,1.23456,{ALWAYS}\n", 2, "rate: '1.23456' has more than 4 decimals"),
        ("handling_rates", "site,activity,unit,currency,rate,valid_from,valid_to\n"
         f"SERVICE,case,case,EUR,-1,{ALWAYS}\n", 2, "rate: '-1' is no number from 0 on"),
        ("handling_rates", "site,activity,unit,currency,rate,valid_from,valid_to\n"
         "SERVICE,case,case,EUR,1,2026-02-01,2026-02-01\n", 2, "it ends (2026-02-01) before it begins"),
        ("grade_factors", "grade,grade_rank,restock_factor,label\nNEW,1,10000.00,New\n", 2,
         "'10000.00' is too large: 4 digits before the point"),
        ("grade_factors", "grade,grade_rank,restock_factor,label\nNEW,first,1,New\n", 2,
         "grade_rank: 'first' is no whole number"),
        ("disposition_crosswalk", f"{CODES}A,RESTOCK,{ALWAYS}\nA,REPAIR,2026-01-01,9999-12-31\n", 3,
         "source_code A stands in line 2, too"),
        ("disposition_crosswalk", f"{CODES}ZZ,<disposition>,{ALWAYS}\n", 2,
         "disposition: '<disposition>' is not in dispositions"),
        ("channels", f"{CHANNELS}web,WEB,Online,{ALWAYS}\n", 2,
         "WEB is called 'Online' here and 'Web shop' as the product ships it"),
        ("gl_accounts", "account,role,component,label\n4801,memo,,Returns\n", 2,
         "role: 'memo' is not one of memo_component"),
        ("return_policies", f"{POLICIES}a,*,DEFECT,{ALWAYS},,false,100,100,0,0,false,no\n", 2,
         "takes_label_fee: 'no' is not true or false"),
        ("return_policies", f"{POLICIES}a,*,DEFECT,{ALWAYS},,false,100,100,0,0,false,false\n", 2,
         "reason: 'DEFECT' is not in reasons; near: DEFECTIVE"),
        ("return_policies", f"{POLICIES}a,*,DEFECTIVE,{ALWAYS},,false,100,100,0,0,false,false\n", 2,
         "a has no row with * as category and reason"),
        ("return_policies", POLICIES + "a,*,*,1900-01-01,2025-01-01,,false,100,100,0,0,false,false\n"
         "b,*,*,2026-01-01,9999-12-31,,false,100,100,0,0,false,false\n", 3,
         "a ends on 2025-01-01, what follows begins on 2026-01-01: sales have two policies, or none"),
        ("return_policies", POLICIES + "a,*,*,1900-01-01,2025-01-01,,false,100,100,0,0,false,false\n", 2,
         "a ends on 2025-01-01, what follows begins on 9999-12-31"),
        ("reasons", "reason,fault_party,label\n", 1, "reasons is the product's own"),
        ("site", SITES, 1, "no table is called site; near: sites"),
    ],
)  # fmt: skip
def test_what_a_table_can_not_be_is_told_in_its_line(
    tmp_path: Path, table: str, content: str, line: int, text: str
) -> None:
    told = _told(tmp_path, **{table: content})
    assert any(found.startswith(f"{table}.csv:{line}: ") and text in found for found in told), told


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_bytes(
        SITES.encode() + "MUC,München,DE,Europe/Berlin,EUR\n".encode("cp1252")
    )
    assert _told(tmp_path) == ["sites.csv:1: it is not in UTF-8: save it so"]


def test_what_spreadsheets_put_before_utf_8_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_bytes(("\ufeff" + SITES + "MUC,München,DE,Europe/Berlin,EUR\r\n").encode())
    assert _told(tmp_path) == []
    assert "MUC,München,DE,Europe/Berlin,EUR\n" in seeds.seeds(str(tmp_path))["sites.csv"]


def test_what_nobody_reads_is_told(tmp_path: Path) -> None:
    (tmp_path / "layouts").mkdir()
    (tmp_path / "sites.xlsx").write_text("")
    (tmp_path / "README.md").write_text("Ours.")
    assert _told(tmp_path) == [
        f"{name}:1: it is not read: a company's files are company.yml, <feed>.yml and <table>.csv"
        for name in ("layouts", "sites.xlsx")
    ]


def test_a_profile_has_its_faults_told_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "company.yml").write_text(
        "title: Acme\nreporting_currency: EURO\nfiscal_year_start_month: 13\nreason_system: {}\n"
    )
    assert [line.split(": ")[0] for line in _told(tmp_path)] == [f"company.yml:{n}" for n in (2, 3, 4)]
    (tmp_path / "company.yml").write_text("reason_systems:\n  crm: shopify\n  wms: depot\n")
    assert [line.split(";")[0] for line in _told(tmp_path)] == [
        "company.yml:3: reason_crosswalk has no source_system 'depot'"
    ]


def test_no_build_begins_with_a_faulty_table(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(SITES + "NYC,a,US,UTC,Dollar\n" + "LAX,a,US,Los_Angeles,USD\n")
    with pytest.raises(SettingsError) as told:
        seeds.seeds(str(tmp_path))
    assert "sites.csv:2: currency: 'Dollar'" in str(told.value)
    assert "sites.csv:3: zone: 'Los_Angeles'" in str(told.value)
