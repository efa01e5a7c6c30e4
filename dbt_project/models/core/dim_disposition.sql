{{ config(materialized='table', indexes=[{'columns': ['disposition'], 'unique': true}]) }}
-- Grain: one row per canonical disposition, with what it means for stock, landfill and value.

select
    disposition,
    label,
    is_final,
    is_landfill_diverting,
    is_value_recovering,
    is_disposal
from {{ ref('dispositions') }}
