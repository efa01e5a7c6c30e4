{{ config(indexes=[{'columns': ['node'], 'unique': true}]) }}
-- Grain: one row per node, with the connected component that the first four rungs of the ladder put it in.

with recursive nodes as (
    select node from {{ ref('int_refund_nodes') }}
),

edges as (
    select from_node, to_node from {{ ref('int_refund_links') }}
),

{{ connected_components('nodes', 'edges') }}

select node, component from components
