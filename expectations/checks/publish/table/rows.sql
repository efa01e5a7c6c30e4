-- asset: build.{{ table }}
-- key: {{ key }}
-- holds: {{ domain }}
select *
from build.{{ table }}
