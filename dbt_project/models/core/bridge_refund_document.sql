{{ config(
    meta={'replaces': 'refund_units'},
    indexes=[
        {'columns': ['document_type', 'document_no', 'unit_key'], 'unique': true},
        {'columns': ['group_key']}, {'columns': ['unit_key']},
    ],
) }}
-- Grain: one row per document of a refund (return line, refund, credit memo, settlement, journal line),
-- with the match group that it belongs to, the best rule that joined it, and where it stays open, the
-- documents between which nothing decides. Refund, memo, settlement and journal meet in the group.

with links as (
    select from_node as node, to_node as other, match_rule from {{ ref('int_refund_links') }}
    union all
    select to_node, from_node, match_rule from {{ ref('int_refund_links') }}
    union all
    select from_node, to_node, match_rule from {{ ref('int_refund_amount_pairs') }} where is_single
    union all
    select to_node, from_node, match_rule from {{ ref('int_refund_amount_pairs') }} where is_single
),

open_pairs as (
    select from_node as node, to_node as other
    from {{ ref('int_refund_amount_pairs') }} where not is_single
    union
    select to_node, from_node from {{ ref('int_refund_amount_pairs') }} where not is_single
),

rules as (
    select * from {{ ref('refund_match_rules') }}
),

best as (
    select distinct on (links.node) links.node, links.other, links.match_rule
    from links
    inner join rules on links.match_rule = rules.match_rule
    order by links.node, rules.rung, links.other
),

candidates as (
    select node, string_agg(other, ', ' order by other) as candidates
    from open_pairs
    group by node
),

matched as (
    select
        nodes.unit_key,
        groups.group_key,
        case nodes.kind when 'line' then 'return_line' else nodes.kind end as document_type,
        case when nodes.kind = 'line' then nodes.node else substr(nodes.node, 5) end as document_no,
        coalesce(best.match_rule, 'none') as match_rule,
        best.other as matched_to,
        candidates.candidates
    from {{ ref('int_refund_nodes') }} as nodes
    inner join {{ ref('int_refund_groups') }} as groups on nodes.node = groups.node
    left join best on nodes.node = best.node
    left join candidates on nodes.node = candidates.node
    where not (nodes.is_named_only and nodes.kind <> 'line')
    union all
    select
        unit_key, group_key, document_type, document_no, match_rule, matched_to,
        candidates
    from {{ ref('int_refund_leaves') }}
)

select
    matched.unit_key,
    matched.group_key,
    matched.document_type,
    matched.document_no,
    matched.match_rule,
    rules.rung,
    rules.confidence,
    matched.matched_to,
    matched.candidates
from matched
inner join rules on matched.match_rule = rules.match_rule
