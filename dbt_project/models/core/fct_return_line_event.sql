{{ config(indexes=[
    {'columns': ['return_line_key', 'event_no'], 'unique': true}, {'columns': ['unit_key']},
]) }}
-- Grain: one row per return line and event, in the order in which they happened. An event that the
-- table of legal transitions forbids after the one before it is kept and flagged.

select
    unit_key,
    return_line_key,
    event_no,
    event,
    event_at,
    source,
    quantity,
    previous_event,
    is_illegal_transition
from {{ ref('int_return_line_events') }}
