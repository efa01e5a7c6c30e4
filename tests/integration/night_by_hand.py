"""One published night, written by hand: the tables and books that the scorecards read, a few rows each."""

from __future__ import annotations

from revlog.database.connections import connect

TABLES = """
create table marts.kpi_definitions (kpi text, title text, question text, formula text, numerator text,
    denominator text, unit text, bases text, grain text, better text, owner text, caveats text,
    needs text, numerator_unit text, denominator_unit text, also_called text);
create table marts.kpi_completeness (kpi text, basis text, completeness text, reason text,
    lacking_feeds text);
create table marts.kpi_daily (kpi text, basis text, period_date date, channel text, product_category text,
    site text, currency text, numerator numeric(20, 2), denominator numeric(20, 2), is_mature boolean,
    business_date date);
create table marts.return_cycle_time_overall (units bigint,
    events bigint, censored bigint, competing bigint, p50_hours bigint, p90_hours bigint);
create table marts.return_tracking (return_line_key text, status text, days_in_status integer, next_step text,
    is_overdue boolean, is_open boolean, request_id text, rma_no text, order_no text, product_category text,
    site text, open_quantity bigint, next_step_due_on date, business_date date, product_name text, sku text,
    channel text, reason text);
create table marts.dimension_product (sku text, product_name text);
create table marts.sales_lines (sku text, product_category text, shipped_on date, shipped_quantity bigint,
    returned_quantity bigint, is_mature boolean);
create table marts.regulated_units (receipt_id text, disposition_id text, sku text, product_category text,
    hazmat_class text, weee_category text, site text, received_on date, disposition text, disposed_on date,
    certificate_no text, quantity bigint, weight_g bigint, has_issue boolean, issue text);
create table finance.refund_exceptions (class text, gap text, currency text, status text, next_action text,
    amount numeric(18, 2), age_bucket text, age_days integer, is_chain boolean, group_key text, owner text,
    order_no text, rma_no text, refund_id text, memo_no text, period text, open_since date,
    reporting_amount numeric(18, 2));
create table finance.refund_reconciliation (pattern_name text, is_reconciled boolean, group_key text);
create table marts.publication (business_date date);
create table marts.return_forecast_weeks (site text, week_ahead integer, expected_units numeric(14, 4),
    low_80 integer, high_80 integer);
create table marts.quality_alerts (alert_key text, first_seen_on date, amount_at_stake numeric(18, 2));
create table marts.claims_to_file (claim_key text, deadline_on date, expected_amount numeric(18, 2));
create table marts.disposition_advice (receipt_id text, open_units bigint, difference numeric(18, 2));
create table marts.returnless_advice (sku text, advice text);
create table marts.customer_outlook (customer_id text, is_above_peers boolean, currency text);
insert into marts.publication values ('2026-02-10');
insert into marts.return_forecast_weeks values
    ('LEJ', 1, 30, 20, 40), ('POZ', 1, 12.4, 8, 14), ('LEJ', 2, 90, 70, 110);
insert into marts.quality_alerts values ('A', '2026-02-04', 100.50), ('B', '2026-02-03', 20);
insert into marts.claims_to_file values
    ('A', '2026-02-16', 10), ('B', '2026-02-17', 5), ('C', '2026-02-12', null);
insert into marts.disposition_advice values ('R1', 3, 2), ('R2', 1, null);
insert into marts.returnless_advice values ('L1', 'KEEP'), ('L2', 'TAKE BACK');
insert into marts.customer_outlook values ('C1', true, 'EUR'), ('C2', false, 'EUR');
insert into marts.kpi_definitions (kpi, title, question, formula, unit, bases, better, caveats, needs,
    numerator_unit, denominator_unit, also_called) values
    ('returned_stock_days', 'Days of stock', 'How long?', 'a / b', 'days', 'STOCK', 'down', '', '', 'units',
        'units', 'cover'),
    ('product_return_rate', 'Return rate', 'How much?', 'a / b', 'ratio', 'SALE', 'down', '', '', 'units',
        'units', 'what comes back');
insert into marts.kpi_completeness values
    ('returned_stock_days', 'STOCK', 'complete', null, null),
    ('product_return_rate', 'SALE', 'partly', 'does not count X', null);
insert into marts.kpi_daily (kpi, basis, period_date, channel, product_category, site, currency, numerator,
    denominator, is_mature) values
    ('returned_stock_days', 'STOCK', '2026-02-09', 'WEB', 'home', 'LEJ', 'EUR', 100, 10, true),
    ('returned_stock_days', 'STOCK', '2026-02-10', 'WEB', 'home', 'LEJ', 'EUR', 60, 20, true),
    ('product_return_rate', 'SALE', '2025-12-03', 'WEB', 'home', 'LEJ', 'EUR', 1, 20, true),
    ('product_return_rate', 'SALE', '2025-12-20', 'WEB', 'home', 'LEJ', 'EUR', 5, 20, true),
    ('product_return_rate', 'SALE', '2026-01-05', 'WEB', 'home', 'LEJ', 'EUR', 1, 10, true),
    ('product_return_rate', 'SALE', '2026-01-08', 'APP', 'home', 'LEJ', 'EUR', 2, 10, true),
    ('product_return_rate', 'SALE', '2026-01-20', 'WEB', 'home', 'LEJ', 'EUR', 2, 10, false);
insert into marts.return_tracking values
    ('RMA:1', 'APPROVED', 3, 'customer sends goods', false, true, null, '1', 'O1', 'home', 'NOT_RECEIVED', 1,
        '2026-02-21', '2026-02-10', 'Lamp', 'L1', 'WEB', 'DEFECTIVE'),
    ('RMA:2', 'APPROVED', 40, 'customer sends goods', true, true, null, '2', 'O2', 'home', 'NOT_RECEIVED', 2,
        '2026-01-15', '2026-02-10', 'Lamp', 'L1', 'WEB', 'DEFECTIVE'),
    ('RMA:4', 'INSPECTED', 9, 'decide', true, true, null, '4', 'O4', 'home', 'LEJ', 1, '2026-02-06',
        '2026-02-10', null, 'L2', 'APP', 'DEFECTIVE'),
    ('RMA:3', 'CLOSED', 90, null, false, false, null, '3', 'O3', 'home', 'LEJ', 0, null, '2026-02-10', 'Lamp',
        'L1', 'WEB', 'DEFECTIVE'),
    ('RMA:5', 'INSPECTED', 2, null, false, false, null, '5', 'O5', 'home', 'LEJ', 0, null, '2026-02-10',
        'Lamp', 'L1', 'WEB', 'DEFECTIVE');
insert into marts.dimension_product values ('L1', 'Lamp'), ('L2', 'Shade');
-- Of 20 lamps of the last 90 days 10 came back, of 100 before 10; of shades as many as before.
insert into marts.sales_lines values
    ('L1', 'home', '2025-12-20', 20, 10, true), ('L1', 'home', '2025-06-01', 100, 10, true),
    ('L1', 'home', '2026-01-20', 50, 0, false), ('L1', 'home', '2024-06-01', 100, 90, true),
    ('L2', 'home', '2025-12-20', 20, 2, true), ('L2', 'home', '2025-06-01', 100, 10, true),
    ('L3', 'home', '2025-12-20', 9, 9, true), ('L3', 'home', '2025-06-01', 100, 0, true);
insert into marts.regulated_units values
    ('R1', 'D1', 'L1', 'home', null, '5', 'LEJ', '2026-01-02', 'LANDFILL', '2026-01-09', null, 2, 800, true,
        'LANDFILL is not allowed for e-waste category 5'),
    ('R2', 'D2', 'L1', 'home', null, '5', 'LEJ', '2026-01-02', 'RECYCLE', '2026-01-09', 'C1', 1, 400, false,
        null),
    ('R3', 'OPEN', 'L1', 'home', null, '5', 'LEJ', '2026-02-02', 'OPEN', null, null, 3, 1200, false, null);
insert into finance.refund_exceptions (class, gap, currency, status, next_action, amount, age_bucket,
    age_days, is_chain, group_key) values
    ('DUPLICATE', 'E-M', 'EUR', 'open', 'recover', 5, '0-3', 2, true, 'B'),
    ('DUPLICATE', 'M-T', 'EUR', 'open', 'recover', 3, '0-3', 2, false, 'B'),
    ('TAX', 'E-M', 'EUR', 'cleared', 'none', 0, '0-3', 2, true, 'A'),
    ('DUPLICATE', 'E-M', 'EUR', 'open', 'recover', -7, '90+', 99, true, 'B'),
    ('STORE_CREDIT_OR_EXCHANGE', 'M-P', 'EUR', 'settled', 'none', 20, '0-3', 1, true, 'C'),
    ('ROUNDING', 'E-M', 'EUR', 'explained', 'post', 0.01, '0-3', 1, true, 'C');
update finance.refund_exceptions set owner = 'refunds', order_no = 'O1', rma_no = '1', refund_id = 'F1',
    memo_no = 'M1', period = '2026-02', open_since = '2026-02-08', reporting_amount = amount;
insert into finance.refund_reconciliation values 
    ('complete', true, 'A'), ('complete', false, 'B'), ('complete', false, 'C');
"""
BOOKS = """
insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes, modified_at, status, rows_parsed,
    rows_loaded, rows_quarantined, run_date, started_at) values
    ('erp_items', 'standard', 'a', 'a', 1, now(), 'loaded', 3, 2, 1, '2026-02-09', now()),
    ('erp_items', 'standard', 'b', 'b', 1, now(), 'loaded', 5, 3, 2, '2026-02-10', now()),
    ('crm_cases', 'standard', 'c', 'c', 1, now(), 'rejected', 0, 0, 0, '2026-02-10', now());
insert into ops.quarantine (file_id, line_no, record_no, feed, reason)
    select file_id, n, n, 'erp_items', 'bad_date' from ops.file_ledger
    cross join generate_series(1, 2) as n where name = 'b' or (name = 'a' and n = 1);
insert into ops.validation_results (run_id, business_date, stage, engine, asset, check_name, severity,
    success, message) values
    ('r1', '2026-02-10', 'landed', 'gx', 'x', 'mended', 'critical', false, 'was wrong'),
    ('r2', '2026-02-10', 'landed', 'gx', 'x', 'mended', 'critical', true, null),
    ('r2', '2026-02-10', 'landed', 'gx', 'x', 'still', 'warning', false, 'first line' || chr(10) || 'second'),
    ('r0', '2026-02-09', 'landed', 'gx', 'x', 'of_yesterday', 'critical', false, 'old');
insert into ops.stage_runs (business_date, stage, detail, outcome, started_at, finished_at) values
    ('2026-02-08', 'ingest', 'a', 'ok', '2026-02-08 02:00', '2026-02-08 02:01'),
    ('2026-02-09', 'ingest', 'a', 'ok', '2026-02-09 02:00', '2026-02-09 02:02'),
    ('2026-02-10', 'ingest', 'a', 'ok', '2026-02-10 02:00', '2026-02-10 02:03'),
    ('2026-02-10', 'ingest', 'b', 'ok', '2026-02-10 02:01', '2026-02-10 02:04'),
    ('2026-02-10', 'dbt', 'core', 'failed', '2026-02-10 03:00', '2026-02-10 03:30'),
    ('2026-02-10', 'dbt', 'core', 'ok', '2026-02-10 04:00', '2026-02-10 04:01');
insert into ops.publications (business_date, code_version, from_seq, to_seq, files, tables)
    values ('2026-02-10', 'abc', 0, 1, '[]', '{}');
"""


def publish_by_hand() -> None:
    """Write the night, readable for the roles that read what is published."""
    with connect("admin") as connection:
        connection.execute(TABLES)
        connection.execute(BOOKS)
        connection.execute("grant select on all tables in schema marts, finance to reporter")
