-- A share's numerator counts some of what its denominator counts: in every cell between none and all.
{{ config(meta={'failure_means': 'A share counts something above the line that it does not count below.'}) }}
select *
from {{ ref('kpi_cells') }}
where
    kpi in (select definitions.kpi from {{ ref('kpi_definitions') }} as definitions where definitions.held_as = 'share')
    and (numerator < 0 or numerator > denominator)
    and {{ in_changed_slices() }}
