-- asset: core.fct_return_line
-- key: return_line_key, reason, status
-- The return lines that the night touched; a full build touches all.
select *
from core.fct_return_line
{%- if touched_units %}
where unit_key in (select u.unit_key from intermediate.int_touched_units as u)
{%- endif %}
