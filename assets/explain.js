/* One stall or one request explained: a panel beside the charts, in the link as #why=RUN.task.us
 * or #why=RUN.io.block.us. By mouse in the charts, by keyboard with E and from request to request.
 */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const AROUND = 0.5;
  const BLOCKS_PER_GIB = 2 ** 30 / 4096;
  const FIELDS = "input, select, textarea, [contenteditable], dialog[open]";
  const panel = () => document.getElementById("charts-explain");
  const quiet = (text) => lab.make("p", text, { class: "quiet" });
  let asked = 0;
  let opener = null;

  const stallAt = (task, us) => ({
    name: `${task}.${us}`, query: `task=${task}&t_us=${us}`, what: "stall",
  });
  const requestAt = (block, us) => ({
    name: `io.${block}.${us}`, query: `io=${block}&t_us=${us}`, what: "request",
  });

  async function open(run, one, focus) {
    const mine = ++asked;
    lab.page.setFragment("why", `${run.label}.${one.name}`);
    let [told, ok] = [null, false];
    try {
      const response = await fetch(`/api/explain/${run.key}?${one.query}`);
      [told, ok] = [await response.json(), response.ok];
    } catch (error) {
      told = { error: `The server did not answer: ${error.message}` };
    }
    if (mine !== asked) return;
    const title = lab.make("h2", ok ? told.title : `This ${one.what} cannot be explained`,
      { tabindex: -1 });
    const shut = lab.make("button", "Close", { class: "button small", type: "button" });
    shut.addEventListener("click", close);
    const parts = ok ? body(run, told, one) : [lab.make("p", told.error)];
    panel().replaceChildren(shut, title, ...parts);
    panel().hidden = false;
    panel().scrollTop = 0;
    const again = focus && panel().querySelector(`[data-explain="${focus}"]:not(:disabled)`);
    if (again) again.focus();
    else if (focus) title.focus();
  }

  function body(run, told, one) {
    const parts = [lab.make("p", told.context), stepsOf(told)];
    if (told.left_out) parts.push(quiet(`${told.left_out} more.`));
    parts.push(lab.make("p", told.outcome, { class: "explain-outcome" }));
    if (told.stack) parts.push(stackOf(told.stack));
    parts.push(...told.missing.map((text) => quiet(`Not recorded: ${text}`)));
    if (told.stall) {
      const [task, us] = told.stall;
      parts.push(button("Explain the stall that it was issued in", "stall",
        () => open(run, stallAt(task, us), "title")));
    }
    if (one.what === "request") parts.push(walk(run, told));
    for (const { text, link } of told.flips) {
      parts.push(lab.make("a", text, { href: link, class: "button" }));
    }
    return parts;
  }

  function stepsOf(told) {
    if (!told.steps.length) return quiet("No record falls within it.");
    const list = lab.make("ol", "", { class: "explain-steps" });
    for (const { begin_ms: begin, length_ms: length, text } of told.steps) {
      const item = lab.make("li");
      const took = length > 0 ? `, ${length.toFixed(3)} ms` : "";
      const sign = begin < 0 ? "−" : "+";
      item.append(lab.make("span", `${sign}${Math.abs(begin).toFixed(3)} ms${took}`,
        { class: "explain-time" }), lab.make("span", text));
      list.append(item);
    }
    return list;
  }

  /** Folded: outermost call first, bytes of each. */
  function stackOf({ frames, used_bytes: used, limit_bytes: limit }) {
    const fold = lab.make("details", "", { class: "explain-stack" });
    const thousands = lab.charts.thousands;
    fold.append(lab.make("summary",
      `Kernel stack: ${thousands(used)} of ${thousands(limit)} bytes`));
    fold.append(quiet("The deepest calls below it for a page that has its block on the disk; "
      + "with a hole to fill they go deeper."));
    const table = lab.make("table", "", { class: "table" });
    const head = table.createTHead().insertRow();
    head.append(lab.make("th", "Function", { scope: "col" }),
      lab.make("th", "Bytes", { scope: "col", class: "num" }));
    const rows = table.createTBody();
    for (const [name, bytes] of frames) {
      const row = rows.insertRow();
      row.append(lab.make("td", name), lab.make("td", String(bytes), { class: "num" }));
    }
    fold.append(table);
    return fold;
  }

  /** To the requests that ended before and after. */
  function walk(run, told) {
    const row = lab.make("p", "", { class: "explain-walk" });
    for (const [name, label] of [["before", "Request before"], ["after", "Request after"]]) {
      const go = button(label, name, () => open(run, requestAt(...told[name]), name));
      go.disabled = !told[name];
      row.append(go);
    }
    return row;
  }

  function button(text, name, act) {
    const made = lab.make("button", text,
      { class: "button", type: "button", "data-explain": name });
    made.addEventListener("click", act);
    return made;
  }

  function close() {
    asked += 1;
    lab.page.setFragment("why", "");
    panel().hidden = true;
    if (opener && opener.isConnected) opener.focus();
  }

  function requestOf(run, k) {
    const { t, offset } = run.events.io;
    return requestAt(Math.round(offset[k] * BLOCKS_PER_GIB), Math.round(t[k] * 1e6));
  }

  document.addEventListener("rl:select", ({ detail }) => {
    const run = lab.runs().find((one) => one.key === detail.key);
    if (!run || !run.ended) return;
    opener = document.activeElement;
    const k = detail.index;
    if (detail.kind === "io") {
      open(run, requestOf(run, k), "title");
      return;
    }
    const stalls = run.events.stalls;
    if (!lab.clock.state.zoom) {
      const around = Math.max(2 * lab.clock.state.interval, stalls.length[k] * AROUND);
      lab.player.zoom(stalls.begin[k] - around, stalls.t[k] + around);
    }
    open(run, stallAt(stalls.task[k], Math.round(stalls.t[k] * 1e6)), "title");
  });

  /** The last request that ended before the playhead; the panel walks on from there. */
  function atPlayhead() {
    const run = lab.runs().find((one) => one.ended && one.events.io && one.events.io.t.length);
    if (!run) return;
    const { t } = run.events.io;
    const until = lab.clock.atEnd() ? Infinity : lab.clock.state.t;
    const after = lab.charts.bisect(t, until, true);
    opener = document.activeElement;
    open(run, requestOf(run, Math.max(0, after - 1)), "title");
  }

  /** A link that has one opened: as soon as its run is there. */
  document.addEventListener("rl:finished", () => {
    const text = new URLSearchParams(root.location.hash.slice(1)).get("why") || "";
    const found = /^([A-D])\.(?:(\d{1,7})|io\.(\d{1,12}))\.(\d{1,16})$/.exec(text);
    const run = found && lab.runs().find((one) => one.label === found[1]);
    if (!run || !panel().hidden) return;
    const [task, block, us] = found.slice(2).map(Number);
    open(run, found[2] === undefined ? requestAt(block, us) : stallAt(task, us), "");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel() && panel().contains(event.target)) close();
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "e" && !(event.target.closest && event.target.closest(FIELDS))) atPlayhead();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-explain-open]")) atPlayhead();
  });
})(window);
