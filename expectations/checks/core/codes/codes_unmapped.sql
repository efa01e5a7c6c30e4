-- severity: critical
-- meaning: At most 5% of the rows of a kind have codes that nothing maps.
-- advice: {{ advice }}
-- One row in twenty of a kind is no stray code but a list that is missing, which holds the
-- night; a handful is no share of anything.
select * from batch
where unmapped_of_kind >= 10 and share > 0.05
