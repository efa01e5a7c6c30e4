{#- How a request was decided: the CRM's word, read through one list of spellings. -#}
{% macro request_decision(status, decline_code) -%}
    case
        when lower({{ status }}) in ('declined', 'rejected', 'denied')
            or {{ decline_code }} is not null then 'DECLINED'
        when lower({{ status }}) in ('cancelled', 'canceled', 'withdrawn') then 'CANCELLED'
        when lower({{ status }}) in (
            'approved', 'accepted', 'authorized', 'authorised', 'received', 'completed', 'closed',
            'refunded'
        ) then 'APPROVED'
        else 'REQUESTED'
    end
{%- endmacro %}

{#- Whether a return that is not paid out in money is done, by the word of the system that authorized it. It
    is asked only of a company that carries no dispositions: no other system of it follows a return to its end. -#}
{% macro is_closed_in_kind(status, resolution) -%}
    {%- if carries('wms_dispositions') -%} false
    {%- else -%}
    coalesce(
        lower({{ status }}) in ('closed', 'completed', 'complete', 'done', 'processed')
        and lower({{ resolution }}) not in ('refund', 'unknown'), false
    )
    {%- endif -%}
{%- endmacro %}
