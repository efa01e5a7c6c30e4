-- Grain: one row per currency and period of one rate to the reporting currency.
{{ config(materialized='table', indexes=[{'columns': ['currency', 'valid_from'], 'unique': true}]) }}

select currency, valid_from, valid_to, rate
from {{ ref('int_fx') }}
