{{ config(indexes=[{'columns': ['return_line_key'], 'unique': true}]) }}
-- Grain: one row per return line of the touched units, with the order line that it goes back to: the one
-- that its documents name, else the order's line that holds the SKU. Of several, the one with units to
-- spare that was shipped last before the return was asked for; where that leaves two, or none, the line
-- stays open and says so.

with documents as (
    select * from {{ ref('int_return_line_documents') }}
),

-- Void lines were never shipped
sales as (
    select unit_key, line_no, sku, quantity, shipped_at
    from {{ ref('int_sales_lines') }}
    where not is_void
),

named as (
    select unit_key, stated_order_line_no as line_no, sum(claimed_quantity) as quantity
    from documents
    where stated_order_line_no is not null and not is_dead
    group by unit_key, stated_order_line_no
),

candidates as (
    select
        documents.unit_key,
        documents.return_line_key,
        documents.claimed_quantity,
        documents.claimed_at,
        documents.is_dead,
        sales.line_no,
        sales.shipped_at,
        sales.quantity - coalesce(named.quantity, 0) as spare_quantity,
        count(*) over (partition by documents.return_line_key) as lines_of_sku
    from documents
    inner join sales on documents.order_no = sales.unit_key and documents.claimed_sku = sales.sku
    left join named on sales.unit_key = named.unit_key and sales.line_no = named.line_no
    where documents.stated_order_line_no is null
),

{# Each return line takes its nearest line as long as that has units to spare, first come first served;
   those that found it taken look once more among the others. -#}
{%- for round in [1, 2] %}
{%- set earlier = 'found_' ~ (round - 1) %}
open_{{ round }} as (
    {%- if round == 1 %}
    select * from candidates where lines_of_sku > 1 and claimed_quantity <= spare_quantity
    {%- else %}
    select candidates.*
    from (
        select
            o.unit_key, o.return_line_key, o.claimed_quantity, o.claimed_at, o.is_dead, o.line_no,
            o.shipped_at, o.spare_quantity - coalesce(taken.quantity, 0) as spare_quantity,
            o.lines_of_sku
        from open_{{ round - 1 }} as o
        left join (
            select unit_key, line_no, sum(claimed_quantity) as quantity
            from {{ earlier }}
            where not is_dead
            group by unit_key, line_no
        ) as taken on o.unit_key = taken.unit_key and o.line_no = taken.line_no
        where o.return_line_key not in (select return_line_key from {{ earlier }})
    ) as candidates
    where candidates.claimed_quantity <= candidates.spare_quantity
    {%- endif %}
),

nearest_{{ round }} as (
    select
        *,
        count(*) over (partition by return_line_key) as nearest_lines,
        sum(case when is_dead then 0 else claimed_quantity end) over (
            partition by unit_key, line_no order by claimed_at, return_line_key
            rows between unbounded preceding and current row
        ) as claimed_upto
    from (
        select
            *,
            rank() over (
                partition by return_line_key
                order by
                    case when shipped_at <= claimed_at then 0 else 1 end,
                    case when shipped_at <= claimed_at then shipped_at end desc,
                    shipped_at
            ) as rank_of_line
        from open_{{ round }}
    ) as ranked
    where rank_of_line = 1
),

found_{{ round }} as (
    select unit_key, return_line_key, line_no, claimed_quantity, is_dead
    from nearest_{{ round }}
    where nearest_lines = 1 and claimed_upto <= spare_quantity
),
{% endfor %}
found as (
    select return_line_key, line_no from found_1
    union all
    select return_line_key, line_no from found_2
),

per_line as (
    select return_line_key, max(lines_of_sku) as lines_of_sku, min(line_no) as first_line_no
    from candidates
    group by return_line_key
)

select
    documents.unit_key,
    documents.return_line_key,
    case
        when documents.stated_order_line_no is not null then documents.stated_order_line_no
        when per_line.lines_of_sku = 1 then per_line.first_line_no
        else found.line_no
    end as order_line_no,
    case
        when documents.order_no is null then 'no_order'
        when documents.stated_order_line_no is not null then 'named'
        when per_line.lines_of_sku = 1 then 'only_line_of_sku'
        when found.line_no is not null then 'nearest_line_of_sku'
        when per_line.lines_of_sku > 1 then 'ambiguous'
        else 'not_on_order'
    end as order_line_rule
from documents
left join per_line on documents.return_line_key = per_line.return_line_key
left join found on documents.return_line_key = found.return_line_key
