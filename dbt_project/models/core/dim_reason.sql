{{ config(materialized='table', indexes=[{'columns': ['reason'], 'unique': true}]) }}
-- Grain: one row per canonical return reason, with the party at fault.

select reason, fault_party, label
from {{ ref('reasons') }}
