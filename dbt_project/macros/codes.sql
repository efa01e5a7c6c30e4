{#- Canonical code of a source code: UNKNOWN where the source gave none, UNMAPPED where the crosswalk
    doesn't know it (counted, and warned about). -#}
{% macro canonical(source_code, mapped) -%}
    case
        when nullif({{ source_code }}, '') is null then 'UNKNOWN'
        else coalesce({{ mapped }}, 'UNMAPPED')
    end
{%- endmacro %}

{#- False for postage, discounts and other lines that the seed names: they are no goods. -#}
{% macro is_product(sku) -%}
    not exists (
        select 1 from {{ ref('non_product_codes') }} as code where {{ sku }} like code.sku_pattern
    )
{%- endmacro %}

{#- Reason codes that a feed of `system` may use: those of the code list that var reason_systems names
    for it, and the canonical ones where that list doesn't have the code itself. -#}
{% macro reason_codes(system) -%}
    {%- set own = var('reason_systems')[system] -%}
    select source_code, reason, valid_from, valid_to
    from {{ ref('reason_crosswalk') }}
    where source_system = '{{ own }}'
        or (
            source_system = 'canonical'
            and source_code not in (
                select source_code from {{ ref('reason_crosswalk') }} where source_system = '{{ own }}'
            )
        )
{%- endmacro %}

{#- Scans by which a carrier has the parcel; a label that was only made shows none of them. -#}
{% macro is_in_carriers_hands(event_code) -%}
    {{ event_code }} in ('dropped_off', 'in_transit', 'out_for_delivery', 'delivered')
{%- endmacro %}

{#- When the carrier first had each return parcel that `documents` name, and when it was delivered. -#}
{% macro scans_of_parcels(documents) -%}
    select
        tracking_no,
        min(event_at) as first_scan_at,
        min(event_at) filter (where event_code = 'delivered') as delivered_at
    from {{ ref('stg_wms__shipment_events') }}
    where tracking_no in (select tracking_no from {{ documents }})
        and leg = 'return'
        and {{ is_in_carriers_hands('event_code') }}
    group by tracking_no
{%- endmacro %}
