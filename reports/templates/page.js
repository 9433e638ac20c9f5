(() => {
  "use strict";
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);

  const theme = byId("theme");
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const nameTheme = () => {
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`);
  };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  prefersDark.addEventListener("change", nameTheme);
  nameTheme();
  theme.hidden = false;

  const cards = Array.from(document.querySelectorAll(".rule"), (element) => ({
    element,
    verdict: element.dataset.verdict,
    text: element.textContent.toLowerCase(),
  }));
  const groups = Array.from(document.querySelectorAll(".group"));
  const chips = Array.from(document.querySelectorAll(".chip"));
  const search = byId("search");
  const shown = byId("shown");
  let verdict = "";

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const visible = (!verdict || card.verdict === verdict) && words.every((word) => card.text.includes(word));
      card.element.hidden = !visible;
      count += visible ? 1 : 0;
    }
    for (const group of groups) group.hidden = !group.querySelector(".rule:not([hidden])");
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.show === verdict));
    shown.hidden = count === cards.length;
    shown.textContent = count ? `Showing ${count} of ${cards.length} rules` : "No rule matches";
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      verdict = chip.dataset.show;
      filter();
    });
  }
  search.addEventListener("input", filter);
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  byId("filter").hidden = cards.length < 2;

  // A link from the ruleset to a rule that the filter hides shows it again.
  const reveal = () => {
    const target = location.hash ? byId(decodeURIComponent(location.hash.slice(1))) : null;
    if (!target || !target.closest("[hidden]")) return;
    verdict = "";
    search.value = "";
    filter();
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
