-- severity: warning
-- meaning: Each currency has a rate of the last 7 days.
-- advice: Ask for the missing erp_fx_rates files; amounts convert at old rates.
-- Weekends and the longest run of bank holidays.
select * from batch
where newest < {{ business_date }} - 7
