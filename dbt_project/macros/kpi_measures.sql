{#- What the columns of each model of contributions add up to: `kpis` are sums of kpi_sums, `posts` sums of
    other models. A row counts for a KPI where its numerator or denominator is not null; `mature_on` is
    the day from which it changes no more, always where nothing is said. -#}
{% macro measures_of(model) -%}
    {%- set never = never_mature() -%}
    {%- set month = "cast(date_trunc('month', period_date) as date)" -%}
    {%- set reporting = "'" ~ var('reporting_currency') ~ "'" -%}
    {%- set disposed_of = mature_if('open_units = 0') -%}
    {#- What comes back on its last day is refunded, and asked after, for as long as a refund is due. -#}
    {%- set refunded_on = 'mature_on + ' ~ var('refund_days') -%}
    {%- set rated_on = refunded_on ~ ' + ' ~ var('case_days') -%}
    {%- set inspected_on = 'period_date + ' ~ var('inspection_days') -%}
    {%- set measures = {
        'kpi_of_sales_lines': {
            'kpis': [
                {'kpi': 'product_return_rate', 'basis': 'SALE', 'mature_on': 'mature_on',
                 'numerator': 'returned_units', 'denominator': 'shipped_units'},
                {'kpi': 'product_return_rate', 'basis': 'RETURN',
                 'numerator': '0', 'denominator': 'nullif(shipped_units, 0)'},
                {'kpi': 'return_value_rate', 'basis': 'SALE', 'mature_on': 'mature_on',
                 'numerator': 'returned_amount', 'denominator': 'net_amount'},
                {'kpi': 'return_value_rate', 'basis': 'RETURN',
                 'numerator': '0', 'denominator': 'net_amount'},
                {'kpi': 'refund_rate', 'basis': 'SALE', 'mature_on': refunded_on,
                 'numerator': '0', 'denominator': 'captured_amount'},
                {'kpi': 'refund_rate', 'basis': 'REFUND',
                 'numerator': '0', 'denominator': 'captured_amount'},
            ],
            'posts': [
                {'to': 'product_months', 'where': 'shipped_units > 0',
                 'keys': {'month': month, 'currency': reporting},
                 'sums': {'shipped_quantity': 'shipped_units'}},
            ],
        },
        'kpi_of_orders': {
            'kpis': [
                {'kpi': 'order_return_rate', 'basis': 'SALE', 'mature_on': 'mature_on',
                 'numerator': 'returned_orders', 'denominator': 'orders'},
                {'kpi': 'bracketing_rate', 'basis': 'SALE', 'mature_on': 'mature_on',
                 'numerator': 'bracketed_orders', 'denominator': 'orders'},
            ],
        },
        'kpi_of_receipts': {
            'kpis': [
                {'kpi': 'product_return_rate', 'basis': 'RETURN',
                 'numerator': 'received_units', 'denominator': '0'},
                {'kpi': 'return_value_rate', 'basis': 'RETURN', 'mature_on': 'mature_on',
                 'numerator': 'returned_amount', 'denominator': '0'},
                {'kpi': 'reason_confirmation_rate', 'basis': 'RETURN', 'mature_on': inspected_on,
                 'numerator': 'confirmed_units', 'denominator': 'judged_units'},
                {'kpi': 'policy_violation_rate', 'basis': 'RETURN',
                 'numerator': 'violating_units', 'denominator': 'sold_units'},
                {'kpi': 'policy_exception_rate', 'basis': 'RETURN',
                 'numerator': 'excepted_units', 'denominator': 'sold_units'},
                {'kpi': 'serial_mismatch_rate', 'basis': 'RETURN',
                 'numerator': 'mismatched_units', 'denominator': 'serial_units'},
            ],
            'posts': [
                {'to': 'product_months',
                 'keys': {'month': month, 'currency': reporting},
                 'sums': {'returned_quantity': 'received_units'}},
            ],
        },
        'kpi_of_dispositions': {
            'kpis': [
                {'kpi': 'dock_to_disposition_time', 'basis': 'RETURN', 'mature_on': disposed_of,
                 'numerator': 'disposed_hours', 'denominator': 'disposed_units'},
                {'kpi': 'restock_rate', 'basis': 'RETURN', 'mature_on': disposed_of,
                 'numerator': 'restocked_units', 'denominator': 'disposed_units'},
                {'kpi': 'landfill_diversion_rate', 'basis': 'RETURN', 'mature_on': disposed_of,
                 'numerator': 'diverted_g', 'denominator': 'disposed_g'},
                {'kpi': 'co2e_per_return', 'basis': 'RETURN', 'mature_on': disposed_of,
                 'numerator': 'co2e_g', 'denominator': 'received_units'},
            ],
            'posts': [
                {'to': 'returned_stock_outflow', 'where': 'outflow_units is not null',
                 'keys': {'disposed_on': 'period_date'}, 'sums': {'units': 'outflow_units'}},
            ],
        },
        'kpi_of_return_lines': {
            'kpis': [
                {'kpi': 'cost_per_return', 'basis': 'RETURN', 'mature_on': 'mature_on',
                 'numerator': 'closed_amount', 'denominator': 'disposed_units'},
                {'kpi': 'return_cost_in_process', 'basis': 'RETURN', 'mature_on': never,
                 'numerator': 'in_process_amount', 'denominator': 'in_process_units'},
                {'kpi': 'value_recovery_rate', 'basis': 'RETURN', 'mature_on': 'recovered_on',
                 'numerator': 'recovered_amount', 'denominator': 'closed_amount'},
                {'kpi': 'asset_recovery_rate', 'basis': 'RETURN', 'mature_on': 'recovered_on',
                 'numerator': 'recovered_amount', 'denominator': 'asset_amount'},
            ],
        },
        'kpi_of_requests': {
            'kpis': [
                {'kpi': 'no_show_rate', 'basis': 'REQUEST', 'mature_on': 'lapsed_on',
                 'numerator': 'expired_units', 'denominator': 'approved_units'},
                {'kpi': 'returnless_share', 'basis': 'REQUEST', 'mature_on': 'mature_on',
                 'numerator': 'returnless_units', 'denominator': 'returnless_units + received_units'},
                {'kpi': 'contacts_per_return', 'basis': 'REQUEST', 'mature_on': refunded_on,
                 'numerator': 'cases', 'denominator': 'lines'},
                {'kpi': 'csat', 'basis': 'REQUEST', 'mature_on': rated_on,
                 'numerator': 'csat_points', 'denominator': 'csat_cases'},
            ],
        },
        'kpi_of_labels': {
            'kpis': [
                {'kpi': 'label_use_rate', 'basis': 'REQUEST', 'mature_on': 'mature_on',
                 'numerator': 'used_labels', 'denominator': 'labels'},
            ],
        },
        'kpi_of_memos': {
            'kpis': [
                {'kpi': 'retained_revenue_ratio', 'basis': 'REFUND', 'mature_on': 'mature_on',
                 'numerator': 'retained_amount', 'denominator': 'memo_amount'},
                {'kpi': 'refund_ratio', 'basis': 'REFUND', 'mature_on': 'mature_on',
                 'numerator': 'memo_amount - retained_amount', 'denominator': 'memo_amount'},
            ],
            'posts': [
                {'to': 'product_months', 'where': 'credited_sku is not null',
                 'keys': {'month': month, 'sku': 'credited_sku'},
                 'sums': {'credited_amount': 'credited_amount', 'credited_reporting': 'memo_amount'}},
            ],
        },
        'kpi_of_refunds': {
            'kpis': [
                {'kpi': 'refund_rate', 'basis': 'REFUND',
                 'numerator': 'refunded_amount', 'denominator': '0'},
                {'kpi': 'refund_rate', 'basis': 'SALE', 'mature_on': refunded_on,
                 'numerator': 'refunded_of_sale_amount', 'denominator': '0'},
                {'kpi': 'refund_lead_time', 'basis': 'REFUND', 'mature_on': 'mature_on',
                 'numerator': 'lead_days', 'denominator': 'refunds'},
                {'kpi': 'refund_late_share', 'basis': 'REFUND', 'mature_on': 'mature_on',
                 'numerator': 'late_refunds', 'denominator': 'refunds'},
            ],
        },
        'kpi_of_over_refunds': {
            'kpis': [
                {'kpi': 'over_refund_amount', 'basis': 'REFUND', 'mature_on': 'mature_on',
                 'numerator': 'over_refunded_amount', 'denominator': 'paid_amount'},
            ],
        },
        'kpi_of_claims': {
            'kpis': [
                {'kpi': 'vendor_recovery_rate', 'basis': 'CLAIM', 'mature_on': 'mature_on',
                 'numerator': 'credited_amount', 'denominator': 'claimed_amount'},
                {'kpi': 'vendor_days_outstanding', 'basis': 'CLAIM',
                 'numerator': 'days', 'denominator': 'credited_claims'},
            ],
        },
        'kpi_of_stock': {
            'kpis': [
                {'kpi': 'returned_stock_value', 'basis': 'STOCK',
                 'numerator': 'value_amount', 'denominator': 'units'},
                {'kpi': 'returned_stock_days', 'basis': 'STOCK',
                 'numerator': '30 * units', 'denominator': 'outflow_units'},
            ],
        },
        'return_unit_spans': {
            'kpis': [
                {'kpi': 'return_cycle_time', 'basis': 'REQUEST',
                 'numerator': "case when step_no = 0 and outcome in ('disposed', 'expired') then quantity * hours end",
                 'denominator': "case when step_no = 0 and outcome = 'disposed' then quantity end"},
            ],
            'posts': [
                {'to': 'return_hours',
                 'keys': {'request_month': "to_char(period_date, 'YYYY-MM')"},
                 'sums': {'units': 'quantity'}},
            ],
        },
        'kpi_of_open_units': {
            'kpis': [
                {'kpi': 'return_cycle_time', 'basis': 'REQUEST', 'mature_on': never,
                 'numerator': 'case when step_no = 0 then units * hours end', 'denominator': '0'},
            ],
            'posts': [
                {'to': 'return_hours',
                 'keys': {'request_month': "to_char(period_date, 'YYYY-MM')", 'outcome': "'open'"},
                 'sums': {'units': 'units'}},
            ],
        },
        'kpi_of_backlog': {
            'kpis': [
                {'kpi': 'dock_to_disposition_time', 'basis': 'RETURN', 'mature_on': never,
                 'numerator': 'dock_hours', 'denominator': '0'},
                {'kpi': 'vendor_days_outstanding', 'basis': 'CLAIM', 'mature_on': never,
                 'numerator': 'claim_days', 'denominator': '0'},
            ],
        },
    } -%}
    {%- for component in cost_components() -%}
        {%- do measures['kpi_of_return_lines']['kpis'].append({
            'kpi': 'cost_per_return.' ~ component, 'basis': 'RETURN', 'mature_on': 'mature_on',
            'numerator': component ~ '_amount', 'denominator': 'disposed_units',
        }) -%}
    {%- endfor -%}
    {%- for age in ['0_7', '8_14', '15_30', '31_60', '60_plus'] -%}
        {%- for what, measure in [('units', 'open_units'), ('value', 'open_amount')] -%}
            {%- do measures['kpi_of_backlog']['kpis'].append({
                'kpi': 'open_return_' ~ what ~ '.' ~ age, 'basis': 'SNAPSHOT', 'denominator': measure,
                'numerator': "case when age = '" ~ age ~ "' then " ~ measure ~ ' when age is not null then 0 end',
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(measures[model]) }}
{%- endmacro %}

{#- Components that the cost of a return is made of. -#}
{% macro cost_components() -%}
    {{ return([
        'freight', 'receiving', 'inspection', 'handling', 'disposal', 'payment_fee', 'repair', 'repack',
        'storage', 'case_handling',
    ]) }}
{%- endmacro %}

{#- Keys and sums, with their types, of each model of sums. -#}
{% macro sums_named(name) -%}
    {{ return({
        'kpi_sums': {
            'keys': ['kpi', 'basis', 'period_date', 'channel', 'product_category', 'site', 'mature_on'],
            'sums': {'contributions': 'bigint', 'numerator': 'numeric(20, 2)', 'denominator': 'numeric(20, 2)'},
        },
        'return_hours': {
            'keys': ['step_no', 'request_month', 'channel', 'product_category', 'hours', 'outcome'],
            'sums': {'units': 'bigint'},
        },
        'returned_stock_outflow': {
            'keys': ['disposed_on', 'site', 'product_category'],
            'sums': {'units': 'bigint'},
        },
        'product_months': {
            'keys': ['month', 'sku', 'product_category', 'currency'],
            'sums': {
                'shipped_quantity': 'bigint', 'returned_quantity': 'bigint', 'credited_amount': 'numeric(18, 2)',
                'credited_reporting': 'numeric(18, 2)',
            },
        },
    }[name]) }}
{%- endmacro %}
