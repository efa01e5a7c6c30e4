{#- Bound of the Wilson score interval of a proportion at 95 %: three returns of four sold may be anything
    from 30 % to 95 %, and so don't top a list ordered by the lower bound. `side` is -1 or 1.
    More successes than trials (returned before the sale was reported) count as all of them. -#}
{% macro wilson_bound(successes, trials, side) -%}
{%- set z = '1.959964' -%}
{%- set p = '(least(' ~ successes ~ ', ' ~ trials ~ ') / cast(nullif(' ~ trials ~ ', 0) as numeric))' -%}
cast(round(
    (
        {{ p }} + {{ z }} * {{ z }} / (2 * nullif({{ trials }}, 0))
        + {{ side }} * {{ z }} * sqrt(
            {{ p }} * (1 - {{ p }}) / nullif({{ trials }}, 0)
            + {{ z }} * {{ z }} / (4 * cast({{ trials }} as numeric) * nullif({{ trials }}, 0))
        )
    ) / (1 + {{ z }} * {{ z }} / nullif({{ trials }}, 0)), 6
) as numeric(9, 6))
{%- endmacro %}
