-- severity: warning
-- meaning: The newest {{ time_column }} is no older than 3 days.
-- advice: The export may be an old one; ask the source.
select max({{ time_column }}) as newest
from batch
having max({{ time_column }}) < {{ business_date }} - 3
