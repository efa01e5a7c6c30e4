-- What each column of the books means, for psql's \d+ and the data dictionary. Columns that came later
-- are described where they are added.

comment on column ops.file_ledger.file_id is 'Number of the file, given when it was first seen.';
comment on column ops.file_ledger.feed is 'Feed that the file belongs to.';
comment on column ops.file_ledger.layout is 'Layout of the contract that the file was read with.';
comment on column ops.file_ledger.name is 'Name of the file in the landing zone.';
comment on column ops.file_ledger.content_sha256 is
    'SHA-256 of the content, unpacked, as it was read; equal content is loaded once.';
comment on column ops.file_ledger.size_bytes is 'Size of the file in bytes.';
comment on column ops.file_ledger.business_date is 'Business date in the file''s name.';
comment on column ops.file_ledger.extract_at is
    'When the source system extracted the file: from its name, header or trailer, else its modification time.';
comment on column ops.file_ledger.modified_at is
    'When the file was last changed in the landing zone.';
comment on column ops.file_ledger.status is 'loaded, duplicate, superseded, rejected or deferred.';
comment on column ops.file_ledger.reason is
    'Why the file was rejected or deferred; empty for loaded files.';
comment on column ops.file_ledger.rows_parsed is
    'Rows found in the file: loaded + quarantined + duplicate + control.';
comment on column ops.file_ledger.rows_loaded is 'Rows that went to the raw table.';
comment on column ops.file_ledger.rows_quarantined is 'Rows that went to ops.quarantine.';
comment on column ops.file_ledger.rows_duplicate is 'Rows that repeat another row of the file.';
comment on column ops.file_ledger.rows_control is
    'Rows that are totals, trailers or footers of the file.';
comment on column ops.file_ledger.amounts is
    'Sum of the contract''s amount column over the loaded rows, by currency.';
comment on column ops.file_ledger.changed_seq is
    'Number of the ledger change that the row last took part in; a build takes in a range of them.';
comment on column ops.file_ledger.run_date is 'Business date of the night that took the file in.';
comment on column ops.file_ledger.started_at is 'When reading the file began.';
comment on column ops.file_ledger.finished_at is
    'When reading the file ended; empty after a crash.';

comment on column ops.quarantine.file_id is 'File that the row came in, in ops.file_ledger.';
comment on column ops.quarantine.line_no is 'Line of the file on which the row begins.';
comment on column ops.quarantine.record_no is 'Number of the record within the file, from 1.';
comment on column ops.quarantine.feed is 'Feed of the file.';
comment on column ops.quarantine.reason is 'Why the row was refused, from a closed list.';
comment on column ops.quarantine.column_name is 'Column at fault; empty where the whole row is.';
comment on column ops.quarantine.raw_text is
    'Text of the row as it came; personal values are withheld.';
comment on column ops.quarantine.detail is 'What was found in words.';
call ops.add_column('ops.quarantine', 'readable', 'jsonb');
comment on column ops.quarantine.readable is
    'Numbers, codes and amounts of the row that could be read, by column of the contract; empty where the feed
    names people, or the whole row is at fault.';
comment on column ops.quarantine.quarantined_at is 'When the row was refused.';

comment on column ops.erasures.customer_id is 'Customer, as a keyed hash.';
comment on column ops.erasures.erased_at is 'When the customer''s direct identifiers were erased.';
comment on column ops.erasures.reason is 'Why they were erased.';

comment on column ops.builds.build_id is 'Number of the build.';
comment on column ops.builds.business_date is 'Business date that the build computes.';
comment on column ops.builds.from_seq is 'Last ledger change that earlier builds took in.';
comment on column ops.builds.to_seq is 'Last ledger change that this build takes in.';
comment on column ops.builds.status is 'building, built or failed.';
comment on column ops.builds.started_at is 'When the build was opened.';
comment on column ops.builds.finished_at is 'When the build was closed.';
comment on column ops.builds.is_full_refresh is 'True when everything is computed anew.';

