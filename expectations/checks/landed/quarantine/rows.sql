-- asset: ops.quarantine
-- key: feed, business_date, rows_quarantined, rows_parsed, reason, column_name
-- Share of rows in quarantine, by feed, with the most frequent reason and its first line.
select
    t.feed,
    t.business_date,
    t.rows_quarantined,
    t.rows_parsed,
    round(t.rows_quarantined::numeric / nullif(t.rows_parsed, 0), 4) as share,
    q.reason,
    q.column_name,
    q.file_id as _file_id,
    q.line_no as _line_no,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = t.feed and a.business_date = t.business_date
    ) as is_accepted
from (
    select
        l.feed,
        l.business_date,
        sum(l.rows_quarantined) as rows_quarantined,
        sum(l.rows_parsed - l.rows_control) as rows_parsed,
        array_agg(l.file_id) as file_ids
    from ops.file_ledger as l
    where l.file_id = any({{ loaded_files }})
    group by l.feed, l.business_date
) as t
cross join
    lateral (
        select
            q.reason,
            q.column_name,
            min(q.file_id) as file_id,
            min(q.line_no) as line_no
        from ops.quarantine as q
        where q.file_id = any(t.file_ids)
        group by q.reason, q.column_name
        order by count(*) desc, q.reason
        limit 1
    ) as q
where t.rows_quarantined > 0
