/* A comparison over several seeds: asked for until its runs are done, then a table of means. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const ASK_MS = 500;
  const BUSY_MS = 3000;
  const state = { number: 0 };
  const place = () => document.getElementById("seeds-table");
  const say = (text) => { document.getElementById("seeds-said").textContent = text; };
  const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

  function buttons(running) {
    for (const button of document.querySelectorAll("[data-seeds]")) {
      button.hidden = Boolean(button.dataset.seeds) === running;
    }
  }

  async function start(seeds) {
    const mine = ++state.number;
    const query = location.search.slice(1).replace(/&hide=[^&]*/, "");
    buttons(true);
    place().replaceChildren();
    say("Asking…");
    while (mine === state.number) {
      const answer = await fetch(`/api/seeds?${query}&seeds=${seeds}`,
        { headers: { "X-Viewer": lab.viewer } });
      const told = await answer.json();
      if (mine !== state.number) return;
      if (answer.status === 202) say(`${told.done} of ${told.total} runs`);
      else if (answer.status === 503) say(`${told.error}; trying again`);
      else {
        buttons(false);
        say(answer.ok ? told.verdict : told.error);
        if (answer.ok) show(told);
        return;
      }
      await pause(answer.status === 202 ? ASK_MS : BUSY_MS);
    }
  }

  function stop(text) {
    state.number += 1;
    buttons(false);
    say(text);
  }

  function show({ labels, lines }) {
    const table = lab.make("table", "", { class: "table" });
    const head = lab.make("tr");
    head.append(lab.make("th", "Row, unit", { scope: "col" }),
      ...labels.map((label) => lab.make("th", label, { scope: "col", class: "num" })));
    table.append(head);
    for (const line of lines) {
      const row = lab.make("tr");
      row.append(lab.make("th", `${line.name}, ${line.unit}`, { scope: "row" }),
        ...line.cells.map(cellOf));
      table.append(row);
    }
    place().replaceChildren(table, lab.make("p", "Mean ± half the 95 % interval of the mean; "
      + "change of the mean from A; * = beyond seed noise.", { class: "quiet" }));
  }

  function cellOf(cell) {
    if (!cell) return lab.make("td", "–", { class: "num" });
    const half = cell.half_width === null ? "" : ` ± ${lab.format(cell.half_width)}`;
    const change = cell.percent === null ? "" : ` (${cell.percent > 0 ? "+" : ""}`
      + `${cell.percent.toFixed(1)} %)`;
    const made = lab.make("td", `${lab.format(cell.mean)}${half}${change}`, { class: "num" });
    if (cell.significant) made.append(lab.make("strong", " *"));
    return made;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-seeds]");
    if (!button) return;
    if (button.dataset.seeds) start(Number(button.dataset.seeds));
    else stop("Stopped; runs that have ended are kept.");
  });
  // Another comparison: what is shown is no longer its.
  document.addEventListener("rl:finished", () => {
    if (!place() || location.search === state.search) return;
    state.search = location.search;
    if (place().firstChild) {
      place().replaceChildren();
      stop("");
    }
  });
})(window);
