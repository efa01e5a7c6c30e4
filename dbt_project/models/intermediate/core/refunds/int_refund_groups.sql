{{ config(indexes=[{'columns': ['node'], 'unique': true}, {'columns': ['group_key']}]) }}
-- Grain: one row per node, with its match group: the connected component of all rungs of the ladder. The
-- group is named after its first return line, else refund, else memo.

with recursive nodes as (
    select node from {{ ref('int_refund_nodes') }}
),

edges as (
    select from_node, to_node from {{ ref('int_refund_links') }}
    union all
    select from_node, to_node from {{ ref('int_refund_amount_pairs') }} where is_single
),

{{ connected_components('nodes', 'edges') }},

named as (
    select
        components.component,
        coalesce(
            min(nodes.node) filter (where nodes.kind = 'line'),
            min(nodes.node) filter (where nodes.kind = 'refund'),
            min(nodes.node)
        ) as group_key
    from components
    inner join {{ ref('int_refund_nodes') }} as nodes on components.node = nodes.node
    group by components.component
)

select components.node, named.group_key
from components
inner join named on components.component = named.component
