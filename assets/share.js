/* The page elsewhere, or with less on it: what a link hides, which charts an embedded page shows,
 * and the texts that make such links.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const SAID_MS = 2500;
  const $ = (id) => document.getElementById(id);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;");

  /** Leave out parts of the page and controls; a group without a control goes, too. */
  function hide({ parts, paths }) {
    document.documentElement.dataset.hide = parts.join(" ");
    const rows = all(".row[data-path]");
    for (const row of rows) row.classList.toggle("is-left-out", paths.includes(row.dataset.path));
    for (const group of all(".side .fold, .side .group")) {
      const left = all(".row", group).some((row) => !row.classList.contains("is-left-out"));
      group.classList.toggle("is-left-out", !left);
    }
  }

  /** Only these charts. */
  function only(names) {
    for (const section of all("[data-figure]")) {
      section.hidden = !names.includes(section.dataset.figure);
    }
  }

  /** The texts, and the way out of an embedded page. */
  function tell() {
    const { origin, search, hash } = location;
    if ($("share-embed-open")) $("share-embed-open").href = `/${search}${hash}`;
    if (!$("share-embed")) return;
    const view = new URLSearchParams(hash.slice(1));
    const chart = $("share-embed-charts").value;
    view.delete("tab");
    if (chart) view.set("charts", chart);
    const query = search || "?v=1&seed=1";
    const link = `${origin}/embed${query}${view.size ? `#${view}` : ""}`;
    $("share-embed").textContent = `<iframe src="${escaped(link)}" width="100%" `
      + `height="${chart ? 420 : 900}" title="${escaped(document.title)}"></iframe>`;
    const out = all("[data-hide][aria-pressed=true]").map((one) => one.dataset.hide);
    const lesson = new URLSearchParams(query);
    lesson.delete("hide");
    const less = out.length ? `&hide=${out.sort().join(".")}` : "";
    $("share-lesson").textContent = `${origin}/?${lesson}${less}${hash}`;
  }

  function copy(button) {
    const before = button.textContent;
    const said = (text) => {
      button.textContent = text;
      setTimeout(() => { button.textContent = before; }, SAID_MS);
    };
    const place = $(button.dataset.copy);
    const byHand = () => {
      getSelection().selectAllChildren(place);
      said("press Ctrl+C");
    };
    if (!navigator.clipboard) byHand();
    else navigator.clipboard.writeText(place.textContent).then(() => said("copied"), byHand);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy) copy(button);
    if (!button.dataset.hide) return;
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    tell();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "share-embed-charts") tell();
  });

  lab.share = { hide, only, tell };
})(window);
