-- Grain: one row per match group, claim, day and gap M-P or M-T of which cents are left that whole causes add up
-- to, the fewest and first of them: the memos' faults with their sign turned (the payment is what the return entitles
-- to, and only the memo is off), tax, shipping, duty, fees and adjustments that the payment left out: of all memos of
-- the claim, or of one line of one; or one memo of several that nothing was paid for. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'gap', 'claim']}]) }}
{%- set components = ['tax', 'shipping', 'duty', 'restocking_fee', 'return_label_fee', 'adjustment'] %}

with claims as (
    select * from {{ ref('refund_claim_shares') }}
    where is_credited and missing_since is null and abs(left_amount) > 0.02
),

faults as (
    select group_key, day, line, sum(amount) as amount
    from {{ ref('refund_line_classes') }}
    where {{ is_component_class('class') }}
    group by group_key, day, line
),

memos as (
    select
        claims.group_key, claims.day, claims.gap, claims.claim, memo.line, memo.memo_no, memo.last_on, memo.amount,
        {%- for component in components %}
        memo.{{ component }},
        {%- endfor %}
        coalesce(faults.amount, 0) as fault,
        count(*) over of_claim as memos,
        row_number() over (of_claim order by memo.line, memo.memo_no) as place,
        row_number() over (
            partition by claims.group_key, claims.day, claims.gap, claims.claim, memo.line order by memo.memo_no
        ) as place_in_line
    from claims
    inner join {{ ref('refund_memo_days') }} as memo
        on claims.group_key = memo.group_key and claims.day = memo.day and not memo.is_duplicate
    left join faults
        on memo.group_key = faults.group_key and memo.day = faults.day and memo.line = faults.line
    where claims.claim in ('', coalesce(memo.refund_item, ''))
    window of_claim as (partition by claims.group_key, claims.day, claims.gap, claims.claim)
),

candidates as (
    select
        group_key, day, gap, claim, 0 as place, array_agg(distinct line) as lines, 0 as amount,
        cast(null as date) as last_on,
        {%- for component in components %}
        sum({{ component }}) as {{ component }},
        {%- endfor %}
        sum(fault) filter (where place_in_line = 1) as fault
    from memos
    group by group_key, day, gap, claim
    union all
    select
        group_key, day, gap, claim, place, array[line] as lines, amount, last_on,
        {%- for component in components %}
        {{ component }},
        {%- endfor %}
        fault
    from memos
    where memos > 1
    union all
    -- the faults of all lines together
    select
        claims.group_key, claims.day, claims.gap, claims.claim, 1000000 as place,
        array_agg(faults.line) as lines, 0 as amount, null as last_on,
        {%- for component in components %}
        0 as {{ component }},
        {%- endfor %}
        sum(faults.amount) as fault
    from claims
    inner join faults on claims.group_key = faults.group_key and claims.day = faults.day
    group by claims.group_key, claims.day, claims.gap, claims.claim
),

tried as (
    select
        candidates.*,
        claims.left_amount,
        case when abs(candidates.fault) > 0.02 then -candidates.fault else 0 end as mirrored
    from candidates
    inner join claims using (group_key, day, gap, claim)
),

found as (
    select
        *,
        left_amount > 0 and left_amount = amount as is_whole,
        {{ fewest_causes('left_amount', ['mirrored'] + components) }} as causes
    from tried
)

select distinct on (group_key, day, gap, claim)
    group_key, day, gap, claim, lines, is_whole, last_on, mirrored,
    {%- for component in components %}
    {{ component }},
    {%- endfor %}
    causes
from found
where causes is not null or is_whole
order by group_key, day, gap, claim, place > 0, not is_whole, place
