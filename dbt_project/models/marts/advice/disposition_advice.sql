-- Grain: one row per receipt of which units are not finally disposed of: the way that should bring most by what
-- such goods have brought the company before, the second best, and how many cases that rests on. Advice with its
-- evidence, never a verdict. Additive: units; amounts are of one unit.
{{ config(materialized='table', indexes=[{'columns': ['site']}, {'columns': ['sku']}]) }}

with options as (

    select
        *,
        row_number() over (partition by candidate order by net desc, cases desc, disposition asc, channel asc) as rank
    from {{ ref('disposition_options') }}
    where learnt = 'today' and barred_by is null and net is not null

),

chosen as (

    select
        candidate,
        {%- for column in ['disposition', 'channel', 'net', 'net_error', 'cases'] %}
        max({{ column }}) filter (where rank = 1) as best_{{ column }},
        {%- endfor %}
        {%- for column in ['disposition', 'channel', 'net'] %}
        max({{ column }}) filter (where rank = 2) as second_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from options
    where rank <= 2
    group by candidate

),

barred as (

    select candidate, string_agg(disposition || ': ' || barred_by, '; ' order by disposition, barred_by) as ways
    from (
        select distinct candidate, disposition, barred_by from {{ ref('disposition_options') }}
        where learnt = 'today' and barred_by is not null
    ) as found
    group by candidate

),

gone as (

    select receipt_id, sum(net_quantity) as units
    from {{ ref('fct_disposition') }}
    where is_final
    group by receipt_id

),

waiting as (

    select receipts.*, receipts.quantity - coalesce(gone.units, 0) as open_units
    from {{ ref('fct_receipt') }} as receipts
    left join gone on receipts.receipt_id = gone.receipt_id
    where receipts.is_product and receipts.quantity > coalesce(gone.units, 0)
        -- where no system tells what becomes of goods, nobody knows that they wait
        and {{ carries('wms_dispositions') or 'false' }}

)

select
    waiting.receipt_id,
    waiting.return_line_key,
    waiting.rma_no,
    coalesce(waiting.site, 'UNATTRIBUTED') as site,
    waiting.sku,
    {{ product_name('waiting.sku') }} as product_name,
    coalesce(waiting.product_category, 'UNKNOWN') as product_category,
    looks.grade,
    waiting.received_on,
    cast(waiting.open_units as bigint) as open_units,
    -- the best, the second, and by how much
    chosen.best_disposition,
    nullif(chosen.best_channel, 'NONE') as best_channel,
    chosen.best_net,
    chosen.best_net_error,
    cast(chosen.best_cases as bigint) as cases,
    chosen.second_disposition,
    nullif(chosen.second_channel, 'NONE') as second_channel,
    chosen.second_net,
    cast(chosen.best_net - chosen.second_net as numeric(18, 2)) as difference,
    barred.ways as barred_ways,
    case
        when chosen.best_disposition is not null then 'advised'
        when looks.grade is null then 'not graded yet'
        when waiting.unit_cost is null then 'the cost of the goods is not known'
        when barred.ways is not null then 'every way that the company has gone is barred'
        else 'no unit has been disposed of yet'
    end as standing,
    cast('{{ var("reporting_currency") }}' as text) as currency
from waiting
left join {{ ref('fct_inspection') }} as looks
    on waiting.receipt_id = looks.receipt_id and looks.is_latest
left join chosen on waiting.receipt_id = chosen.candidate
left join barred on waiting.receipt_id = barred.candidate
