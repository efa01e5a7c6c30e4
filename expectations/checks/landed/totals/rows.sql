-- asset: raw control totals
-- key: feed, file, rows_in_raw, rows_in_ledger, amount_in_raw, amount_in_ledger
-- Rows and amounts of raw, counted anew, beside what the ledger says became of each file.
-- Amounts are summed over currencies on both sides, as a checksum only.
{%- for feed in feeds %}
{%- if not loop.first %}
union all
{%- endif %}
select
    l.feed,
    l.name as file,
    l.business_date,
    l.rows_loaded as rows_in_ledger,
    coalesce(r.rows_in_raw, 0) as rows_in_raw,
    {%- if feed.amount %}
    (
        select coalesce(sum(a.value::numeric), 0)
        from jsonb_each_text(l.amounts) as a
    ) as amount_in_ledger,
    {%- else %}
    0::numeric as amount_in_ledger,
    {%- endif %}
    coalesce(r.amount_in_raw, 0) as amount_in_raw
from ops.file_ledger as l
left join (
    select
        r._file_id,
        count(*) as rows_in_raw,
        {%- if feed.amount %}
        coalesce(sum(r.{{ feed.amount }}), 0) as amount_in_raw
        {%- else %}
        0::numeric as amount_in_raw
        {%- endif %}
    from raw.{{ feed.name }} as r
    where r._file_id in ({{ feed.files }})
    group by r._file_id
) as r on l.file_id = r._file_id
where l.file_id in ({{ feed.files }})
{%- endfor %}
