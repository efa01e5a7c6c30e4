-- What the dashboard of the pipeline reads: counts and reasons of the books, without names of files, refused rows or
-- samples, which may hold personal data. Who may read marts may read these.
do $$ begin
    if to_regclass('ops.pipeline_files') is null then
        create view ops.pipeline_files as
        select
            run_date, split_part(feed, '_', 1) as source, feed, status, business_date,
            count(*) as files, sum(rows_loaded) as rows_loaded, sum(rows_quarantined) as rows_quarantined,
            sum(rows_duplicate) as rows_duplicate, max(finished_at) as last_finished_at
        from ops.file_ledger
        where run_date is not null
        group by run_date, feed, status, business_date;
    end if;
    if to_regclass('ops.pipeline_refusals') is null then
        create view ops.pipeline_refusals as
        select
            files.run_date, split_part(refused.feed, '_', 1) as source, refused.feed, refused.reason,
            refused.column_name, count(*) as rows_refused
        from ops.quarantine as refused
        inner join ops.file_ledger as files on refused.file_id = files.file_id
        where files.run_date is not null
        group by files.run_date, refused.feed, refused.reason, refused.column_name;
    end if;
    if to_regclass('ops.pipeline_stages') is null then
        create view ops.pipeline_stages as
        select
            run_id, business_date, stage, detail, outcome, started_at, finished_at,
            cast(extract(epoch from finished_at - started_at) as numeric(12, 1)) as seconds
        from ops.stage_runs;
    end if;
    if to_regclass('ops.pipeline_checks') is null then
        create view ops.pipeline_checks as
        select distinct on (business_date, stage, engine, asset, check_name, column_name)
            result_id, business_date, stage, engine, asset, check_name, column_name, severity, success,
            unexpected_count, validated_at
        from ops.validation_results
        order by business_date, stage, engine, asset, check_name, column_name, result_id desc;
    end if;
end $$;
comment on view ops.pipeline_files is 'Files and their rows, by night, feed, status and date of the file.';
comment on column ops.pipeline_files.run_date is 'Business date of the night that read them.';
comment on column ops.pipeline_files.source is 'System that they come from: erp, wms or crm.';
comment on column ops.pipeline_files.feed is 'Feed.';
comment on column ops.pipeline_files.status is 'loaded, duplicate, superseded, rejected or deferred.';
comment on column ops.pipeline_files.business_date is 'Business date in the name of the file; empty where it has none.';
comment on column ops.pipeline_files.files is 'Files.';
comment on column ops.pipeline_files.rows_loaded is 'Rows loaded.';
comment on column ops.pipeline_files.rows_quarantined is 'Rows refused.';
comment on column ops.pipeline_files.rows_duplicate is 'Rows that the file, or one before it, had brought already.';
comment on column ops.pipeline_files.last_finished_at is 'When the last of them had been read.';
comment on view ops.pipeline_refusals is 'Rows refused, by night, feed, reason and column.';
comment on column ops.pipeline_refusals.run_date is 'Business date of the night that refused them.';
comment on column ops.pipeline_refusals.source is 'System that they come from: erp, wms or crm.';
comment on column ops.pipeline_refusals.feed is 'Feed.';
comment on column ops.pipeline_refusals.reason is 'Why they were refused.';
comment on column ops.pipeline_refusals.column_name is 'Column that was wrong; empty where the whole row was.';
comment on column ops.pipeline_refusals.rows_refused is 'Rows refused.';
comment on view ops.pipeline_stages is 'Stages that ran, with how long they took.';
comment on column ops.pipeline_stages.run_id is 'Number of the run.';
comment on column ops.pipeline_stages.business_date is 'Business date of the night.';
comment on column ops.pipeline_stages.stage is 'Stage; night is a night from its start to its end.';
comment on column ops.pipeline_stages.detail is 'What of the stage ran, such as the feed.';
comment on column ops.pipeline_stages.outcome is 'ok or failed.';
comment on column ops.pipeline_stages.started_at is 'When it began.';
comment on column ops.pipeline_stages.finished_at is 'When it ended.';
comment on column ops.pipeline_stages.seconds is 'Seconds that it took.';
comment on view ops.pipeline_checks is 'Last result of each check of each night.';
comment on column ops.pipeline_checks.result_id is 'Number of the result.';
comment on column ops.pipeline_checks.business_date is 'Business date of the night.';
comment on column ops.pipeline_checks.stage is 'Gate or layer that checked.';
comment on column ops.pipeline_checks.engine is 'gx or dbt.';
comment on column ops.pipeline_checks.asset is 'Table that was checked.';
comment on column ops.pipeline_checks.check_name is 'Check.';
comment on column ops.pipeline_checks.column_name is 'Column that was checked; empty where it is of the whole table.';
comment on column ops.pipeline_checks.severity is 'critical, which holds a domain back, or warning.';
comment on column ops.pipeline_checks.success is 'True where the check passed.';
comment on column ops.pipeline_checks.unexpected_count is 'Rows that failed it.';
comment on column ops.pipeline_checks.validated_at is 'When it was checked.';
