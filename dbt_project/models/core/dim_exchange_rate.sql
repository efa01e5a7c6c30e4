-- Grain: one row per currency and period of one rate to the reporting currency.
{{ config(materialized='view') }}

select currency, valid_from, valid_to, rate
from {{ ref('int_fx') }}
