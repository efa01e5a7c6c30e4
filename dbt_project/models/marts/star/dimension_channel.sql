-- Grain: one row per sales channel; UNATTRIBUTED and UNMAPPED are members, not nulls.
{{ config(materialized='table') }}

with named as (
    {{ members_of_facts([
        ('sales_lines', 'channel'), ('return_lines', 'channel'), ('return_costs', 'channel'),
    ]) }}
)

select
    coalesce(channels.channel, named.value) as channel,
    coalesce(channels.label, named.value) as channel_name,
    coalesce(channels.is_unknown, true) as is_unknown
from {{ ref('dim_channel') }} as channels
full join named on channels.channel = named.value
