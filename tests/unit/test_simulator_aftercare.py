"""What follows a return: work orders, claims, cases, returned stock, exchanges; and what was found in it."""

from __future__ import annotations

import csv
import datetime as dt
import gc
import json
import weakref
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import simulator.run
from simulator import Company, cells, simulate
from simulator.aftercare import work_orders
from simulator.cells import Cells
from simulator.claims import CLAIM_STATUSES
from simulator.company import EXCHANGE, IS_FINAL, NEVER, RS, make_items, make_rates
from simulator.found import FINDINGS, SERIAL_FATES
from simulator.habits import DENSE
from simulator.headers import HEADERS
from simulator.orders import blocks
from simulator.reconcile import Reconciliation
from simulator.render import UNIT
from simulator.run import Paths, make_world
from simulator.service import TOPICS
from simulator.stock import LOCATIONS
from simulator.truth.known import KnownReturns
from simulator.truth.kpis import KPIS
from simulator.workshop import WORK_TYPES
from simulator.world import World

HISTORY, NIGHT = "2026-01-31", "2026-02-01"


def company(folder: Path, **changes: object) -> Company:
    """A company of 2,000 lines in a folder."""
    settings = {"order_lines": 2000, "seed": 11, **changes}
    return Company(out=folder / "landing", truth=folder / "truth", **settings, habits=DENSE)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """One clean simulation of 2,000 lines with a night."""
    return simulate(company(tmp_path_factory.mktemp("aftercare"), dirt=0.0))


@pytest.fixture(scope="module")
def world() -> World:
    """The history of the same company, still in memory."""
    small = company(Path())
    return make_world(small, make_items(small), make_rates(small), next(iter(blocks(small))))


def sheet(path: Path, head: int = 1) -> list[dict[str, object]]:
    """Rows of a workbook's only sheet; `head` is the row of the column names."""
    rows = [list(row) for row in openpyxl.load_workbook(path).worksheets[0].values]
    return [dict(zip(rows[head - 1], row, strict=True)) for row in rows[head:]]


def stock(run: Paths, date: str) -> pd.DataFrame:
    """Rows of one day's stock."""
    return pq.read_table(run.landing / "wms" / f"wms_returned_stock_{date}.parquet").to_pandas()


def kpis(run: Paths, date: str) -> dict[str, dict[str, Decimal]]:
    """Numerator and denominator by `kpi/basis`, over all cells."""
    counts = json.loads((run.truth / date / "counts.json").read_text())["kpis"]
    return {kpi: {side: Decimal(text) for side, text in sides.items()} for kpi, sides in counts.items()}


# -- every way occurs at 2,000 order lines --


@pytest.mark.parametrize("fate", SERIAL_FATES)
def test_every_fate_of_a_serial_number_occurs(world: World, fate: str) -> None:
    receipts = world.goods.receipts
    assert (receipts[receipts["serial"] >= 0]["serial_fate"] == SERIAL_FATES.index(fate)).any()


def test_every_kind_of_finding_occurs(world: World) -> None:
    looks, receipts, lines = world.goods.inspections, world.goods.receipts, world.goods.lines
    sent = lines["item"].to_numpy()[receipts["line"].to_numpy()[looks["receipt"]]]
    expected = world.items.weight[sent] * receipts["quantity"].to_numpy()[looks["receipt"]]
    empty = looks["weight_g"] < expected * 0.1
    another = looks["item_found"] != sent
    found = {"empty_box": empty.any(), "another_item": another.any(), "as_sent": (~empty & ~another).any()}
    assert found == dict.fromkeys(FINDINGS, True)


@pytest.mark.parametrize(
    ("table", "column", "names"),
    [("claims", "answer", CLAIM_STATUSES), ("work_orders", "type", WORK_TYPES)],
)
def test_every_kind_of_claim_and_work_occurs(
    world: World, table: str, column: str, names: tuple[str, ...]
) -> None:
    assert set(getattr(world.goods, table)[column]) == set(range(len(names)))


def test_every_topic_occurs_and_some_customers_give_a_score(world: World) -> None:
    assert set(world.cases["topic"]) == set(range(len(TOPICS)))
    assert set(world.cases["csat"]) == {0, 1, 2, 3, 4, 5}


