-- severity: warning
-- meaning: Files have no column that the contract does not know.
-- advice: Add the column to the contract, or set extra_columns: ignore in its layout.
select * from batch
where _extra is not null
