{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_returned_stock', 'keys': ['snapshot_date'],
    },
    indexes=[
        {'columns': ['snapshot_date', 'site', 'location', 'sku', 'grade'], 'unique': true},
        {'columns': ['sku']},
    ],
) }}
-- Grain: one row per day, site, location, SKU and grade. A day is what its newest file says, whole: what
-- that file leaves out was not there.

with rows_of_active_files as (
    select
        stock.*,
        rank() over (
            partition by stock.snapshot_date
            order by file.extract_at desc, file.modified_at desc, file.content_sha256 desc
        ) as file_rank
    from {{ source('wms', 'wms_returned_stock') }} as stock
    inner join {{ source('ops', 'file_ledger') }} as file
        on stock._file_id = file.file_id and file.status = 'loaded'
    {% if is_incremental() -%}
    where stock.snapshot_date in ({{ touched_keys('wms', 'wms_returned_stock', ['snapshot_date']) }})
    {%- endif %}
)

select
    snapshot_date,
    site,
    location,
    sku,
    grade,
    -- amounts
    quantity,
    unit_value,
    currency,
    -- lineage
    _file_id,
    _line_no
from rows_of_active_files
where file_rank = 1