def test_some_customers_say_again_and_again_that_nothing_came(world: World) -> None:
    never = world.cases[world.cases["topic"] == TOPICS.index("never_arrived")]
    assert never["customer"].value_counts().max() >= 2


def test_claims_of_one_vendor_and_day_share_a_number(world: World) -> None:
    claims = world.goods.claims
    assert (claims.groupby("claim")["vendor"].nunique() == 1).all()
    assert not claims.duplicated(["claim", "line_no"]).any()
    assert (claims["receipt"] < 0).any()  # some of own stock


def test_goods_lie_everywhere(run: Paths) -> None:
    found = {
        place
        for path in run.landing.glob("wms/*.parquet")
        for place in pq.read_table(path)["location"].to_pylist()
    }
    assert found == set(LOCATIONS)


def test_orders_hold_two_sizes_of_which_one_comes_back(run: Paths) -> None:
    assert kpis(run, HISTORY)["bracketing_rate/SALE"]["numerator"] > 0


def test_every_kpi_has_cells(run: Paths) -> None:
    assert set(kpis(run, HISTORY)) == {f"{kpi}/{basis}" for kpi, basis, _ in KPIS}


# -- exchanges --


def test_exchanged_goods_are_sent_after_the_credit_at_the_price_before_or_above(world: World) -> None:
    new = world.sales[world.sales["replaces"] >= 0]
    lines = world.goods.lines.set_index("rma")
    assert len(new) > 5
    for row in new.to_dict("records"):
        line = lines.loc[[row["replaces"]]]
        line = line[line["resolution"] == EXCHANGE]
        old = world.sales.iloc[line["sale"].to_numpy()]
        assert row["customer"] in set(old["customer"])
        assert row["unit_price"] >= old["unit_price"].min()
        assert row["item"] // 4 in set(old["item"] // 4)
        assert row["net"] == row["unit_price"] * row["quantity"] - row["discount"]
        assert row["shipped_at"] > row["ordered_at"]
    credited = world.money.credited.set_index("line")["at"]
    assert new["ordered_at"].min() > credited.min()


def test_what_the_goods_sent_are_cheaper_by_is_owed_and_paid_and_goods_make_good_the_rest() -> None:
    """By hand: whole order lines that came back, each less the order that replaced it."""
    small = company(Path(), order_lines=6000, defects=0)
    world = make_world(small, make_items(small), make_rates(small), next(iter(blocks(small))))
    truth = Reconciliation(KnownReturns(world, 0))
    credited, sales, lines = world.money.credited, world.sales, world.goods.lines
    sent = sales[sales["replaces"] >= 0].set_index("replaces")
    found = {"cheaper": 0, "dearer": 0, "even": 0}
    for row in credited[(credited["sent_at"] < world.end(0)) & (credited["sent_units"] > 0)].to_dict(
        "records"
    ):
        line = lines.iloc[row["line"]]
        old, new = sales.iloc[line["sale"]], sent.loc[[line["rma"]]]
        if row["units"] != old["quantity"] or len(new) > 1 or truth.books.group[row["line"]] != row["line"]:
            continue
        came, went = old["net"] + old["tax"], int((new["net"] + new["tax"]).iloc[0])
        paid = world.money.tenders[world.money.tenders["line"] == row["line"]]["amount"].sum()
        if abs(came - went) <= 2:
            found["even"] += 1
            assert (truth.legs["e"][row["line"]], paid) == (0, 0)
            continue
        found["cheaper" if went < came else "dearer"] += 1
        # Cheaper, it is paid back; dearer, the customer owes it, and nobody has collected it.
        assert (truth.legs["e"][row["line"]], paid) == (came - went, max(came - went, 0))
        if truth.has_m[row["line"]]:
            explained = truth.found["E-M", "STORE_CREDIT_OR_EXCHANGE"][row["line"]]
            assert explained == -went
    assert min(found.values()) > 2, found


def test_exchanges_have_orders_of_their_own(world: World) -> None:
    new = world.sales["replaces"] >= 0
    assert not set(world.sales[new]["order"]) & set(world.sales[~new]["order"])


def test_exchanges_name_their_rma_in_the_export(run: Paths) -> None:
    def column(feed: str, name: str, delimiter: str) -> set[str]:
        with (run.landing / "erp" / f"{feed}_20260131.csv").open(encoding="latin-1") as file:
            return {row[name] for row in csv.DictReader(file, delimiter=delimiter)}

    replaced = column("erp_sales_lines", "replaces_rma_no", ";") - {""}
    assert replaced
    assert replaced <= column("erp_return_authorizations", "rma_no", ",")


