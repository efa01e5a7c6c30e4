{{ config(indexes=[
    {'columns': ['case_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['customer_id']}, {'columns': ['opened_on']},
]) }}
-- Grain: one row per service case. A case about an RMA belongs to its first line that is not void, else
-- to its first; one about an order alone belongs to no return line. Cases count; csat doesn't add up.

with cases as (
    {{ working_set(ref('stg_crm__cases'), [
        'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
        'order_no in ' ~ touched_units(),
        'case_id in (' ~ lone_units('CAS:') ~ ')',
    ]) }}
),

matches as (
    select
        cases.case_id,
        rma.unit_key,
        rma.rma_line_no,
        row_number() over (
            partition by cases.case_id
            order by case when rma.is_void then 1 else 0 end, rma.rma_line_no
        ) as rank_of_match
    from cases
    inner join {{ ref('int_rma_units') }} as rma on cases.rma_no = rma.rma_no
),

placed as (
    select
        cases.*,
        coalesce(matches.unit_key, cases.order_no, 'CAS:' || cases.case_id) as unit_key,
        matches.rma_line_no
    from cases
    left join matches on cases.case_id = matches.case_id and matches.rank_of_match = 1
),

rma_lines as (
    select * from {{ ref('int_rma_lines') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
)

select
    placed.unit_key,
    rma_lines.return_line_key,
    placed.case_id,
    placed.customer_id,
    placed.order_no,
    placed.rma_no,
    -- what
    placed.topic,
    placed.contact_channel,
    placed.csat,
    placed.closed_at is null as is_open,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    coalesce(lines.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
    -- timing
    placed.opened_at,
    placed.opened_on,
    placed.closed_at,
    placed.updated_at
from placed
left join rma_lines
    on placed.rma_no = rma_lines.rma_no and placed.rma_line_no = rma_lines.rma_line_no
left join lines on rma_lines.return_line_key = lines.return_line_key
where {{ in_touched_units('placed.unit_key') }}
