-- Grain: one row per act: a fiscal period closed, or reopened. A close is in force until its period is
-- reopened.
{{ config(materialized='view', meta={'publish_to': 'finance', 'primary_key': ['act_id']}) }}

select
    acts.act_id,
    acts.act,
    acts.period,
    acts.approver,
    acts.actor,
    acts.note,
    acts.acted_at,
    acts.publication_id,
    acts.business_date,
    acts.code_version,
    acts.frozen_rows,
    acts.frozen_amounts,
    acts.act = 'close' and not exists (
        select 1 from {{ source('ops', 'period_acts') }} as later
        where later.period = acts.period and later.act = 'reopen' and later.act_id > acts.act_id
    ) as is_in_force
from {{ source('ops', 'period_acts') }} as acts
