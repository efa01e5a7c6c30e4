-- Closed periods: who closed or reopened which one, and the rows that were frozen with each close. Both
-- are append-only for everyone: reopening adds an act, it takes nothing away.
create table if not exists ops.period_acts (
    act_id bigint generated always as identity primary key,
    act text not null check (act in ('close', 'reopen')),
    period text not null check (period ~ '^[0-9]{4}-[0-9]{2}$'),
    approver text not null check (btrim(approver) <> ''),
    note text not null default '',
    acted_at timestamptz not null default now(),
    publication_id bigint not null references ops.publications,
    business_date date not null,
    code_version text not null,
    frozen_rows bigint not null,
    frozen_amounts jsonb not null
);
comment on table ops.period_acts is
    'One row per fiscal period closed or reopened; append-only.';
comment on column ops.period_acts.act_id is 'Number of the act.';
comment on column ops.period_acts.act is 'close or reopen.';
comment on column ops.period_acts.period is 'Fiscal period, YYYY-PP.';
comment on column ops.period_acts.approver is 'Who answers for it, by name.';
call ops.add_column('ops.period_acts', 'actor', 'text');
call ops.add_column('ops.period_acts', 'database_user', 'text');
comment on column ops.period_acts.actor is
    'Who was logged in: airflow:<user> or system:<user>; empty for acts recorded before 0.2.0.';
comment on column ops.period_acts.database_user is
    'Role that the database was logged in to with; empty for acts recorded before 0.2.0.';
comment on column ops.period_acts.note is 'Why, in the approver''s words.';
comment on column ops.period_acts.acted_at is 'When it was recorded.';
comment on column ops.period_acts.publication_id is
    'Publication that readers saw then: what was closed.';
comment on column ops.period_acts.business_date is 'Business date of that publication.';
comment on column ops.period_acts.code_version is 'Version and git commit of the code.';
comment on column ops.period_acts.frozen_rows is
    'Rows frozen with the close; of a reopening, those that are no longer in force.';
comment on column ops.period_acts.frozen_amounts is
    'Their cents by currency, and by leg or gap within it.';

create table if not exists ops.frozen_postings (
    act_id bigint not null references ops.period_acts,
    posted_period text not null,
    original_period text not null,
    is_adjustment boolean not null,
    subject text not null check (subject in ('document', 'gap')),
    item_key text not null,
    entity text,
    currency text not null,
    group_key text not null,
    leg text,
    document_key text,
    document_type text,
    document_no text,
    component text,
    gap text,
    class text,
    amount numeric(18, 2) not null,
    document_currency text,
    document_amount numeric(18, 2),
    file_id bigint,
    line_no bigint,
    unique nulls not distinct (
        act_id, original_period, subject, item_key, leg, group_key, entity, currency, document_currency
    )
);
comment on table ops.frozen_postings is
    'Figures as reported: what each close posted, and from which original period; append-only.';
comment on column ops.frozen_postings.act_id is 'Close that froze the row, in ops.period_acts.';
comment on column ops.frozen_postings.posted_period is 'Period that the cents are reported in.';
comment on column ops.frozen_postings.original_period is 'Period that the row itself belongs to.';
comment on column ops.frozen_postings.is_adjustment is
    'True where the original period had been closed before: the amount is what changed since.';
comment on column ops.frozen_postings.subject is
    'document: a leg''s row of a feed; gap: cents of a class between two legs.';
comment on column ops.frozen_postings.item_key is 'Document, or gap and class.';
comment on column ops.frozen_postings.entity is 'Site that sold.';
comment on column ops.frozen_postings.currency is 'Currency of the amount, that of the group.';
comment on column ops.frozen_postings.group_key is 'Match group.';
comment on column ops.frozen_postings.leg is 'Leg of a document: E, M, P, G, T or GM.';
comment on column ops.frozen_postings.document_key is 'Leg and key of the document in its fact.';
comment on column ops.frozen_postings.document_type is
    'return, memo, refund, refund_failure, chargeback or journal.';
comment on column ops.frozen_postings.document_no is
    'Receipt, memo, refund, settlement or journal number.';
comment on column ops.frozen_postings.component is 'Component of a memo, or tender of a refund.';
comment on column ops.frozen_postings.gap is 'The two legs that differ.';
comment on column ops.frozen_postings.class is 'Class of the cents.';
comment on column ops.frozen_postings.amount is 'Cents posted, in the currency of the group.';
comment on column ops.frozen_postings.document_currency is 'Currency of the document.';
comment on column ops.frozen_postings.document_amount is 'Cents posted, in the document''s currency.';
comment on column ops.frozen_postings.file_id is
    'File that had brought the document, in ops.file_ledger.';
comment on column ops.frozen_postings.line_no is 'Line of that file.';