# -- files --


def test_work_orders_stand_below_two_lines_of_title(run: Paths) -> None:
    path = run.landing / "wms" / "wms_work_orders_20260131.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Work orders"]
    rows = sheet(path, head=3)
    assert len(rows) > 20
    for row in rows:
        assert isinstance(row["opened_at"], dt.datetime)
        assert isinstance(row["labour_minutes"], float | int)
        assert (row["closed_at"] is None) == (row["outcome_grade"] is None)
        last = row["closed_at"] or row["opened_at"]
        assert row["updated_at"] == f"{last:%Y-%m-%d %H:%M:%S}"


def test_a_work_order_is_sent_again_when_it_is_closed() -> None:
    small = company(Path(), nights=20)
    world = make_world(small, make_items(small), make_rates(small), next(iter(blocks(small))))
    names = HEADERS["wms_work_orders"].split(UNIT)
    versions: dict[str, list[dict[str, str]]] = {}
    for night in range(21):
        for line in work_orders(world, night).lines.to_pylist():
            row = dict(zip(names, line.rstrip("\n").split(UNIT), strict=True))
            versions.setdefault(row["work_order_no"], []).append(row)
    changed = [rows for rows in versions.values() if len(rows) > 1]
    assert changed
    for before, after in changed:
        assert before["closed_at"] == "" != after["closed_at"]
        assert Decimal(after["labour_minutes"]) > Decimal(before["labour_minutes"])


def test_vendors_come_once_a_month_and_change_their_terms(run: Paths) -> None:
    files = sorted((run.landing / "erp").glob("erp_vendors_*.xlsx"))
    assert [path.stem[-8:] for path in files] == [f"2025{m:02d}01" for m in range(1, 13)] + [
        "20260101",
        "20260201",
    ]
    terms = [{row["vendor_id"]: row["rtv_recovery_pct"] for row in sheet(path)} for path in files]
    assert len(terms[0]) == 23
    assert terms[0] != terms[-1]


def test_stock_is_a_table_of_typed_columns(run: Paths) -> None:
    table = pq.read_table(run.landing / "wms" / "wms_returned_stock_20260131.parquet")
    assert table.schema.field("snapshot_date").type == pa.date32()
    assert table.schema.field("unit_value").type == pa.decimal128(18, 4)
    rows = table.to_pandas()
    assert not rows.duplicated(["snapshot_date", "site", "location", "sku", "grade"]).any()
    assert set(rows["snapshot_date"]) == {dt.date(2026, 1, 31)}
    assert (rows["quantity"] > 0).all()


def test_stock_is_there_at_month_ends_and_on_the_last_days(run: Paths) -> None:
    days = [path.stem[-8:] for path in sorted((run.landing / "wms").glob("wms_returned_stock_*.parquet"))]
    assert days[-8:] == [f"202601{day}" for day in range(25, 32)] + ["20260201"]
    ends = pd.date_range("2025-01-01", "2025-12-31", freq="ME").strftime("%Y%m%d")
    assert set(days[:-8]) <= set(ends)  # one without any stock has no file
    assert len(days) > 8 + 8


def test_late_rows_of_changing_feeds_come_once(tmp_path: Path) -> None:
    paths = simulate(company(tmp_path, order_lines=20_000, dirt=5.0))
    for pattern, key in (("crm/crm_cases_*.csv", "case_id"), ("erp/erp_vendor_claims_*.csv", "claim_no")):
        files = sorted(paths.landing.glob(pattern))
        late = [path for path in files if "_late" in path.name]
        assert len(late) == 1
        keys = {path: {row.split(";")[0].split(",")[0] for row in _lines(path)} for path in files}
        assert keys[late[0]] - {key}
        others = set().union(*(found for path, found in keys.items() if path not in late)) - {key}
        assert not (keys[late[0]] & others - {key})


def _lines(path: Path) -> Iterator[str]:
    yield from path.read_text(encoding="latin-1").splitlines()


# -- figures that have to agree --


