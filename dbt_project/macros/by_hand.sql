{#- Whether dbt was started by somebody, and not by a layer of a night (src/revlog/transform/build.py). -#}
{% macro is_by_hand() -%}
    {{ return(execute and target.name == 'warehouse' and not env_var('RUN_BY_A_NIGHT', '')
        and flags.WHICH in ('build', 'run', 'seed', 'snapshot')) }}
{%- endmacro %}

{#- Before a run by hand: it waits for no night, and what it changes no gate has judged. -#}
{% macro begin_by_hand() -%}
    {%- if is_by_hand() -%}
do $$ begin
    lock table locks.night in exclusive mode nowait;
    {{ note_by_hand() }};
exception when lock_not_available then
    raise exception 'a night''s work is under way: run dbt by hand when it has ended';
end $$
    {%- endif -%}
{%- endmacro %}

{#- After it: a build may have begun meanwhile. Nothing ran where there are no results. -#}
{% macro end_by_hand(results) -%}
    {%- if is_by_hand() and results -%}
        {{ note_by_hand() }}
    {%- endif -%}
{%- endmacro %}

{#- The newest build is no longer what was judged: src/revlog/builds/judged.py. -#}
{% macro note_by_hand() -%}
    insert into ops.build_steps (build_id, step, outcome, said, to_seq, ended_at)
    select build_id, 'layer by hand', 'broken', 'dbt {{ flags.WHICH }}', to_seq, clock_timestamp()
    from {{ source('ops', 'builds') }} order by build_id desc limit 1
{%- endmacro %}
