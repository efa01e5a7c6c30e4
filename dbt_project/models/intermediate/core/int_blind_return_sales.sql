{{ config(indexes=[{'columns': ['return_line_key'], 'unique': true}]) }}
-- Grain: one row per blind return of the touched units, with the sale that it most likely goes back to, the
-- rule that found it (seed sale_match_rules), and how many sales it could have been. The returns of a customer
-- and SKU take their turns from the oldest on: each takes the whole of its units from the sale nearest in
-- price, of equally near ones the newest, and what it took is gone for the next.

with recursive blind as (
    select * from {{ ref('int_blind_returns') }}
),

-- `taken`: what the turns up to this one took, by place of the sale
turns as (
    select
        cast(null as text) as return_line_key,
        blind.customer_id,
        blind.sku,
        cast(0 as bigint) as turn,
        cast('{}' as jsonb) as taken,
        cast(null as text) as order_no,
        cast(null as bigint) as order_line_no,
        cast(null as text) as sale_rule,
        cast(null as bigint) as sale_candidates
    from blind
    where blind.turn = 1
    union all
    select
        blind.return_line_key,
        blind.customer_id,
        blind.sku,
        blind.turn,
        case
            when rules.is_accepted
                then turns.taken || jsonb_build_object(
                    cast(sale.place as text),
                    coalesce(cast(turns.taken ->> cast(sale.place as text) as numeric), 0)
                    + blind.taken_quantity
                )
            else turns.taken
        end as taken,
        case when rules.is_accepted then sale.order_no end as order_no,
        case when rules.is_accepted then sale.line_no end as order_line_no,
        coalesce(
            rules.match_rule,
            case
                when exists (
                    select 1 from {{ ref('int_blind_return_candidates') }} as any_sale
                    where any_sale.return_line_key = blind.return_line_key
                ) then 'no_units'
                else 'no_sale'
            end
        ) as sale_rule,
        coalesce(sale.sale_candidates, 0) as sale_candidates
    from turns
    inner join blind
        on turns.customer_id = blind.customer_id and turns.sku = blind.sku and turns.turn + 1 = blind.turn
    left join lateral (
        select
            candidate.*,
            count(*) over () as sale_candidates,
            count(*) over (partition by candidate.price_distance) as equally_near,
            min(candidate.order_no) over same_time <> max(candidate.order_no) over same_time as is_tied
        from {{ ref('int_blind_return_candidates') }} as candidate
        where candidate.return_line_key = blind.return_line_key
            and candidate.spare_quantity
            - coalesce(cast(turns.taken ->> cast(candidate.place as text) as numeric), 0) >= blind.quantity
        window same_time as (partition by candidate.price_distance, candidate.shipped_at)
        order by candidate.rank_of_sale
        limit 1
    ) as sale on true
    left join {{ ref('sale_match_rules') }} as rules
        on rules.match_rule = case
            when sale.is_tied then 'ambiguous'
            when sale.sale_candidates = 1 and coalesce(sale.price_distance, 0) = 0 then 'only_sale'
            when sale.price_distance = 0 and sale.equally_near = 1 then 'only_at_price'
            when sale.price_distance = 0 then 'newest_at_price'
            when sale.price_distance > 0 then 'nearest_price'
            when sale.sale_candidates > 1 then 'newest_sale'
        end
)

select
    turns.return_line_key,
    turns.order_no,
    turns.order_line_no,
    turns.sale_rule,
    turns.sale_candidates
from turns
where turns.turn > 0
