import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from evaluations import EVALUATIONS, FAILED, HOSTILE, evaluation, hostile, many, nested, orders, said, small
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.outcomes import Evaluation, FailingRows, Outcome
from dq.render import html, words

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """What a browser would read: tags, attributes, and text nodes outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.inline: dict[str, str] = {}
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.inline[self.open[-1]] = self.inline.get(self.open[-1], "") + data
        elif data.strip():
            self.texts.append(data.strip())

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.attributes if each == name]


def structure(page: Page) -> list[str]:
    """Tags and attribute names: what hostile text must not change."""
    return [*page.tags, *(name for name, _ in page.attributes)]


PLAIN = "plain"


def assert_harmless(text: str) -> None:
    for render in (html.render, html.render_fragment):
        page, plain = Page(render(hostile(text))), Page(render(hostile(PLAIN)))
        assert structure(page) == structure(plain)
        assert page.inline == plain.inline
        assert not page.comments
        shown = words.visible(text)
        if len(text) > 1 and text == text.strip() and shown == text:
            assert sum(text in each for each in page.texts) >= sum(PLAIN in each for each in plain.texts)


@pytest.mark.parametrize("text", [each for each in HOSTILE if "\n" not in each])
def test_hostile_text_cannot_break_out(text: str) -> None:
    assert_harmless(text)


def test_hostile_lines_cannot_break_out() -> None:
    page = Page(html.render(hostile(HOSTILE[8])))
    assert page.tags.count("script") == 1


@settings(max_examples=examples(60))
@given(
    st.text(alphabet=st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), min_size=1).filter(
        str.strip
    )
)
def test_any_text_is_escaped(text: str) -> None:
    assert_harmless(text)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_page_names_no_other_place_and_is_well_formed(name: str) -> None:
    page = Page(html.render(EVALUATIONS[name]()))
    assert not page.open
    assert not page.values("src")
    assert all(link.startswith(("#", "data:")) for link in page.values("href"))
    assert not [each for each, _ in page.attributes if each.startswith("on") or each == "style"]
    assert "url(" not in page.inline["style"]
    assert "@import" not in page.inline["style"]


def test_links_lead_somewhere_and_ids_are_unique() -> None:
    page = Page(html.render(orders()))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)
    assert set(" ".join(page.values("aria-labelledby")).split()) <= set(ids)


def test_the_policy_allows_our_style_and_script_and_nothing_else() -> None:
    text = html.render(orders())
    page = Page(text)
    policy = next(value for value in page.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none';")
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.inline[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_headings_descend_one_by_one() -> None:
    levels = [int(tag[1]) for tag in Page(html.render(orders())).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", ["orders", "small", "empty", "many"])
def test_every_rule_is_on_the_page_with_its_verdict(name: str) -> None:
    judged: Evaluation = EVALUATIONS[name]()
    page = Page(html.render(judged))
    assert sorted(page.values("data-verdict")) == sorted(each.verdict.value for each in judged.outcomes)
    assert {words.visible(str(each.rule)) for each in judged.outcomes} <= set(page.texts)
    assert {reason for each in judged.outcomes for reason in each.reason.splitlines()} <= set(page.texts)


def test_verdicts_are_words_beside_their_lines() -> None:
    page = Page(html.render(small()))
    assert "rule 1 PASSED" in page.texts
    assert "rule 2 PASSED" in page.texts


def test_an_empty_ruleset_is_not_praised() -> None:
    text = html.render(evaluation([]))
    assert "Nothing was judged" in text
    assert "100%" not in Page(text).texts


def test_deep_composites_do_not_nest_the_page() -> None:
    assert "19,800 more parts are in the JSON report" in html.render(nested(10_000))


def test_a_fragment_has_no_script_and_no_ids() -> None:
    page = Page(html.render_fragment(orders()))
    assert "script" not in page.tags
    assert not page.values("id")
    assert not page.open
    selectors = re.findall(r"([^{}]+)\{[^{}]*\}", page.inline["style"])
    assert all(part.strip().startswith(".dq-report") for rule in selectors for part in rule.split(","))
    assert orders()._repr_html_() == html.render_fragment(orders())


def test_a_fragment_of_many_rules_shows_those_that_failed_and_counts_the_rest() -> None:
    page = Page(html.render_fragment(many(300)))
    assert page.texts.count("✗ FAILED") == 3
    assert "200 more rules in the full report: evaluation.to_html()" in page.texts


def test_of_a_very_long_value_the_beginning_is_shown() -> None:
    rows = FailingRows(1, 6, ("note",), (("x" * 1_000_000,),))
    page = Page(html.render(evaluation([Outcome(said('IsUnique "note"'), FAILED, failing=rows)])))
    assert "x" * 500 + "…" in page.texts


def test_right_to_left_words_are_isolated_and_stay_text() -> None:
    """Without it a browser shows `"عمود" > 1` as `1 < "عمود"`."""
    found = evaluation([Outcome(said('Completeness "عمود<b>" > 1'), FAILED)], name="שלום.dqdl")
    page = html.render(found)
    assert "Completeness &#34;<bdi>عمود</bdi>&lt;b&gt;&#34; &gt; 1" in page
    assert "<title>0% – שלום.dqdl – data quality</title>" in page
    assert "<bdi>שלום</bdi>.dqdl</h1>" in page
