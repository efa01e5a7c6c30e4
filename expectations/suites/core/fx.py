"""Exchange rates: recent enough to convert with."""

from __future__ import annotations

import datetime as dt

from expectations.asset import WARNING, Asset, no_rows
from expectations.night import Night

# Weekends and the longest run of bank holidays.
OLDEST_DAYS = 7


def assets(night: Night) -> list[Asset]:
    """One asset, one row a currency; none where the feed is not carried."""
    if "erp_fx_rates" not in night.contracts:
        return []
    oldest = night.business_date - dt.timedelta(days=OLDEST_DAYS)
    return [
        Asset(
            "staging.stg_erp__fx_rates",
            "core.fx",
            "select from_currency as currency, max(rate_date) as newest"
            " from staging.stg_erp__fx_rates group by from_currency",
            [
                no_rows(
                    "rate_is_old",
                    f"newest < date '{oldest.isoformat()}'",
                    severity=WARNING,
                    description=f"Each currency has a rate of the last {OLDEST_DAYS} days.",
                    advice="Ask for the missing erp_fx_rates files; amounts convert at old rates.",
                )
            ],
            ("currency", "newest"),
        )
    ]
