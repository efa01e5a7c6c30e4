-- asset: staging.stg_erp__fx_rates
-- key: currency, newest
-- Exchange rates: recent enough to convert with.
select
    from_currency as currency,
    max(rate_date) as newest
from staging.stg_erp__fx_rates
group by from_currency
