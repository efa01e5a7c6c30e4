-- asset: ops.file_ledger rows
-- key: feed, file, rows_parsed, rows_loaded, rows_quarantined, rows_duplicate, rows_control,
--     rows_in_quarantine
-- Rows of a file = loaded + quarantined + duplicate + control; a file that another one
-- superseded has loaded its rows all the same, they count no more.
with quarantined as (
    select
        q.file_id,
        count(*) as rows
    from ops.quarantine as q
    where q.file_id = any({{ brought_files }})
    group by q.file_id
)

select
    l.feed,
    l.name as file,
    l.business_date,
    l.rows_parsed,
    l.rows_loaded,
    l.rows_quarantined,
    l.rows_duplicate,
    l.rows_control,
    coalesce(q.rows, 0) as rows_in_quarantine
from ops.file_ledger as l
left join quarantined as q on l.file_id = q.file_id
where l.file_id = any({{ brought_files }})
