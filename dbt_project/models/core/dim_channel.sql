{{ config(materialized='table', indexes=[{'columns': ['channel'], 'unique': true}]) }}
-- Grain: one row per sales channel; UNATTRIBUTED and UNMAPPED are members, not nulls.

select distinct channel, label, false as is_unknown
from {{ ref('channels') }}
union all
select member as channel, label, true as is_unknown
from (
    values
    ('UNATTRIBUTED', 'Sale not known'),
    ('UNMAPPED', 'A channel that the seed does not know')
) as members (member, label)
