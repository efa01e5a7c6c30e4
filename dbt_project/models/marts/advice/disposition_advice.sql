-- Grain: one row per receipt of which units are not finally disposed of: the way that should bring most by what
-- such goods have brought the company before, the second best, and how many cases that rests on. Advice with its
-- evidence, never a verdict. Additive: units; amounts are of one unit.
{{ config(materialized='table', indexes=[{'columns': ['site']}, {'columns': ['sku']}]) }}

-- Of the channels of a sale the best stands for the way
with ways as (

    select
        *,
        row_number() over (partition by candidate, disposition order by net desc, cases desc, channel asc) as rank
    from {{ ref('disposition_options') }}
    where learnt = 'today' and barred_by is null and net is not null

),

options as (

    select
        *,
        row_number() over (partition by candidate order by net desc, cases desc, disposition asc) as way_rank
    from ways
    where rank = 1

),

chosen as (

    select
        candidate,
        {%- for column in ['disposition', 'channel', 'net', 'net_error', 'cases'] %}
        max({{ column }}) filter (where way_rank = 1) as best_{{ column }},
        {%- endfor %}
        {%- for column in ['disposition', 'channel', 'net'] %}
        max({{ column }}) filter (where way_rank = 2) as second_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from options
    where way_rank <= 2
    group by candidate

),

barred as (

    select
        candidate,
        string_agg(
            disposition || case when channel <> 'NONE' then ' ' || channel else '' end || ': ' || barred_by,
            '; ' order by disposition, channel
        ) as ways
    from {{ ref('disposition_options') }}
    where learnt = 'today' and barred_by is not null
    group by candidate

)

select
    waiting.receipt_id,
    waiting.return_line_key,
    waiting.rma_no,
    waiting.site,
    waiting.sku,
    {{ product_name('waiting.sku') }} as product_name,
    waiting.product_category,
    waiting.grade,
    waiting.received_on,
    waiting.open_units,
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
        when waiting.is_worked_on then 'being worked on'
        when waiting.grade is null then 'not graded yet'
        when waiting.unit_cost is null then 'the cost of the goods is not known'
        when barred.ways is not null then 'every way that the company has gone is barred'
        else 'no unit has been disposed of yet'
    end as standing,
    cast('{{ var("reporting_currency") }}' as text) as currency
from {{ ref('disposition_waiting') }} as waiting
left join chosen on waiting.receipt_id = chosen.candidate
left join barred on waiting.receipt_id = barred.candidate
