-- Grain: one row: the night at which finance stands, which a check may hold behind that of `publication`. Views
-- of finance read what the clock says from here.
{{ config(materialized='table') }}

select {{ as_of_date() }} as business_date
