{{ config(indexes=[
    {'columns': ['feed', 'record_key', 'rule'], 'unique': true}, {'columns': ['unit_key']},
]) }}
-- Grain: one row per record and rule that it contradicts: itself, or another record of its unit. The record
-- counts in every figure as it stands; the gate tells how many there are of each. Not additive: one record may
-- break several rules.

select unit_key, feed, record_key, rule from {{ ref('int_implausible__returns') }}
union
select unit_key, feed, record_key, rule from {{ ref('int_implausible__goods') }}
union
select unit_key, feed, record_key, rule from {{ ref('int_implausible__money') }}
