-- asset: ops.unclaimed_files
-- key: file, kind, detail, feed
-- What lies in the landing zone and no layout takes: what was meant for a feed is missing
-- there.
select
    u.path as file,
    u.kind,
    u.detail,
    u.feed,
    u.first_seen_on,
    u.feed = any({{ occasional }}) as is_occasional,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = u.feed and a.business_date = {{ business_date }}
    ) as is_accepted
from ops.unclaimed_files as u
