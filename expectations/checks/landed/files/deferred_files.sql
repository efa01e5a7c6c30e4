-- severity: warning
-- meaning: No upload was still in progress when the night ran.
select * from batch
where status = 'deferred'
