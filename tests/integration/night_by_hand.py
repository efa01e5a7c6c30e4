"""One published night, written by hand: the tables and books that the scorecards read, a few rows each."""

from __future__ import annotations

from warehouse.connections import connect

TABLES = """
create table marts.kpi_definitions (kpi text, title text, question text, formula text, numerator text,
    denominator text, unit text, bases text, grain text, better text, owner text, caveats text,
    needs text);
create table marts.kpi_completeness (kpi text, completeness text, reason text, lacking_feeds text);
create table marts.kpi_daily (kpi text, basis text, period_date date, channel text, product_category text,
    site text, currency text, numerator numeric(20, 2), denominator numeric(20, 2), is_mature boolean,
    business_date date);
create table marts.return_cycle_time_overall (units bigint,
    events bigint, censored bigint, competing bigint, p50_hours bigint, p90_hours bigint);
create table marts.return_tracking (return_line_key text, status text, days_in_status integer, next_step text,
    is_overdue boolean, is_open boolean, request_id text, rma_no text, order_no text, product_category text,
    site text, open_quantity bigint);
create table finance.refund_exceptions (class text, gap text, currency text, status text, next_action text,
    amount numeric(18, 2), age_bucket text, age_days integer, is_chain boolean, group_key text);
create table finance.refund_reconciliation (pattern_name text, is_reconciled boolean, group_key text);
insert into marts.kpi_definitions (kpi, title, question, formula, unit, bases, better, caveats, needs) values
    ('returned_stock_days', 'Days of stock', 'How long?', 'a / b', 'days per unit', 'STOCK', 'down', '', ''),
    ('product_return_rate', 'Return rate', 'How much?', 'a / b', 'ratio', 'SALE', 'down', '', '');
insert into marts.kpi_completeness values
    ('returned_stock_days', 'complete', null, null),
    ('product_return_rate', 'partly', 'does not count X', null);
insert into marts.kpi_daily (kpi, basis, period_date, currency, numerator, denominator, is_mature) values
    ('returned_stock_days', 'STOCK', '2026-02-09', 'EUR', 100, 10, true),
    ('returned_stock_days', 'STOCK', '2026-02-10', 'EUR', 60, 20, true),
    ('product_return_rate', 'SALE', '2026-01-05', 'EUR', 1, 10, true),
    ('product_return_rate', 'SALE', '2026-01-20', 'EUR', 2, 10, false);
insert into marts.return_tracking values
    ('RMA:1', 'APPROVED', 3, 'hand over', false, true, null, '1', 'O1', 'home', 'LEJ', 1),
    ('RMA:2', 'APPROVED', 40, 'hand over', true, true, null, '2', 'O2', 'home', 'LEJ', 2),
    ('RMA:3', 'CLOSED', 90, null, false, false, null, '3', 'O3', 'home', 'LEJ', 0);
insert into finance.refund_exceptions values
    ('DUPLICATE', 'E-M', 'EUR', 'open', 'recover', 5, '0-3', 2, true, 'B'),
    ('DUPLICATE', 'M-T', 'EUR', 'open', 'recover', 3, '0-3', 2, false, 'B'),
    ('TAX', 'E-M', 'EUR', 'cleared', 'none', 0, '0-3', 2, true, 'A'),
    ('DUPLICATE', 'E-M', 'EUR', 'open', 'recover', 7, '90+', 99, true, 'B'),
    ('ROUNDING', 'E-M', 'EUR', 'explained', 'post', 0.01, '0-3', 1, true, 'C');
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
insert into ops.publications (business_date, code_version, from_seq, to_seq, files, tables)
    values ('2026-02-10', 'abc', 0, 1, '[]', '{}');
"""


def publish_by_hand() -> None:
    """Write the night, readable for the roles that read what is published."""
    with connect("admin") as connection:
        connection.execute(TABLES)
        connection.execute(BOOKS)
        connection.execute("grant select on all tables in schema marts, finance to reporter")
