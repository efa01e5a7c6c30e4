-- asset: ops.file_ledger endings
-- key: feed, business_date, last_event, earliest_usual, file
-- When each feed's day ended, beside the days before: where volumes scatter too much to tell,
-- the hour at which a file breaks off still does.
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
    e.feed,
    e.business_date,
    e.last_minute,
    e.earliest,
    to_char(
        e.business_date + e.last_minute * interval '1 minute', 'YYYY-MM-DD HH24:MI'
    ) as last_event,
    to_char(
        e.business_date + e.earliest * interval '1 minute', 'YYYY-MM-DD HH24:MI'
    ) as earliest_usual,
    files.file,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = e.feed and a.business_date = e.business_date
    ) as is_accepted
from (
    values
    {{ endings }}
) as e (feed, business_date, last_minute, earliest)
left join files
    on e.feed = files.feed and e.business_date = files.business_date
where e.feed is not null
