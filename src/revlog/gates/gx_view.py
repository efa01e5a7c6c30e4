"""How Great Expectations' pages are written here: every value is escaped, nothing is fetched, no script runs.

GX's own view escapes what its renderers name a parameter, and nothing else: not what stands in a table's
cell, in a list, or in the data of a drawing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context
from markupsafe import Markup, escape

from revlog.outputs.escaping import policy

TEMPLATES = Path(__file__).parent / "templates"
# Filters of GX's templates that make markup; whatever else they print is a value.
MARKUP = (
    "render_string_template", "render_styling_from_string_template", "render_styling", "render_markdown",
    "attributes_dict_to_html_string",
)  # fmt: skip


class InertPageView(DefaultJinjaPageView):
    """GX's view with its templates' autoescape on."""

    # GX's own icon; a renderer writes it, never a value.
    _TRUSTED_HTML_PARAMS: ClassVar[frozenset[str]] = frozenset({"html_success_icon"})

    def __init__(self, **directories: Any) -> None:
        super().__init__(**directories)
        self.env.autoescape = True
        ours, theirs = FileSystemLoader([TEMPLATES / "gx", TEMPLATES]), self.env.loader
        self.env.loader = ChoiceLoader([ours, *([theirs] if theirs else [])])
        self.env.globals["policy"] = policy()
        for name in MARKUP:
            self.env.filters[name] = _as_markup(self.env.filters[name])

    @pass_context
    def render_content_block(
        self, jinja_context: Any, content_block: Any, index: Any = None, content_block_id: Any = None,
        render_to_markdown: bool = False,
    ) -> Markup:  # fmt: skip
        """A block of GX's as it renders it; anything else is a value, in a list or by itself."""
        if isinstance(content_block, list):
            return Markup(" ").join(
                self.render_content_block(jinja_context, part, n, f"{content_block_id}-{n}")
                for n, part in enumerate(content_block)
            )
        if not _is_block(content_block):
            return escape("" if content_block is None else content_block)
        return Markup(super().render_content_block(jinja_context, content_block, index, content_block_id))

    def render_string_template(self, template: Any) -> str:
        """A text of GX's with its parameters: both are escaped, and so is what it shows beside them."""
        if not isinstance(template, dict):
            return escape(template)
        inert = template | {"template": str(escape(template.get("template", "")))}
        if "tooltip" in template:
            tooltip = template["tooltip"]
            inert["tooltip"] = tooltip | {"content": str(escape(tooltip["content"]))}
        return str(super().render_string_template(inert))

    @staticmethod
    def _escape_template_param_value(value: Any) -> str:
        return str(escape(value))

    def render_styling(self, styling: Any) -> str:
        """Classes, attributes and styles of an element, their values escaped."""
        return str(super().render_styling(_escaped(styling)))

    def attributes_dict_to_html_string(self, attributes_dict: dict[str, Any], prefix: str = "") -> str:
        """Attributes of an element, their values escaped."""
        return str(super().attributes_dict_to_html_string(_escaped(attributes_dict), prefix))


def _is_block(content: Any) -> bool:
    return isinstance(content, dict) and content.get("content_block_type") is not None


def _as_markup(made: Any) -> Any:
    return lambda *arguments, **named: Markup(made(*arguments, **named))


def _escaped(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _escaped(value) for name, value in found.items()}
    return [_escaped(value) for value in found] if isinstance(found, list) else str(escape(found))
