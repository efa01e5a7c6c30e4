-- severity: critical
-- meaning: All credit memos and all settled cash of core are in their group.
-- advice: Compute everything anew: revlog night DATE --full-refresh.
select * from batch
