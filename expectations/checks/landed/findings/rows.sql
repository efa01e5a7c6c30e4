-- asset: ops.file_ledger findings
-- key: feed, file, finding, rows
-- What files were told of though they loaded; what empties a column all through holds the
-- night.
select
    l.feed,
    l.name as file,
    l.business_date,
    f.value ->> 'text' as finding,
    f.value ->> 'kind' as kind,
    f.value ->> 'rows' as rows,
    (f.value ->> 'is_critical')::boolean as is_critical,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = l.feed and a.business_date = l.business_date
    ) as is_accepted
from ops.file_ledger as l
cross join jsonb_array_elements(l.findings) as f
where l.file_id = any({{ loaded_files }})
