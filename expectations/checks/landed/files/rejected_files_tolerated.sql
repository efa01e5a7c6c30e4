-- severity: warning
-- meaning: Refused files of occasional feeds, and those that were accepted.
select * from batch
where status = 'rejected' and not is_replaced and (is_occasional or is_accepted)
