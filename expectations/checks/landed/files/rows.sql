-- asset: ops.file_ledger
-- key: feed, file, reason
-- Files that are refused or still being written. A refused file that was replaced under its
-- name is forgiven; what replaces it may keep the older time that it has at its source.
select
    l.feed,
    l.name as file,
    l.business_date,
    l.status,
    l.reason,
    l.layout,
    l.feed = any({{ occasional }}) as is_occasional,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = l.feed and a.business_date = l.business_date
    ) as is_accepted,
    exists(
        select 1
        from ops.file_ledger as better
        where better.feed = l.feed and better.name = l.name
            and better.status = 'loaded'
            and (better.modified_at >= l.modified_at or better.started_at > l.started_at)
    ) as is_replaced
from ops.file_ledger as l
where l.run_date = {{ business_date }} and l.status in ('rejected', 'deferred')
