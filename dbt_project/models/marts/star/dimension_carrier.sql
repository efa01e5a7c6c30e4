-- Grain: one row per carrier that has scanned a return parcel; UNKNOWN stands for returns whose parcel none has.
{{ config(materialized='table') }}

with named as (
    {{ members_of_facts([
        ('return_parcels', 'carrier'), ('return_lines', 'carrier'), ('return_costs', 'carrier'),
    ]) }}
    union
    select 'UNKNOWN' as value
)

select
    value as carrier,
    case when value = 'UNKNOWN' then 'No scan known' else value end as carrier_name,
    value = 'UNKNOWN' as is_unknown
from named
