-- asset: ops.file_ledger of the night
-- key: business_date, last_file_of
-- Did anything land at all? A night without a file would publish old figures under a new date,
-- so it is held, but for a weekday on which nothing came a week ago either, and for dates that
-- a later night has been published for.
select
    f.*,
    {{ business_date }} <= ops.clock() as is_past,
    exists(
        select 1
        from ops.acceptances as a
        where a.business_date = {{ business_date }}
    ) as is_accepted
from (
    select
        {{ business_date }} as business_date,
        max(l.business_date) as last_file_of,
        count(*) filter (
            where {{ business_date }} in (l.business_date, l.run_date)
        ) > 0 as has_files,
        count(*) filter (where l.business_date = {{ business_date }} - 7) = 0
        and count(*) filter (where l.business_date < {{ business_date }} - 7) > 0
        and count(*) filter (
            where l.business_date between {{ business_date }} - 6 and {{ business_date }} - 1
        ) > 0 as is_quiet_weekday
    from ops.file_ledger as l
    where l.business_date <= {{ business_date }}
) as f
