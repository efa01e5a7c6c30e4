{#- Cents of `amount` that fall on the units after units_before up to units_upto of line_quantity: by
    cumulative rounding, so that the parts of a sales line re-add to it. -#}
{% macro share_between(amount) -%}
    round({{ amount }} * units_upto / line_quantity, 2)
    - round({{ amount }} * units_before / line_quantity, 2)
{%- endmacro %}

{#- Condition on a return line: goods that are sent make its exchange good, unit by unit, and nothing else does. Needs
    an RMA, which those goods name, and a feed that tells it. -#}
{% macro is_exchanged_by_goods(line='') -%}
    {%- if carries_column('erp_sales_lines', 'replaces_rma_no') -%}
    {{ line }}resolution = 'exchange' and {{ line }}rma_no is not null
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}

{#- Condition on a return line: it is made good in goods because that is what was agreed on. Nobody can tell by any
    document what was sent: a repair or a replacement is owed as such, an exchange where no goods can name it. -#}
{% macro is_owed_in_goods(line='') -%}
    ({{ line }}resolution in ('exchange', 'replacement', 'repair') and not ({{ is_exchanged_by_goods(line) }}))
{%- endmacro %}

{#- Fiscal period YYYY-PP of a day, as dim_date and the ledger name it. -#}
{% macro fiscal_period(day) -%}
    to_char(
        {{ day }} + interval '{{ (13 - var('fiscal_year_start_month') | int) % 12 }} months', 'YYYY-MM'
    )
{%- endmacro %}

{#- Connected components of a graph, as CTEs that end in `components` (node, component): the component's
    smallest node. `nodes` is a CTE with node, `edges` one with from_node and to_node.
    Two rounds replace each node by its smallest neighbour, which settles nearly every component and
    only ever joins what is connected; what is left is walked to its end, so that chains of any length
    come out right. -#}
{% macro connected_components(nodes, edges) -%}
round_0 as (
    select node, node as label from {{ nodes }}
),
{% for round in (1, 2) %}
edges_{{ round }} as (
    select near.label as here, far.label as there
    from {{ edges }} as edge
    inner join round_{{ round - 1 }} as near on edge.from_node = near.node
    inner join round_{{ round - 1 }} as far on edge.to_node = far.node
    where near.label <> far.label
),

smallest_{{ round }} as (
    select here, min(there) as there
    from (
        select here, there from edges_{{ round }}
        union all
        select there, here from edges_{{ round }}
    ) as both_ways
    group by here
),

round_{{ round }} as (
    select
        round_{{ round - 1 }}.node,
        least(round_{{ round - 1 }}.label, smallest_{{ round }}.there) as label
    from round_{{ round - 1 }}
    left join smallest_{{ round }} on round_{{ round - 1 }}.label = smallest_{{ round }}.here
),
{% endfor %}
open_edges as (
    select near.label as here, far.label as there
    from {{ edges }} as edge
    inner join round_2 as near on edge.from_node = near.node
    inner join round_2 as far on edge.to_node = far.node
    where near.label <> far.label
),

steps as (
    select here, there from open_edges
    union
    select there, here from open_edges
),

reached as (
    select here as start, here as at from steps
    union
    select reached.start, steps.there as at
    from reached
    inner join steps on reached.at = steps.here
),

components as (
    select round_2.node, coalesce(walked.component, round_2.label) as component
    from round_2
    left join (
        select start, min(at) as component from reached group by start
    ) as walked on round_2.label = walked.start
)
{%- endmacro %}

{#- Condition: the row belongs to a unit that the reconciliation computes anew. In a full build all do. -#}
{% macro in_refund_units(expression='unit_key') -%}
    {%- if is_full_build() -%} true
    {%- else -%} {{ expression }} in (select unit_key from {{ ref('int_touched_refund_units') }})
    {%- endif -%}
{%- endmacro %}

{#- How many of `copies` equal amounts are too many: as many as the excess pays for, to the nearest, and
    never the first of them. -#}
{% macro surplus_copies(excess, amount, copies) -%}
    case
        when {{ amount }} <> 0 and {{ copies }} > 1
            then least({{ copies }} - 1, greatest(round(({{ excess }}) / {{ amount }}), 0))
        else 0
    end
{%- endmacro %}

{#- `amount`, no less than 0 and no more than `most`. -#}
{% macro up_to(amount, most) -%}
    greatest(least({{ amount }}, {{ most }}), 0)
{%- endmacro %}

{#- Class of what a component is off by: a cent or two are rounding. -#}
{% macro component_class(component, amount) -%}
    case
        when abs({{ amount }}) <= 0.02 then 'ROUNDING'
        else case {{ component }}
            when 'merchandise' then 'PRICE_OR_DISCOUNT'
            when 'tax' then 'TAX'
            when 'shipping' then 'SHIPPING'
            when 'duty' then 'DUTY'
            when 'restocking_fee' then 'RESTOCKING_FEE'
            when 'return_label_fee' then 'LABEL_FEE'
            when 'adjustment' then 'ADJUSTMENT'
        end
    end
{%- endmacro %}

{#- Class of cents whose other leg is not there: since some days it may still come. -#}
{% macro missing_leg_class(since) -%}
    case when day - {{ since }} <= {{ var('cutoff_days', 7) }} then 'CUTOFF' else 'MISSING_LEG' end
{%- endmacro %}

{#- Which of `causes`, amounts each taken whole or not at all, add up to `amount`, as a sum of powers of 2: of
    all that do the fewest, and of those the first. Null where none do. -#}
{% macro fewest_causes(amount, causes) -%}
(
    select masks.mask
    from generate_series(1, {{ 2 ** (causes | length) - 1 }}) as masks (mask)
    where {% for cause in causes -%}
        {{ taken_cause(loop.index0, 'masks.mask', cause) }} {{ '+ ' if not loop.last }}
        {%- endfor %}= {{ amount }}
        {%- for cause in causes %}
        and ({{ cause }} <> 0 or not {{ has_cause(loop.index0, 'masks.mask') }})
        {%- endfor %}
    order by bit_count(cast(masks.mask as bit({{ causes | length }}))), masks.mask
    limit 1
)
{%- endmacro %}

{% macro has_cause(place, mask) -%}
    coalesce({{ mask }} & {{ 2 ** place }} <> 0, false)
{%- endmacro %}

{% macro taken_cause(place, mask, amount) -%}
    case when {{ has_cause(place, mask) }} then {{ amount }} else 0 end
{%- endmacro %}

{#- Classes that come from comparing a memo with the entitlement, component by component. -#}
{% macro is_component_class(class) -%}
    {{ class }} in (
        'QUANTITY', 'PRICE_OR_DISCOUNT', 'TAX', 'SHIPPING', 'DUTY', 'RESTOCKING_FEE', 'LABEL_FEE',
        'ADJUSTMENT', 'ROUNDING'
    )
{%- endmacro %}

{#- Age bucket of what is open since a day; null where nothing is. -#}
{% macro age_bucket(since, day=none) -%}
    case
        when {{ since }} is null then null
        {%- for most in (3, 7, 14, 30, 60, 90) %}
        when {{ day or as_of_date() }} - {{ since }} <= {{ most }}
            then '{{ [0, 4, 8, 15, 31, 61][loop.index0] }}-{{ most }}'
        {%- endfor %}
        else '90+'
    end
{%- endmacro %}

{#- Where the bridge of a gap begins in the proof: after its left leg. -#}
{% macro proof_position(gap_no) -%}
    (array[110, 210, 310, 460, 560])[{{ gap_no }}]
{%- endmacro %}

{#- Lines of the proof, as a query: each leg as in the sources, what was settled in another currency, the leg
    in the groups, what no group has of the sources, the bridge from leg to leg by class, and checks that are 0.
    `sums` is a CTE with period, entity, currency, document_currency, leg, gap, class, part, amount,
    document_amount and source_amount; the query has one row per line and row of it, to be added up by line.
    `reporting` is its column in the reporting currency, where there is one; sources, which are in their documents'
    own currencies, have none. -#}
{% macro proof_lines(sums, reporting='cast(null as numeric)') -%}
    select
        sums.period, sums.entity, lines.currency, lines.position, lines.line, sums.leg,
        cast(null as text) as gap, '' as class, lines.label, sums.part, lines.amount,
        case when lines.line = 'leg' then {{ reporting }} end as reporting_amount
    from {{ sums }} as sums
    inner join (
        values
        ('E', 100, 'Entitlement'), ('M', 200, 'Credit memos'), ('P', 300, 'Cash'),
        ('G', 400, 'Cash in the ledger'), ('T', 500, 'Refunds issued'), ('GM', 600, 'Memos in the ledger')
    ) as legs (leg, position, label) on sums.leg = legs.leg
    cross join lateral (
        values
        ('source', legs.position, legs.label || ' as in the source', document_currency, source_amount),
        ('converted', legs.position + 1, legs.label || ' of other currencies, converted',
            document_currency, -document_amount),
        ('converted', legs.position + 1, legs.label || ' of other currencies, converted',
            sums.currency, sums.amount),
        ('leg', legs.position + 2, legs.label, sums.currency, sums.amount),
        ('missing', legs.position + 3, legs.label || ': what no group has of the source', document_currency,
            coalesce(source_amount, 0) - coalesce(document_amount, 0))
    ) as lines (line, position, label, currency, amount)
    where lines.amount is not null
    union all
    select
        sums.period, sums.entity, sums.currency,
        {{ proof_position('gaps.gap_no') }} + classes.class_no as position, 'bridge' as line,
        null as leg, sums.gap, sums.class, 'less ' || classes.label as label, sums.part,
        -sums.amount as amount, -{{ reporting }} as reporting_amount
    from {{ sums }} as sums
    inner join {{ ref('refund_gaps') }} as gaps on sums.gap = gaps.gap
    inner join {{ ref('refund_classes') }} as classes on sums.class = classes.class
    union all
    select
        sums.period, sums.entity, sums.currency, {{ proof_position('gaps.gap_no') }} + 30 as position,
        'check' as line, null as leg, gaps.gap, '' as class, gaps.label || ': what the classes leave' as label,
        sums.part, case when sums.leg = gaps.left_leg then sums.amount else -sums.amount end as amount,
        case when sums.leg = gaps.left_leg then {{ reporting }} else -{{ reporting }} end as reporting_amount
    from {{ sums }} as sums
    inner join {{ ref('refund_gaps') }} as gaps
        on sums.leg in (gaps.left_leg, gaps.right_leg) or sums.gap = gaps.gap
    where sums.amount is not null and {{ is_claimed('gaps') }}
{%- endmacro %}

{#- Condition that keeps a test of the reconciliation to the groups that the night computed. -#}
{% macro touched_refund_units_only(unit_key='unit_key') -%}
    {%- if is_full_build() -%} true
    {%- else -%}
        {{ unit_key }} in (
            select unit_key from {{ source('state_of_intermediate', 'int_touched_refund_units') }}
        )
    {%- endif -%}
{%- endmacro %}

{#- An amount in another currency, at the rates of a day; null where one of them is not known. -#}
{% macro in_currency(amount, currency, other, day) -%}
    case when {{ currency }} = {{ other }} then {{ amount }} else round({{ amount }}
        {%- for sign, code in (('*', currency), ('/', other)) %}
        {{ sign }} (
            select rates.rate from {{ ref('dim_exchange_rate') }} as rates
            where rates.currency = {{ code }}
                and {{ day }} >= rates.valid_from and {{ day }} < rates.valid_to
        )
        {%- endfor %}, 2) end
{%- endmacro %}