create table if not exists ops.frozen_accruals (
    act_id bigint not null references ops.period_acts,
    month date not null,
    product_category text not null,
    currency text not null,
    shipped_value numeric(18, 2) not null,
    revenue numeric(18, 2) not null,
    opening_value numeric(18, 2) not null,
    accrued_value numeric(18, 2) not null,
    used_value numeric(18, 2) not null,
    re_estimated_value numeric(18, 2) not null,
    refund_liability numeric(18, 2) not null,
    expected_cost numeric(18, 2) not null,
    recovery_share numeric(9, 6) not null,
    right_of_return_asset numeric(18, 2) not null,
    unique (act_id, month, product_category)
);
comment on table ops.frozen_accruals is
    'Refund liability and right-of-return asset as reported with each close; append-only.';
comment on column ops.frozen_accruals.act_id is 'Close that froze the row, in ops.period_acts.';
comment on column ops.frozen_accruals.month is
    'First day of the month at whose end the liability stands.';
comment on column ops.frozen_accruals.product_category is 'Category of the product as of the sale.';
comment on column ops.frozen_accruals.currency is 'Reporting currency.';
comment on column ops.frozen_accruals.shipped_value is 'Net sales of the month with a right of return.';
comment on column ops.frozen_accruals.revenue is
    'Net sales less what was expected to come back of them.';
comment on column ops.frozen_accruals.opening_value is
    'Liability at the end of the month before, as it was known with the close.';
comment on column ops.frozen_accruals.accrued_value is 'Expected returns of the month''s sales.';
comment on column ops.frozen_accruals.used_value is 'Value that came back in the month.';
comment on column ops.frozen_accruals.re_estimated_value is
    'Change of what older sales, and the month''s own returns, were thought to bring.';
comment on column ops.frozen_accruals.refund_liability is 'Liability at the end of the month.';
comment on column ops.frozen_accruals.expected_cost is 'Cost of the goods still expected back.';
comment on column ops.frozen_accruals.recovery_share is
    'Share of their cost that returned goods had brought back.';
comment on column ops.frozen_accruals.right_of_return_asset is 'Expected cost times that share.';

-- Missing grants keep every role from changing them; this keeps an administrator from doing it by mistake.
create or replace function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only: what was reported or decided stays on record',
        tg_table_schema, tg_table_name
        using hint = 'To correct a closed period: revlog period reopen --help';
end $$;
-- Whoever inserts has no say in who they are to the database, and can't leave out who acted.
create or replace function ops.note_actor() returns trigger language plpgsql as $$
begin
    if btrim(coalesce(new.actor, '')) = '' then
        raise exception 'an act says who was logged in: ops.%.actor is empty', tg_table_name;
    end if;
    new.database_user := session_user;
    return new;
end $$;
create or replace trigger period_acts_actor before insert on ops.period_acts
    for each row execute function ops.note_actor();
create or replace trigger period_acts_stay before update or delete or truncate on ops.period_acts
    for each statement execute function ops.refuse_change();
create or replace trigger frozen_postings_stay before update or delete or truncate on ops.frozen_postings
    for each statement execute function ops.refuse_change();
create or replace trigger frozen_accruals_stay before update or delete or truncate on ops.frozen_accruals
    for each statement execute function ops.refuse_change();

-- What was decided on a difference between refund legs. Append-only: the last decision counts, as long as
-- the amount is the one that it was made on.
create table if not exists ops.exception_decisions (
    decision_id bigint generated always as identity primary key,
    group_key text not null,
    gap text not null,
    class text not null,
    decision text not null check (decision in ('accept', 'write_off', 'pursue', 'undecided')),
    amount numeric(18, 2) not null,
    currency text not null,
    approver text not null check (btrim(approver) <> ''),
    note text not null default '',
    actor text not null,
    database_user text,
    decided_at timestamptz not null default now(),
    publication_id bigint not null references ops.publications
);
create index if not exists exception_decisions_of_group on ops.exception_decisions (group_key, gap, class);
comment on table ops.exception_decisions is
    'One row per decision on a difference between refund legs; append-only, the last of each counts.';
comment on column ops.exception_decisions.decision_id is 'Number of the decision.';
comment on column ops.exception_decisions.group_key is 'Match group.';
comment on column ops.exception_decisions.gap is 'The two legs that differ.';
comment on column ops.exception_decisions.class is 'Class of the cents.';
comment on column ops.exception_decisions.decision is
    'accept, write_off, pursue (someone still works on it) or undecided (taken back).';
comment on column ops.exception_decisions.amount is 'Cents that were decided on.';
comment on column ops.exception_decisions.currency is 'Currency of the amount.';
comment on column ops.exception_decisions.approver is 'Who answers for it, by name.';
comment on column ops.exception_decisions.note is 'Why, in the approver''s words.';
comment on column ops.exception_decisions.actor is 'Who was logged in: airflow:<user> or system:<user>.';
comment on column ops.exception_decisions.database_user is
    'Role that the database was logged in to with.';
comment on column ops.exception_decisions.decided_at is 'When it was recorded.';
comment on column ops.exception_decisions.publication_id is 'Publication that showed the amount.';
create or replace trigger exception_decisions_actor before insert on ops.exception_decisions
    for each row execute function ops.note_actor();
create or replace trigger exception_decisions_stay before update or delete or truncate
    on ops.exception_decisions for each statement execute function ops.refuse_change();
