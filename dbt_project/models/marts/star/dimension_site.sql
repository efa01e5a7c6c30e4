-- Grain: one row per site that ships or receives; UNATTRIBUTED, NOT_RECEIVED and UNMAPPED are members, not nulls.
{{ config(materialized='table') }}

with named as (
    {{ members_of_facts([
        ('sales_lines', 'ship_from_site'), ('return_lines', 'ship_from_site'), ('return_lines', 'site'),
        ('return_costs', 'site'), ('disposition_outcomes', 'site'), ('returned_stock', 'site'),
        ('regulated_units', 'site'),
    ]) }}
    union
    select site as value from {{ ref('waste_by_month') }}
)

select
    coalesce(sites.site, named.value) as site,
    coalesce(sites.name, named.value) as site_name,
    coalesce(sites.country, 'UNKNOWN') as country,
    coalesce(sites.zone, 'UNKNOWN') as zone,
    coalesce(sites.is_unknown, true) as is_unknown
from {{ ref('dim_site') }} as sites
full join named on sites.site = named.value
