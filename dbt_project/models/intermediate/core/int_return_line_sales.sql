{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per return line of the touched units, with the order line that it goes back to: named by its
-- documents, found on the order that they name, or inferred where they name none; and how that was found.

with joined as (
    select
        documents.*,
        coalesce(documents.order_no, inferred.order_no) as sale_order_no,
        coalesce(origins.order_line_no, inferred.order_line_no) as order_line_no,
        case when inferred.order_no is not null then 'inferred' else origins.order_line_rule end
            as order_line_rule,
        inferred.order_no is not null as is_inferred,
        case
            when documents.order_no is not null then 'named'
            else coalesce(inferred.sale_rule, 'no_customer')
        end as sale_rule,
        inferred.sale_candidates
    from {{ ref('int_return_line_documents') }} as documents
    inner join {{ ref('int_return_line_origins') }} as origins
        on documents.return_line_key = origins.return_line_key
    left join {{ ref('int_blind_return_sales') }} as inferred
        on documents.return_line_key = inferred.return_line_key
)

select joined.*, rules.confidence as sale_confidence
from joined
left join {{ ref('sale_match_rules') }} as rules on joined.sale_rule = rules.match_rule
