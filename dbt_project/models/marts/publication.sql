-- Grain: one row: the night at which marts stands (of finance: finance_publication). Views read what the clock says
-- from here, so that one row changes with the night and not every row of every table.
{{ config(materialized='table') }}

select {{ as_of_date() }} as business_date
