{{ config(materialized='table', indexes=[{'columns': ['site'], 'unique': true}]) }}
-- Grain: one row per site; UNATTRIBUTED, NOT_RECEIVED and UNMAPPED are members, not nulls.

select site, name, country, zone, currency, false as is_unknown
from {{ ref('sites') }}
union all
select member as site, label as name, null as country, null as zone, null as currency, true as is_unknown
from (
    values
    ('UNATTRIBUTED', 'Sale not known'),
    ('NOT_RECEIVED', 'Nothing received yet'),
    ('UNMAPPED', 'A site that the seed does not know')
) as members (member, label)
