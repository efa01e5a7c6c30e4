-- asset: raw.{{ feed }}
-- key: {{ key }}
-- holds: {{ holds }}
-- What the night brought of a feed. On a history load the mix of the whole is as good as that
-- of a part.
select *
from raw.{{ feed }}
where _file_id in ({{ files }})
