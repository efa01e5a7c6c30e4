-- asset: build of {{ domain }}
-- key: table_name
-- holds: {{ domain }}
select *
from unnest({{ missing }}) as t (table_name)
