"""The HTML report in a real browser: it calls nobody, filters, changes colours, fits a phone and prints."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evaluations import EVALUATIONS, HOSTILE, evaluation, hostile, many, orders, said
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dq.outcomes import Evaluation, FailingRows, Outcome, Verdict

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.fail("this test needs Chromium: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens the page of an evaluation; at the end, nothing may have been asked for or complained about."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(
        evaluation: Evaluation, *, text: str = "", width: int = 1280, height: int = 900, **options: object
    ) -> Page:
        path = tmp_path / f"report-{len(contexts)}.html"
        path.write_text(text or evaluation.to_html(), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def visible_rules(page: Page) -> int:
    return page.locator(".rule:visible").count()


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_the_filter_shows_one_verdict(show: Show) -> None:
    page = show(orders())
    assert visible_rules(page) == 10
    page.get_by_role("button", name="Failed 3").click()
    assert visible_rules(page) == 3
    assert page.get_by_role("status").inner_text() == "Showing 3 of 10 rules"
    assert page.get_by_role("button", name="Failed 3").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="All 10").click()
    assert visible_rules(page) == 10


def test_the_search_finds_words_in_rules_reasons_and_rows(show: Show) -> None:
    page = show(orders())
    for words, found in (("EMAIL lack", 1), ("R-2026-0044", 1), ("no such word", 0), ("", 10)):
        page.get_by_role("searchbox").fill(words)
        assert visible_rules(page) == found
    page.get_by_role("searchbox").fill("no such word")
    assert page.get_by_role("status").inner_text() == "No rule matches"


def test_a_link_from_the_ruleset_shows_a_rule_that_the_filter_hides(show: Show) -> None:
    page = show(orders())
    page.get_by_role("button", name="Failed 3").click()
    page.locator("#L2 .mark").click()
    page.locator("#rule-1:target").wait_for(state="visible")
    page.locator("#rule-1 .place").click()
    page.locator("#L2:target").wait_for(state="visible")


def test_colours_follow_the_system_and_the_button(show: Show) -> None:
    light, dark = show(orders()), show(orders(), color_scheme="dark")
    assert background(light) != background(dark)
    light.get_by_role("button", name="Switch to dark colours").click()
    assert background(light) == background(dark)
    dark.get_by_role("button", name="Switch to light colours").click()
    assert background(dark) != background(light)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast_of_at_least_4_5(show: Show, scheme: str) -> None:
    page = show(orders(), color_scheme=scheme)
    faint = page.evaluate("""() => {
      const parts = (color) => color.match(/[\\d.]+/g).map(Number);
      const light = (color) => {
        const [r, g, b] = parts(color).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element) => {
        for (; element; element = element.parentElement) {
          const color = getComputedStyle(element).backgroundColor;
          if (parts(color)[3] !== 0) return color;
        }
        return "rgb(255, 255, 255)";
      };
      const found = new Set();
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("svg,script")) continue;
        const [low, high] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => a - b);
        const contrast = (high + 0.05) / (low + 0.05);
        if (contrast < 4.5) found.add(`${element.className || element.tagName} ${contrast.toFixed(2)}`);
      }
      return [...found];
    }""")
    assert faint == []


@pytest.mark.parametrize("name", ["orders", "small", "empty"])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_phone_does_not_scroll_sideways(show: Show, name: str, width: int) -> None:
    assert overflow(show(EVALUATIONS[name](), width=width, height=844)) <= 0


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(show: Show, text: str) -> None:
    page = show(hostile(text), width=390)
    assert page.locator("body script").count() == 1
    assert page.locator("img").count() == 0
    assert overflow(page) <= 0


def test_the_policy_stops_what_is_not_ours(show: Show) -> None:
    """Even if an escape were forgotten, the browser would refuse to run it."""
    injected = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    page = show(orders())
    page.evaluate("document.title = 'quiet'")
    text = orders().to_html().replace("<main>", f"<main>{injected}")
    path = Path(page.url.removeprefix("file://")).with_name("injected.html")
    path.write_text(text, encoding="utf-8")
    other = page.context.new_page()
    other.goto(path.as_uri())
    assert "run" not in other.title()


def test_the_page_can_be_read_without_its_script(show: Show) -> None:
    page = show(orders(), java_script_enabled=False)
    assert page.locator(".rule").count() == 10
    assert page.get_by_role("searchbox").count() == 0
    assert page.get_by_text("expected > 0.95 (60,216 of 1,204,310 rows lack a value)").is_visible()
    page.locator("#rule-1 summary").click()
    assert page.get_by_text("Dataset.*.RowCount").is_visible()


def test_paper_is_white_shows_details_and_no_controls(show: Show) -> None:
    page = show(orders(), color_scheme="dark")
    page.emulate_media(media="print")
    assert background(page) == "rgb(255, 255, 255)"
    assert not page.get_by_role("searchbox").is_visible()
    assert page.get_by_text("Dataset.*.RowCount").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_wide_sample_fits_the_paper(show: Show) -> None:
    """What does not fit is counted: paper does not scroll."""
    columns = tuple(f"a_column_{at}" for at in range(40))
    rows = FailingRows(1, 1, columns, (tuple("a long value of many words" for _ in columns),))
    page = show(evaluation([Outcome(said('CustomSql "x"'), Verdict.FAILED, failing=rows)]), width=680)
    assert not page.get_by_text("32 more columns on the screen").is_visible()
    page.emulate_media(media="print")
    assert page.get_by_text("32 more columns on the screen").is_visible()
    assert page.locator(".sample th:visible").count() == 8
    assert overflow(page) <= 0


def test_a_right_to_left_name_does_not_turn_its_rule(show: Show) -> None:
    page = show(evaluation([Outcome(said('ColumnLength "עמוד" > 285'), Verdict.FAILED)]))
    left = """(word) => {
      const walker = document.createTreeWalker(document.querySelector("#rule-1 h4"), NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf(word);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + word.length);
        return range.getBoundingClientRect().left;
      }
    }"""
    assert page.evaluate(left, "ColumnLength") < page.evaluate(left, "עמוד") < page.evaluate(left, "285")


def test_the_keyboard_reaches_the_rules_and_their_details(show: Show) -> None:
    page = show(orders())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the rules"
    summary = page.locator("#rule-1 summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#rule-1 details").get_attribute("open") is not None


def test_two_thousand_rules_can_be_searched(show: Show) -> None:
    page = show(many(2000))
    assert page.locator(".rule").count() == 2000
    page.get_by_role("searchbox").fill('"column_1234"')
    assert visible_rules(page) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_fragment_takes_the_colours_of_its_notebook(show: Show, scheme: str) -> None:
    paper = {"light": "color: #111; background: #fff", "dark": "color: #ddd; background: #111"}[scheme]
    fragment = orders()._repr_html_()
    page = show(
        orders(), text=f"<!doctype html><meta charset=utf-8><body style='{paper}'><p id=p>x</p>{fragment}{fragment}"
    )
    color = "(selector) => getComputedStyle(document.querySelector(selector)).color"
    assert page.evaluate(color, ".dq-report td") == page.evaluate(color, "#p")
    assert overflow(page) <= 0


def test_an_empty_ruleset_says_so(show: Show) -> None:
    assert show(evaluation([])).get_by_text("The ruleset has no rules, so nothing was judged.").is_visible()
