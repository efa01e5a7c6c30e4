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
