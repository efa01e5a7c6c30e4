-- asset: ops.file_ledger by feed
-- key: feed, layout, business_date
-- Layouts of feeds of which nothing came for the business date: a channel or system that writes
-- files of its own is missed though others of its feed came. Those with a rhythm are missed;
-- those that sometimes have no file, and those in whose place another layout came for the first
-- time, are only mentioned.
with expected as (
    select
        f.feed,
        f.layout
    from unnest({{ feeds_of_layouts }}, {{ layouts }}) as f (feed, layout)
),

-- A feed's layout is expected when it came on each of the five dates before, and on this weekday
-- a week ago (exchange rates have no weekends).
dates as (
    select distinct business_date
    from ops.file_ledger
    where business_date < {{ business_date }}
    order by business_date desc
    limit 5
),

rhythm as (
    select
        f.feed,
        f.layout,
        count(distinct d.business_date) as dates,
        count(distinct l.business_date) as dates_with
    from expected as f
    cross join dates as d
    left join ops.file_ledger as l
        on f.feed = l.feed and f.layout = l.layout and d.business_date = l.business_date
    group by f.feed, f.layout
)

select
    f.feed,
    f.layout,
    {{ business_date }} as business_date,
    f.feed = any({{ occasional }}) as is_occasional,
    coalesce(r.dates_with, 0) as dates_with,
    coalesce(r.dates, 0) as dates,
    coalesce(r.dates_with = r.dates, false) and exists (
        select 1
        from ops.file_ledger as l
        where l.feed = f.feed and l.layout = f.layout and l.business_date = {{ business_date }} - 7
    ) as has_rhythm,
    exists(
        select 1
        from ops.file_ledger as l
        where l.feed = f.feed and l.layout = f.layout and l.business_date = {{ business_date }}
    ) as has_come,
    exists(
        select 1
        from ops.file_ledger as l
        where l.feed = f.feed and l.business_date = {{ business_date }}
            and not exists (
                select 1
                from ops.file_ledger as earlier
                where earlier.feed = l.feed and earlier.layout = l.layout
                    and earlier.business_date < l.business_date
            )
    ) as is_replaced,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = f.feed and a.business_date = {{ business_date }}
    ) as is_accepted
from expected as f
left join rhythm as r on f.feed = r.feed and f.layout = r.layout
