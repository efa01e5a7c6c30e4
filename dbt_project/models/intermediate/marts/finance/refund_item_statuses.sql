-- Grain: one row per match group, gap and class with cents as of the business date: how it stands, whose it is, what
-- to do, and how much of it is open. Store credit that is not on its liability account yet is owed as cash is, less
-- what was posted or spent of it; of which more was spent than issued, that is open. Once it is spent it is settled.
-- Where no such account is mapped or no journal carried, nobody knows, and the row says so. Gross amounts add up to
-- what is at stake, none of them counted twice. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'gap', 'class'], 'unique': true}]) }}

with states as (
    select * from {{ ref('refund_states') }}
    where valid_from <= {{ as_of_date() }} and valid_to > {{ as_of_date() }}
),

groups as (
    select * from {{ ref('refund_groups') }}
),

-- Since when the oldest credit of the group waits for its posting; of credit in another currency all is open
unsettled as (
    select
        credits.group_key,
        min(credits.issued_on) filter (where credits.status = 'issued') as issued_on,
        bool_or(credits.status = 'overspent') as is_overspent,
        case when bool_and(credits.currency = groups.currency) then sum(abs(
            credits.issued_amount - greatest(
                credits.spent_amount, case when credits.status = 'issued' then credits.posted_amount else 0 end
            )
        )) end as open_amount
    from {{ ref('store_credits') }} as credits
    inner join groups on credits.group_key = groups.group_key
    where credits.status in ('issued', 'overspent')
    group by credits.group_key
),

-- Where the ledger has no account that owes credit, or has never used one
ledger as (
    select
        {{ 'true' if carries_leg('G') else 'false' }} as has_journals,
        (select count(*) > 0 from {{ ref('gl_accounts') }} where role = 'gift_card_liability') as has_account,
        (select count(*) > 0 from {{ ref('fct_gl_line') }} where account_role = 'gift_card_liability') as has_postings
),

credited as (
    select distinct group_key from {{ ref('store_credits') }}
),

judged as (
    select
        states.group_key,
        states.gap,
        states.class,
        states.amount,
        unsettled.group_key is not null as is_unsettled,
        unsettled.is_overspent,
        unsettled.issued_on,
        unsettled.open_amount,
        states.settled_on <= {{ as_of_date() }} as is_settled,
        credited.group_key is not null and not (ledger.has_journals and ledger.has_account) as is_not_known,
        ledger.has_journals,
        ledger.has_postings,
        actions.status,
        actions.owner,
        actions.next_action,
        -- money that the customer owes for dearer goods
        states.class in ('MISSING_LEG', 'CUTOFF') and states.amount < 0 and groups.entitled_amount < 0
        and states.amount = groups.entitled_amount and states.gap in ('E-M', 'M-P', 'M-T') as is_owed
    from states
    inner join groups on states.group_key = groups.group_key
    cross join ledger
    left join {{ ref('refund_gap_actions') }} as actions
        on states.gap = actions.gap and states.class = actions.class
    left join unsettled
        on states.group_key = unsettled.group_key
        and states.gap = 'M-P' and states.class = 'STORE_CREDIT_OR_EXCHANGE'
    left join credited
        on states.group_key = credited.group_key
        and states.gap = 'M-P' and states.class = 'STORE_CREDIT_OR_EXCHANGE'
),

named as (
    select
        *,
        case
            when is_settled then 'settled'
            when not is_unsettled then status
            when is_overspent then 'open'
            when {{ as_of_date() }} - issued_on <= {{ var('cutoff_days', 7) }} then 'waiting'
            else 'open'
        end as stands
    from judged
),

counted as (
    select
        *,
        case
            when stands in ('explained', 'settled') then 0
            when is_unsettled then sign(amount) * coalesce(open_amount, abs(amount))
            else amount
        end as still_open,
        gap in ('M-P', 'M-T') as is_of_payment
    from named
),

-- Of what the processor paid and what customer service issued only the larger, the one or the other
compared as (
    select
        *,
        case when not is_of_payment
            or abs(still_open) = max(abs(still_open)) over (partition by group_key, class, is_of_payment)
            then abs(still_open) else 0 end as gross
    from counted
)

select
    compared.group_key,
    compared.gap,
    compared.class,
    compared.stands as status,
    case
        when compared.is_unsettled then 'general ledger'
        when compared.is_owed then 'customer service'
        else compared.owner
    end as owner,
    case
        when compared.is_settled then 'none: the store credit was spent'
        when compared.is_not_known and not compared.has_journals
            then 'none: whether it is still owed nobody knows, no journals are carried'
        when compared.is_not_known
            then 'none: whether it is still owed nobody knows, gl_accounts maps no account to gift_card_liability'
        when compared.is_overspent then 'more store credit was spent than issued: correct the journal, or claim it'
        when compared.is_unsettled and not compared.has_postings
            then 'post the store credit to its liability account: no journal has used one yet; map it in'
                ' gl_accounts where it has another number'
        when compared.is_unsettled then 'post the store credit to its liability account'
        when compared.is_owed and compared.class = 'CUTOFF'
            then 'wait: the customer is to pay what the goods sent in exchange are dearer by'
        when compared.is_owed
            then 'collect from the customer what the goods sent in exchange are dearer by, or book how it was paid'
        else compared.next_action
    end as next_action,
    cast(compared.still_open as numeric(18, 2)) as open_amount,
    -- once, in however many gaps of the group it stands under one class
    cast(
        case when row_number() over (
            partition by compared.group_key, compared.class, compared.gross order by gaps.gap_no
        ) = 1 then compared.gross else 0 end as numeric(18, 2)
    ) as gross_amount
from compared
left join {{ ref('refund_gaps') }} as gaps on compared.gap = gaps.gap
