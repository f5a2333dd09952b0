/* Sweeps: a run for each pair of values, two at a time, by the same endpoint as programs use. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const AT_ONCE = 2;
  const MAX_VALUES = 8;
  const MAX_RUNS = 120;
  const ASK_MS = 300;
  const BUSY_MS = 2000;
  const SETS = ["p", "a"]; // several words to a value
  const $ = (name) => document.getElementById(`sweep-${name}`);
  const field = (axis) => document.querySelector(`[data-values="${axis}"] input`);
  const state = { number: 0, cells: [], running: new Set() };

  // ---- what is asked for

  /** Values of an axis, or throws a sentence. */
  function valuesOf(axis) {
    const select = $(axis);
    const key = select.value;
    if (!key) return { key: "", name: "", values: [""] };
    const name = select.selectedOptions[0].textContent;
    const limits = JSON.parse(select.selectedOptions[0].dataset.limits);
    const values = field(axis).value.split(/[\s,]+/).filter(Boolean);
    if (!values.length || values.length > MAX_VALUES) {
      throw new Error(`${name}: give 1 to ${MAX_VALUES} values.`);
    }
    for (const value of values) {
      const number = typeof limits[0] === "number";
      const words = SETS.includes(key) ? value.split(".") : [value];
      const right = number ? /^\d+$/.test(value) && value >= limits[0] && value <= limits[1]
        : words.every((word) => limits.includes(word) || (SETS.includes(key) && word === "none"));
      const range = number ? `${limits[0]} to ${limits[1]}` : `one of ${limits.join(", ")}`;
      if (!right) throw new Error(`${name}: ${value} is not ${range}.`);
    }
    return { key, name, values };
  }

  /** Run A's link with the pairs of a cell in place of its own. */
  function linkOf(pairs, seed) {
    const own = (location.search || "?v=1").slice(1).split("&").filter((part) => part
      && !/^([bcd](\.|=|$)|hide=|rec=|file=|seed=)/.test(part));
    let parts = own;
    for (const [key, value] of pairs) {
      if (key === "m") parts = parts.map((part) => limited(part, value));
      else parts = [...parts.filter((part) => !part.startsWith(`${key}=`)), `${key}=${value}`];
    }
    return [...parts.filter((part) => !/^[pa]=none$/.test(part)), `seed=${seed}`].join("&");
  }

  const limited = (part, mib) => part.replace(/^(m=[^.~]+\.)\d+/, `$1${mib}`);
  const firstSeed = () => Number(new URLSearchParams(location.search).get("seed")) || 1;

  function plan() {
    const [x, y] = [valuesOf("x"), valuesOf("y")];
    const swept = [x.key, y.key];
    if (x.key === y.key) throw new Error("Columns and rows are the same parameter.");
    if (swept.includes("m") && !/[?&]m=/.test(location.search)) {
      throw new Error("This scenario has no container; add one, or choose such a preset.");
    }
    const seeds = Number($("seeds").value);
    const runs = x.values.length * y.values.length * seeds;
    if (runs > MAX_RUNS) throw new Error(`${runs} runs: at most ${MAX_RUNS}.`);
    const cells = y.values.map((below) => x.values.map((across) => {
      const pairs = [[x.key, across], [y.key, below]].filter(([key]) => key);
      const links = Array.from({ length: seeds }, (_, i) => linkOf(pairs, firstSeed() + i));
      return { across, below, links, found: [], failed: "" };
    }));
    return { x, y, seeds, runs, cells, metric: $("metric").value };
  }

  // ---- the runs

  const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

  /** The number of one run; null when the sweep is over before it. */
  async function run(link, metric, mine) {
    for (;;) {
      const answer = await fetch(`/api/run?${link}&wait=2`,
        { headers: { "X-Viewer": lab.viewer } });
      const told = await answer.json();
      if (mine !== state.number) return null;
      if (answer.status === 200) {
        state.running.delete(told.key);
        return told.metrics[metric] ? told.metrics[metric].value : null;
      }
      if (answer.status === 202) state.running.add(told.key);
      else if (answer.status !== 503 && answer.status !== 429) {
        throw new Error(told.error || `the server answered ${answer.status}`);
      }
      await pause(answer.status === 202 ? ASK_MS : BUSY_MS);
      if (mine !== state.number) return null;
    }
  }

  async function start() {
    let wanted;
    try {
      wanted = plan();
    } catch (error) {
      say(error.message);
      return;
    }
    const mine = ++state.number;
    state.plan = wanted;
    keep();
    buttons(true);
    draw();
    const jobs = wanted.cells.flat().flatMap((cell) => cell.links.map((link) => ({ cell, link })));
    let done = 0;
    say(`0 of ${wanted.runs} runs`);
    const worker = async () => {
      for (let job = jobs.shift(); job && mine === state.number; job = jobs.shift()) {
        try {
          const value = await run(job.link, wanted.metric, mine);
          if (mine !== state.number) return;
          job.cell.found.push(value);
        } catch (error) {
          job.cell.failed = error.message;
        }
        done += 1;
        say(`${done} of ${wanted.runs} runs`);
        draw();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (mine === state.number) end(`${done} runs.`);
  }

  function end(text) {
    buttons(false);
    say(text);
  }

  function cancel() {
    state.number += 1;
    for (const key of state.running) {
      fetch(`/api/cancel/${key}`, { method: "POST", headers: { "X-Viewer": lab.viewer } });
    }
    state.running.clear();
    end("Cancelled; what had been computed stays.");
  }

  // ---- what is shown

  function median(values) {
    const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
    if (!sorted.length) return null;
    const half = Math.floor(sorted.length / 2);
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  function draw() {
    const { x, y, seeds, cells } = state.plan;
    const middles = cells.flat().map((cell) => median(cell.found)).filter((m) => m !== null);
    const [low, high] = [Math.min(...middles), Math.max(...middles)];
    const table = lab.make("table", "", { class: "table sweep-table" });
    const head = lab.make("tr");
    head.append(lab.make("th", [y.name, x.name].filter(Boolean).join(" by "), { scope: "col" }),
      ...x.values.map((value) => lab.make("th", value, { scope: "col", class: "num" })));
    const body = cells.map((row, i) => {
      const line = lab.make("tr");
      line.append(lab.make("th", y.values[i] || "all", { scope: "row" }),
        ...row.map((cell) => cellOf(cell, seeds, low, high)));
      return line;
    });
    table.append(head, ...body);
    $("table").replaceChildren(table);
  }

  function cellOf(cell, seeds, low, high) {
    const made = lab.make("td", "", { class: "num" });
    const middle = median(cell.found);
    if (middle === null) {
      made.textContent = cell.failed ? "failed" : cell.found.length ? "not recorded" : "…";
      made.title = cell.failed;
      return made;
    }
    const share = high > low ? (middle - low) / (high - low) : 0;
    made.style.background = `color-mix(in srgb, var(--accent) ${Math.round(45 * share)}%, `
      + "var(--page))";
    made.append(lab.make("a", lab.format(middle), { href: `/?${cell.links[0]}`,
      "data-sweep-cell": "" }));
    if (seeds > 1 && cell.found.length > 1) {
      const range = [Math.min(...cell.found), Math.max(...cell.found)].map(lab.format);
      made.append(lab.make("span", ` ${range.join(" to ")}`, { class: "quiet" }));
    }
    return made;
  }

  function copyCsv() {
    const { x, y, metric, cells } = state.plan;
    const lines = [[y.key, x.key, metric].filter(Boolean).join(",")];
    for (const cell of cells.flat()) {
      for (const value of cell.found) {
        lines.push([...(y.key ? [cell.below] : []), cell.across, value ?? ""].join(","));
      }
    }
    const text = `${lines.join("\n")}\n`;
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say("copied"));
    else say("This browser lets no page copy; use python -m sim sweep --format csv.");
  }

  const say = (text) => { $("said").textContent = text; };

  function buttons(running) {
    const shown = { start: !running, cancel: running, csv: !running && Boolean(state.plan) };
    for (const [name, on] of Object.entries(shown)) {
      document.querySelector(`[data-sweep="${name}"]`).hidden = !on;
    }
  }

  // ---- in the link: x.values__y.values__metric__seeds

  const ALPHABET = /^[A-Za-z0-9._-]*$/; // in a value _ stands for the dot of a set

  function keep() {
    const values = (axis) => field(axis).value.split(/[\s,]+/).filter(Boolean)
      .map((value) => value.replaceAll(".", "_"));
    const parts = ["x", "y"].map((axis) => [$(axis).value || "none", ...values(axis)].join("."));
    const text = [...parts, $("metric").value, $("seeds").value].join("__");
    if (ALPHABET.test(text)) lab.page.setFragment("sweep", text);
  }

  function restore() {
    for (const place of document.querySelectorAll(".sweep select[data-first]")) {
      place.value = place.dataset.first;
    }
    for (const axis of ["x", "y"]) field(axis).value = field(axis).parentElement.dataset.first;
    const kept = new URLSearchParams(location.hash.slice(1)).get("sweep");
    if (!kept || !ALPHABET.test(kept)) return;
    const [x, y, metric, seeds] = kept.split("__");
    for (const [axis, text] of [["x", x], ["y", y || ""]]) {
      const [key, ...values] = text.split(".");
      $(axis).value = key === "none" ? "" : key;
      field(axis).value = values.map((value) => value.replaceAll("_", ".")).join(" ");
    }
    if (metric) $("metric").value = metric;
    if (seeds) $("seeds").value = seeds;
  }

  document.addEventListener("click", (event) => {
    const on = event.target.closest && event.target.closest("[data-sweep], [data-sweep-cell]");
    if (!on) return;
    if (on.dataset.sweep === "start") start();
    else if (on.dataset.sweep === "cancel") cancel();
    else if (on.dataset.sweep === "csv") copyCsv();
    else if (!event.ctrlKey && !event.metaKey) lab.view.openTab("charts", false);
  });

  lab.sweep = { restore };
})(window);
