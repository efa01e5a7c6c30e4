-- Units come back = in process + restocked + sent back + left otherwise, in each lot.
{{ config(meta={'failure_means': 'A unit of the lot that came back is in none of the places, or in two: a recall would miss it.'}) }}
select *
from {{ ref('lot_trace') }}
where returned_quantity + unattributed_quantity
    <> in_process_quantity + restocked_quantity + sent_back_quantity + disposed_quantity
    or shipped_quantity <> returned_quantity + unaccounted_quantity
