/* The address bar: the link of the scenario, and in its fragment tabs, zoom and selection, which
 * never start a run.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const $ = (id) => document.getElementById(id);
  const TIMES = { t: /^\d{1,9}-\d{1,9}$/, at: /^\d{1,9}$/ };
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

  /* A link that was not canonical is rewritten in place: Back must not lead to it again. */
  function canonical(target) {
    if (target.seq === null && target.link && location.search !== target.link) {
      rewrite(target.link + location.hash);
    } else tellLink();
  }

  /* Changes the address bar without a new entry; dcc.Location has to hear of it. */
  function rewrite(link) {
    history.replaceState(history.state, "", link);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    tellLink();
  }

  /* Who shows or follows the link hears of it: charts for their captions, and the report. */
  function tellLink() {
    const report = $("share-report");
    const query = location.search || "?v=1&seed=1";
    if (report) report.href = `/export/report.html${query}${viewKeys()}`;
    if (lab.setLink) lab.setLink(location.href);
    lab.share.tell();
  }

  /* What a report shows as the page does, as keys of the server; what the page does not
   * understand is left out, as the server would refuse it. */
  function viewKeys() {
    const view = fragment();
    const times = Object.entries(TIMES).filter(([name, form]) => form.test(view.get(name) || ""))
      .map(([name]) => [name, view.get(name)]);
    return [...times, ...lab.scaleSwitch.keys()]
      .map(([name, text]) => `&view.${name}=${text}`).join("");
  }

  /* The other forms of the report come with each scenario; their view is that of the moment. */
  function seen(event) {
    const form = event.target.closest && event.target.closest('a[href^="/export/report."]');
    if (!form) return;
    const [path, query] = form.getAttribute("href").split("?");
    const runs = query.split("&").filter((part) => !part.startsWith("view."));
    form.setAttribute("href", `${path}?${runs.join("&")}${viewKeys()}`);
  }

  function fragment() {
    return new URLSearchParams(location.hash.slice(1));
  }

  function setFragment(name, value) {
    const view = fragment();
    if (value) view.set(name, value);
    else view.delete(name);
    const text = view.toString();
    const hash = text ? `#${text}` : "";
    if (hash !== location.hash) rewrite(location.pathname + location.search + hash);
  }

  function openTab(name, focus) {
    const chosen = all(".view-tab").find((tab) => tab.dataset.tab === name);
    if (!chosen) return;
    for (const tab of all(".view-tab")) {
      const open = tab === chosen;
      tab.setAttribute("aria-selected", String(open));
      tab.tabIndex = open ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = !open;
    }
    if (focus) chosen.focus();
    setFragment("tab", name === "charts" ? "" : name);
    window.dispatchEvent(new Event("resize"));
    document.dispatchEvent(new CustomEvent("rl:tab", { detail: { tab: name } }));
  }

  function tabKeys(event) {
    const tabs = all(".view-tab");
    const at = tabs.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    openTab(tabs[(to + tabs.length) % tabs.length].dataset.tab, true);
  }

  function restore() {
    const charts = fragment().get("charts");
    if (charts) lab.share.only(charts.split("."));
    lab.scaleSwitch.restore();
    openTab(fragment().get("tab") || "charts", false);
    tellLink();
  }

  /* Zoom and selection wait for the run: only it says how long it is. */
  function restoreTimes({ detail }) {
    if (!(detail.duration > 0)) return;
    document.removeEventListener("rl:player", restoreTimes);
    const view = fragment();
    const [zoom, chosen] = [spanOf(view.get("t")), spanOf((view.get("sel") || "").slice(2))];
    if (zoom) lab.player.zoom(...zoom);
    if (chosen) lab.selection.set(...chosen);
    if (TIMES.at.test(view.get("at") || "")) lab.player.seek(Number(view.get("at")) / 1000);
  }

  /* "10500-12250" in ms as [10.5, 12.25] s. */
  function spanOf(text) {
    const found = /^(\d{1,9})-(\d{1,9})$/.exec(text || "");
    const span = found ? [Number(found[1]) / 1000, Number(found[2]) / 1000] : [0, 0];
    return span[1] > span[0] ? span : null;
  }

  function keepSpan(name, detail, before) {
    const whole = detail.t0 === null || detail.t0 === undefined;
    const ms = (t) => Math.round(t * 1000);
    setFragment(name, whole ? "" : `${before}${ms(detail.t0)}-${ms(detail.t1)}`);
  }

  /* Where there can be no fragment the view stands in the query: view.t=10500-12250. */
  function fromQuery() {
    const [query, view] = [new URLSearchParams(location.search), fragment()];
    const named = [...query].filter(([name]) => name.startsWith("view."));
    if (!named.length) return;
    for (const [name, value] of named) {
      view.set(name.slice("view.".length), value);
      query.delete(name);
    }
    history.replaceState(history.state, "", `?${query}#${view}`);
  }

  fromQuery();
  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, seen);
  document.addEventListener("rl:player", restoreTimes);
  document.addEventListener("rl:zoom", (event) => keepSpan("t", event.detail, ""));
  document.addEventListener("rl:selection", (event) => keepSpan("sel", event.detail, "t."));

  lab.view = { canonical, openTab, tabKeys, restore };
  lab.page = Object.assign(lab.page || {}, { setFragment });
})(window);