comment on column ops.validation_results.result_id is 'Number of the result.';
comment on column ops.validation_results.run_id is 'Gate or build that the check belongs to.';
comment on column ops.validation_results.business_date is 'Business date that was checked.';
comment on column ops.validation_results.stage is
    'Gate (landed, core, publish) or dbt layer (staging, core, marts).';
comment on column ops.validation_results.engine is 'Who checked: gx (Great Expectations) or dbt.';
comment on column ops.validation_results.suite is 'Suite of the check; empty for dbt.';
comment on column ops.validation_results.asset is 'Table or query that was checked.';
comment on column ops.validation_results.check_name is 'Name of the check.';
comment on column ops.validation_results.column_name is
    'Column that was checked; empty where the check is about rows.';
comment on column ops.validation_results.severity is 'critical stops the night, warning tells.';
comment on column ops.validation_results.success is 'True when the check held.';
comment on column ops.validation_results.observed is
    'Value that was observed, where the check compares one.';
comment on column ops.validation_results.unexpected_count is 'Rows at fault.';
comment on column ops.validation_results.sample is 'Keys, file and line of some rows at fault.';
comment on column ops.validation_results.message is
    'What the check expects, and what to do when it fails.';
comment on column ops.validation_results.seconds is 'Time that the check took, in seconds.';
comment on column ops.validation_results.validated_at is 'When the check ended.';

comment on column ops.publications.publication_id is 'Number of the publication.';
comment on column ops.publications.business_date is 'Business date that was published.';
comment on column ops.publications.published_at is 'When readers began to see it.';
comment on column ops.publications.build_id is 'Build that was published.';
comment on column ops.publications.code_version is 'Version and git commit of the code.';
comment on column ops.publications.from_seq is 'Last ledger change of the build before.';
comment on column ops.publications.to_seq is 'Last ledger change that is published.';
comment on column ops.publications.files is
    'Files that came since the publication before, with feed, name and fingerprint.';
comment on column ops.publications.tables is 'Rows deleted and inserted, by table.';

comment on column ops.acceptances.acceptance_id is 'Number of the acceptance.';
comment on column ops.acceptances.feed is 'Feed whose files were let pass.';
comment on column ops.acceptances.business_date is 'Business date that was let pass.';
comment on column ops.acceptances.reason is 'Why, in the operator''s words.';
comment on column ops.acceptances.accepted_by is 'Database user who let it pass.';
comment on column ops.acceptances.accepted_at is 'When it was let pass.';

comment on column ops.model_runs.run_id is 'Number of the row.';
comment on column ops.model_runs.build_id is 'Build that the node ran in.';
comment on column ops.model_runs.layer is 'Layer that was built: staging, core or marts.';
comment on column ops.model_runs.node is 'Name of the model, seed or test.';
comment on column ops.model_runs.resource_type is 'model, seed, snapshot, test or unit_test.';
comment on column ops.model_runs.status is
    'Outcome as dbt tells it: success, pass, warn, fail, error or skipped.';
comment on column ops.model_runs.seconds is 'Time that the node took, in seconds.';
comment on column ops.model_runs.rows_affected is 'Rows written, where the database tells.';
comment on column ops.model_runs.message is 'First line of the error, where it failed.';
comment on column ops.model_runs.finished_at is 'When the outcome was written down.';

comment on column ops.stage_runs.run_id is 'Number of the row.';
comment on column ops.stage_runs.business_date is 'Business date of the night.';
comment on column ops.stage_runs.stage is
    'ingest, gate, dbt, publish or report; night spans them all.';
comment on column ops.stage_runs.detail is 'Feed, gate or layer of the stage.';
comment on column ops.stage_runs.outcome is 'ok or failed.';
comment on column ops.stage_runs.started_at is 'When the stage began.';
comment on column ops.stage_runs.finished_at is 'When the stage ended.';