@pytest.mark.parametrize("date", [HISTORY, NIGHT])
def test_stock_is_what_was_received_and_is_not_disposed_of(run: Paths, date: str) -> None:
    """The returned stock of a day rolls forward from receipts and final dispositions."""
    lying = int(stock(run, date.replace("-", ""))["quantity"].sum())
    found = kpis(run, date)
    received = found["product_return_rate/RETURN"]["numerator"]
    assert lying == received - found["restock_rate/RETURN"]["denominator"] > 0


@pytest.mark.parametrize("date", [HISTORY, NIGHT])
def test_bases_agree_in_all(run: Paths, date: str) -> None:
    found = kpis(run, date)
    paid_back, of_cohorts = found["refund_rate/REFUND"], found["refund_rate/SALE"]
    assert paid_back["denominator"] == of_cohorts["denominator"]
    cells = pd.read_csv(run.truth / date / "kpi_daily.csv", dtype=str)
    cells = cells[(cells["kpi"] == "refund_rate") & (cells["channel"] == "UNATTRIBUTED")]
    # What belongs to no known sale is in no cohort.
    assert set(cells["basis"]) == {"REFUND"}
    assert paid_back["numerator"] - of_cohorts["numerator"] == sum(map(Decimal, cells["numerator"]))
    assert found["return_value_rate/RETURN"]["denominator"] == found["return_value_rate/SALE"]["denominator"]
    assert found["order_return_rate/SALE"]["denominator"] == found["bracketing_rate/SALE"]["denominator"]
    kept, paid = found["retained_revenue_ratio/REFUND"], found["refund_ratio/REFUND"]
    assert kept["numerator"] + paid["numerator"] == kept["denominator"] == paid["denominator"]


@pytest.mark.parametrize("date", [HISTORY, NIGHT])
@pytest.mark.parametrize("kpi", ["open_return_units", "open_return_value"])
def test_ages_add_up_to_all_that_is_open(run: Paths, date: str, kpi: str) -> None:
    ages = [sides for name, sides in kpis(run, date).items() if name.startswith(kpi)]
    assert len(ages) == 5
    assert {sum(sides["numerator"] for sides in ages)} == {sides["denominator"] for sides in ages}


def test_open_units_are_those_that_wait_in_the_cycle_time(run: Paths) -> None:
    with (run.truth / HISTORY / "return_cycle_time.csv").open() as file:
        overall = next(row for row in csv.DictReader(file) if row["request_month"] == "ALL")
    assert kpis(run, HISTORY)["open_return_units.0_7/SNAPSHOT"]["denominator"] == int(overall["censored"])


def test_final_dispositions_are_the_end_of_each_unit(world: World) -> None:
    """No unit ends twice: what ends is at most what came."""
    rows = world.goods.dispositions
    stands = IS_FINAL[rows["code"]] & (rows["reverses"] < 0) & (rows["reversed_at"] == NEVER)
    ended = rows[stands].groupby("receipt")["quantity"].sum()
    assert (ended <= world.goods.receipts["quantity"].loc[ended.index]).all()
    assert (rows[rows["reverses"] >= 0]["code"] == RS).all()


# -- however large --


def test_a_block_is_forgotten_once_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[World]] = []
    alive: list[int] = []

    def remembered(*arguments: object) -> World:
        gc.collect()
        alive.append(sum(block() is not None for block in made))
        world = make_world(*arguments)  # type: ignore[arg-type]
        made.append(weakref.ref(world))
        return world

    monkeypatch.setattr(simulator.run, "make_world", remembered)
    simulate(company(tmp_path, order_lines=1500, block_lines=250))
    assert len(made) == 7  # six blocks of history, one of the night
    assert max(alive) <= 1  # the one before, until it is replaced


def test_sums_stay_as_small_as_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "KEEP_ROWS", 1000)
    sums = Cells({"day": 9, "site": 2}, ("units",))
    for _ in range(100):
        sums.add({"day": np.arange(600) // 2, "site": 3, "units": 1})
        assert sums.rows <= 1300
    table = sums.table()
    assert table["day"].tolist() == list(range(300))
    assert set(table["site"]) == {3}
    assert table["units"].tolist() == [200] * 300


@pytest.mark.parametrize("day", [-1, 512])
def test_a_key_that_has_no_place_is_refused(day: int) -> None:
    with pytest.raises(ValueError, match="day is from"):
        Cells({"day": 9}, ("units",)).add({"day": np.array([3, day]), "units": 1})
