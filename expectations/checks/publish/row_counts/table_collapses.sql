-- severity: {{ 'warning' if is_set_back else 'critical' }}
-- meaning: No table keeps less than 50% of its rows.
-- advice: Compare build with the published table; a feed or a filter lost rows.
-- Smaller tables are reference data that someone edits. What a mistyped date has published is
-- no measure for the right one, so the date set back only warns.
select * from batch
where (rows_published >= 50 and rows_built < rows_published * 0.5)
    or (rows_built = 0 and rows_published > 0)
