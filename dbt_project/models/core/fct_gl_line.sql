{{ config(indexes=[
    {'columns': ['gl_line_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['document_ref']}, {'columns': ['journal_no']}, {'columns': ['fiscal_period']},
]) }}
-- Grain: one row per journal line of the accounts that refunds touch, debit positive.
-- Amounts add up within a currency; over a whole journal they add up to 0.

with entries as (
    select * from {{ ref('int_gl_lines') }}
),

accounts as (
    select * from {{ ref('gl_accounts') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    entries.unit_key,
    entries.gl_line_key,
    entries.journal_no,
    entries.line_no,
    entries.account,
    coalesce(accounts.role, 'other') as account_role,
    accounts.component,
    entries.document_ref,
    entries.document_type,
    entries.document_types,
    -- timing
    entries.posted_on,
    entries.fiscal_period,
    -- amounts
    entries.amount,
    entries.currency,
    {{ to_reporting('entries.amount', 'fx.rate') }} as reporting_amount
from entries
left join accounts on entries.account = accounts.account
left join fx
    on entries.currency = fx.currency
    and entries.posted_on >= fx.valid_from
    and entries.posted_on < fx.valid_to
