-- severity: warning
-- meaning: At most 5% of the credit is unexplained.
-- Cents that no class explains are shown; above this share of the credit memos someone should
-- look.
select * from batch
where unexplained > 0.05 * credited
