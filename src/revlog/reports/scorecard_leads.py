"""What answers each reader's first question on the scorecard for everyone."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from revlog.reports import kpi_series
from revlog.reports.leads import OTHERS, Figure, Grid, Lead, Worst, graded, many
from revlog.reports.night_work import Work
from revlog.reports.product_changes import Change
from revlog.reports.scorecard_rows import ScorecardRows
from revlog.reports.snapshots import Row

WORST_SHOWN = 3
SITES_SHOWN = 5


def leads_of(
    rows: ScorecardRows, audiences: kpi_series.Audiences, changed: list[Change], work: Work
) -> list[Lead]:
    """One entry a reader, in the order of the page."""
    return [
        _operations(rows.under_way),
        _product(changed, kpi_series.got_worse(audiences.values())),
        _service(rows.under_way),
        _compliance(rows.regulated),
        _engineering(rows, work),
    ]


def _operations(under_way: list[Row]) -> Lead:
    late = [row for row in under_way if row["overdue"] == "yes"]
    worst = [
        Worst(
            row["document"],
            f"{_named(row['product'], row['sku'])}, {row['site']}: {row['next_step']}",
            f"{row['days_overdue']:,} d overdue",
            "under_way",
            {"Return": row["document"]},
        )
        for row in late[:WORST_SHOWN]
    ]
    return Lead(
        "operations",
        "Operations",
        "What is overdue, at which step and site?",
        [
            _figure(
                "overdue",
                len(late),
                f"{many(len(late), 'return line')} overdue, of {len(under_way):,} under way",
                "bad",
                "under_way",
                {"Overdue": "yes"},
            ),
        ],
        worst,
        "Nothing is overdue.",
        _by_step_and_site(late),
    )


def _by_step_and_site(late: list[Row]) -> Grid | None:
    """Overdue lines, the steps and the sites with most of them first."""
    if not late:
        return None
    steps, sites = (Counter(row[name] for row in late) for name in ("next_step", "site"))
    ordered = [site for site, _ in sites.most_common()]
    shown, others = ordered[:SITES_SHOWN], ordered[SITES_SHOWN:]
    if others:
        shown.append(OTHERS)
    counts = Counter((row["next_step"], row["site"] if row["site"] in shown else OTHERS) for row in late)
    return Grid(
        "under_way", "Next step", "Site", [step for step, _ in steps.most_common()], shown, counts,
        {"Overdue": "yes"}, others,
    )  # fmt: skip


def _product(changed: list[Change], kpis: list[tuple[kpi_series.KpiSeries, kpi_series.Line]]) -> Lead:
    products = [change for change in changed if change.row["kind"] == "product"]
    categories = [change for change in changed if change.row["kind"] == "category"]
    worse, worse_categories = ([change for change in of if change.is_worse] for of in (products, categories))
    shown = [*worse, *worse_categories][:WORST_SHOWN]
    worst = [
        Worst(
            _named(change.row["product_name"], change.row["name"]),
            f"{change.rate_before:.1%} before",
            f"{change.rate:.1%} come back",
            "changes",
            {"Kind": change.row["kind"], "SKU or category": change.row["name"]},
        )
        for change in shown
    ]
    names = ", ".join(series.title for series, _ in kpis[:3])
    return Lead(
        "product",
        "Product",
        "What got worse, by more than chance?",
        [
            _figure(
                "worse_products",
                len(worse),
                f"{many(len(worse), 'product comes', 'products come')} back more, of {len(products):,}",
                # None of none is no good news.
                "bad" if products else "",
                "changes",
                {"Kind": "product", "Verdict": "worse"},
                always=not products,
            ),
            _figure(
                "worse_categories",
                len(worse_categories),
                f"{many(len(worse_categories), 'category does', 'categories do')}, of {len(categories):,}",
                "bad" if categories else "",
                "changes",
                {"Kind": "category", "Verdict": "worse"},
                always=not categories,
            ),
            _figure(
                "worse_kpis",
                len(kpis),
                f"{many(len(kpis), 'KPI')} worse than a month before{': ' + names if names else ''}",
                "bad",
                "kpi_changes",
                {"Verdict": "worse"},
            ),
        ],
        worst,
        "No product or category rose by more than chance."
        if changed
        else "No product has enough units that are final.",
    )


def _service(under_way: list[Row]) -> Lead:
    waiting = {
        who: [row for row in under_way if row["waits_for"] == who] for who in ("customer", "us", "carrier")
    }
    late = {who: sum(row["overdue"] == "yes" for row in of) for who, of in waiting.items()}
    words = {
        "customer": "wait for the customer to send the goods",
        "us": "wait for us",
        "carrier": "are with the carrier",
    }
    figures = [
        _figure(
            f"waits_for_{who}",
            len(of),
            words[who],
            "bad" if who == "us" and late[who] else "warn" if late[who] else "good",
            "under_way",
            {"Waits for": who},
            always=True,
            part=f"{late[who]:,} of them overdue",
            part_where={"Waits for": who, "Overdue": "yes"},
        )
        for who, of in waiting.items()
    ]
    worst = [
        Worst(
            row["document"],
            f"order {row['order_no'] or 'not known'}: {row['next_step']}",
            f"{row['days_in_status']:,} d",
            "under_way",
            {"Return": row["document"]},
        )
        for row in sorted(waiting["us"], key=lambda row: -row["days_in_status"])[:WORST_SHOWN]
    ]
    return Lead(
        "service",
        "Customer service",
        "Which returns wait, for the customer or for us?",
        figures,
        worst,
        "No return waits for us.",
    )


def _compliance(regulated: list[Row]) -> Lead:
    wrong = [row for row in regulated if row["has_issue"]]
    open_ = [row for row in regulated if not row["has_issue"]]
    worst = [
        Worst(
            row["receipt_id"],
            f"{_named(row['product'], row['sku'])}, {row['site']}: {row['issue']}",
            f"{row['quantity']:,} {many(row['quantity'], 'unit')}",
            "regulated",
            {"Receipt": row["receipt_id"], "State": "issue"},
        )
        for row in wrong[:WORST_SHOWN]
    ]
    return Lead(
        "compliance",
        "Compliance",
        "Which hazardous or e-waste units have an issue?",
        [
            _figure(
                "issues",
                _units(wrong),
                f"{many(_units(wrong), 'unit')} with an issue",
                "bad",
                "regulated",
                {"State": "issue"},
            ),
            _figure(
                "regulated_open",
                _units(open_),
                f"{many(_units(open_), 'unit')} without a disposition yet",
                "warn",
                "regulated",
                {"State": "open"},
            ),
        ],
        worst,
        "Every one ended as its class allows, with its certificate.",
    )


def _engineering(rows: ScorecardRows, work: Work) -> Lead:
    refused = sum(row["refused"] for row in rows.sources)
    held = sum(row["quarantined"] for row in rows.sources)
    stale = [row for row in rows.sources if rows.is_behind(row)]
    last = {"Night": str(rows.last_night)}
    failed = sum(row["severity"] == "critical" for row in rows.alerts)
    usual = f"usual is {work.usual:,.0f} s" if work.usual else "no night before to compare with"
    figures = [
        _figure(
            "stale",
            len(stale),
            f"{many(len(stale), 'feed')} behind the newest, which is of {rows.newest_day}",
            "warn",
            "feeds",
            {"Behind": "yes"},
        ),
        _figure("refused", refused, f"{many(refused, 'file')} refused last night", "bad", "refused", last),
        _figure(
            "quarantined", held, f"{many(held, 'row')} quarantined last night", "warn", "quarantined", last
        ),
        _figure(
            "checks",
            len(rows.alerts),
            f"{many(len(rows.alerts), 'check')} failed or warned, {failed} of them critical",
            "bad" if failed else "warn",
            "checks",
        ),
    ]
    if work.seconds is not None:
        figures.insert(
            1,
            _figure(
                "duration",
                Decimal(round(work.seconds)),
                f"at work; {usual}",
                "warn" if work.is_slow else "good",
                "steps",
                unit="s",
                always=True,
            ),
        )
    if rows.figures.unclaimed:
        kind = "bad" if any(row["feed"] for row in rows.figures.unclaimed) else "warn"
        figures.append(
            _figure("unclaimed", len(rows.figures.unclaimed), "files that no layout takes", kind, "unclaimed")
        )
    worst = [
        Worst(
            row["feed"],
            row["reason"] or row["status"],
            row["name"],
            "refused",
            {**last, "Feed": row["feed"], "File": row["name"]},
        )
        for row in rows.refused
        if row["night"] == rows.last_night
    ][:WORST_SHOWN]
    worst += [
        Worst(
            row["feed"],
            f"{row['reason']} {row['column_name']}".strip(),
            f"{row['rows']:,} {many(row['rows'], 'row')}",
            "quarantined",
            {**last, "Feed": row["feed"], "Reason": row["reason"], "Column": row["column_name"]},
        )
        for row in rows.quarantined
        if row["is_last"]
    ][: WORST_SHOWN - len(worst)]
    return Lead(
        "engineering",
        "Data engineering",
        "Is everything fresh, on time, and what was refused?",
        figures,
        worst,
        "Nothing was refused.",
    )


def _figure(
    name: str,
    value: int | Decimal,
    text: str,
    kind: str,
    rows: str = "",
    where: dict[str, str] | None = None,
    unit: str = "",
    always: bool = False,
    part: str = "",
    part_where: dict[str, str] | None = None,
) -> Figure:
    found = Decimal(value)
    graded_ = kind if always else graded(int(found), kind)
    return Figure(
        name, found, text, graded_, rows, where or {}, unit, part=part, part_where=part_where or {}
    )  # fmt: skip


def _named(product: str, sku: str) -> str:
    """A product by its name and its SKU."""
    return product if product == sku else f"{product} ({sku})"


def _units(rows: list[Row]) -> int:
    return sum(row["quantity"] for row in rows)
