-- debits = credits, per journal and currency.
{{ config(meta={'holds': 'finance', 'failure_means': 'A journal is not balanced: a line is missing, in quarantine, or wrong in the ledger. Compare its lines in core.fct_gl_line with the ledger.'}) }}
with journals as (
    select distinct journal_no from {{ ref('fct_gl_line') }} where {{ touched_only() }}
)

select entries.journal_no, entries.currency, sum(entries.amount) as off_by, count(*) as journal_lines
from {{ ref('fct_gl_line') }} as entries
inner join journals on entries.journal_no = journals.journal_no
group by entries.journal_no, entries.currency
having sum(entries.amount) <> 0
