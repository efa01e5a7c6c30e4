-- asset: ops.file_ledger volumes
-- key: feed, business_date, rows, fewest_usual, file
-- Rows per feed and date beside what the recent past makes usual: a file that was cut off
-- between two rows is too short.
with files as (
    select
        l.feed,
        l.business_date,
        string_agg(l.name, ', ' order by l.name) as file
    from ops.file_ledger as l
    where l.status = 'loaded'
    group by l.feed, l.business_date
)

select
    v.feed,
    v.business_date,
    v.rows,
    round(v.low) as fewest_usual,
    round(v.high) as most_usual,
    v.basis,
    files.file,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = v.feed and a.business_date = v.business_date
    ) as is_accepted
from (
    values
    {{ volumes }}
) as v (feed, business_date, rows, low, high, basis)
left join files
    on v.feed = files.feed and v.business_date = files.business_date
where v.feed is not null
