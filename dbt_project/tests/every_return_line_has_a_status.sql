{{ config(meta={
    'failure_means': 'A return line got lost between its pieces and the snapshot.',
}) }}
select lines.return_line_key
from {{ ref('int_return_lines') }} as lines
left join {{ ref('fct_return_line') }} as snapshot
    on lines.return_line_key = snapshot.return_line_key
where snapshot.return_line_key is null
