/* Everything the page can do, found by typing: Ctrl+K or /. What there is is read off the page, so
 * that a new preset, control or chart is found without being named here.
 */
(function () {
  "use strict";

  const SHOWN = 12;
  const RECENT = 5; // of those shown before anything is typed
  const lab = window.reclaimLab;
  const state = { items: [], found: [], at: 0 };
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const sheet = () => document.getElementById("shell-palette");
  const words = (node) => (node ? node.textContent.trim() : "");

  function items() {
    return [
      ...all(".preset-list a").map((a) => item("Preset",
        words(a.querySelector(".preset-title").firstChild), a.dataset.name, () => a.click())),
      ...all(".row[data-path]").map((row) => item("Control", words(row.querySelector(".row-label")),
        row.dataset.path, () => control(row))),
      ...all("[data-figure]").map((section) => item("Chart",
        words(section.querySelector(".figure-title")), section.dataset.figure,
        () => chart(section))),
      ...all(".view-tab").map((tab) => item("View",
        words(tab), tab.dataset.tab, () => tab.click())),
      ...all("main button, .top button").filter(able).map((button) => item("Do",
        button.getAttribute("aria-label") || words(button), "", () => press(button))),
      ...recent(),
    ].filter((one) => one.label);
  }

  /** Links of their own: a press with Ctrl opens one elsewhere. */
  const recent = () => lab.recent.others().map(({ link, name, changes }) =>
    ({ ...item("Recent", name, changes), href: `/${link}` }));

  const item = (kind, label, more, act) => ({ kind, label, more: more || "", act });

  /** Buttons that do one thing: not tabs, legends, tables, or what is out of sight. */
  function able(button) {
    const own = "[role=tab], .figure-legend *, .legend *, .table *, [data-sort], .selection *";
    return !button.disabled && !button.matches(own) && button.offsetParent !== null
      && button.id !== "shell-palette-toggle" && !button.closest("[data-figure]");
  }

  function control(row) {
    const fold = row.closest("details");
    document.documentElement.classList.remove("side-closed");
    if (fold) fold.open = true;
    const field = row.querySelector("input, button, select");
    if (field) field.focus();
    row.scrollIntoView({ block: "center" });
  }

  function chart(section) {
    document.getElementById("tab-charts").click();
    section.scrollIntoView({ block: "center" });
    const tool = section.querySelector("button");
    if (tool) tool.focus();
  }

  function press(button) {
    button.focus();
    button.click();
  }

  /** All words typed, in any order; those at the beginning of a word first. */
  function score(one, typed) {
    const text = `${one.label} ${one.more} ${one.kind}`.toLowerCase();
    let sum = 0;
    for (const word of typed) {
      const at = text.indexOf(word);
      if (at < 0) return -1;
      sum += at === 0 || /\W/.test(text[at - 1]) ? 2 : 1;
    }
    return sum;
  }

  function search(text) {
    const typed = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = state.items.map((one) => [score(one, typed), one])
      .filter(([sum]) => sum >= 0).sort((a, b) => b[0] - a[0]).map(([, one]) => one);
    // What was typed is rather the name of a preset than of a change to it.
    const first = typed.length ? [] : found.filter((one) => one.href).slice(0, RECENT);
    state.found = [...first, ...found.filter((one) => !first.includes(one))].slice(0, SHOWN);
    state.at = 0;
    show();
  }

  function show() {
    const list = sheet().querySelector("[role=listbox]");
    list.replaceChildren(...state.found.map((one, i) => {
      const link = one.href ? { href: one.href, tabindex: "-1" } : {};
      const option = lab.make(one.href ? "a" : "div", "", { role: "option", id: `palette-${i}`,
        class: "palette-item", "aria-selected": String(i === state.at), ...link });
      option.append(lab.make("span", one.kind, { class: "palette-kind" }),
        lab.make("span", one.label, { class: "palette-label" }),
        lab.make("code", one.more, { class: "palette-more" }));
      option.addEventListener("click", (event) => {
        if (!one.href) choose(i);
        else if (!(event.ctrlKey || event.metaKey || event.shiftKey)) sheet().close();
      });
      return option;
    }));
    const field = sheet().querySelector("input");
    field.setAttribute("aria-activedescendant", state.found.length ? `palette-${state.at}` : "");
    const selected = list.children[state.at];
    if (selected) selected.scrollIntoView({ block: "nearest" });
    sheet().querySelector("[role=status]").textContent =
      state.found.length ? "" : "Nothing has this name.";
  }

  function choose(i) {
    const one = state.found[i];
    if (!one) return;
    if (one.href) return void sheet().querySelectorAll("[role=option]")[i].click();
    sheet().close();
    one.act();
  }

  function open() {
    const dialog = sheet();
    if (!dialog || dialog.open || document.querySelector("dialog[open]:not(.tour)")) return;
    if (!dialog.querySelector("input")) build(dialog);
    state.items = items();
    const field = dialog.querySelector("input");
    field.value = "";
    dialog.showModal();
    search("");
  }

  function build(dialog) {
    const field = lab.make("input", "", { type: "text", role: "combobox", "aria-expanded": "true",
      "aria-controls": "palette-list", "aria-label": "Find a preset, control, chart or command",
      placeholder: "preset, control, chart or command", autocomplete: "off", spellcheck: "false" });
    field.addEventListener("input", () => search(field.value));
    field.addEventListener("keydown", keys);
    dialog.append(field,
      lab.make("div", "", { role: "listbox", id: "palette-list", "aria-label": "Found" }),
      lab.make("p", "", { role: "status", class: "quiet" }));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  function keys(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && state.found.length) {
      state.at = (state.at + step + state.found.length) % state.found.length;
      show();
    } else if (event.key === "Enter") choose(state.at);
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest && event.target.closest("input, select, textarea, dialog");
    const slash = event.key === "/" && !field && !event.ctrlKey && !event.metaKey && !event.altKey;
    const combination = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (!slash && !combination) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#shell-palette-toggle")) open();
  });
})();
