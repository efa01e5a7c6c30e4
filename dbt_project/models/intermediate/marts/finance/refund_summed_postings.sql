-- Grain: as bridge_posting_share, which the reconciliation has computed its groups by. The next night compares:
-- whose sum has come or gone is computed anew. Built after what reads the sums, so that a build that broke
-- off leaves the difference standing. Not published.
-- depends_on: {{ ref('refund_reconciliation') }} {{ ref('refund_gap_periods') }} {{ ref('refund_flows') }}
{{ config(materialized='table') }}

select * from {{ ref('bridge_posting_share') }}
