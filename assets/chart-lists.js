/* Lists of pages at the playhead as bars, and between them the pages that moved, as arrows: what
 * dashboard/figures/lists.py draws. Pure.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const ROW_PX = 17; // on the page
  const MORE_PX = 12; // beyond all rows
  const PANEL_MORE_PX = 16; // between panels
  const LABEL_PX = 30; // of a list's name, beside the left margin
  const NAME_PX = 100; // of a panel's name
  const ITEM_PX = 124; // the narrowest arrow with its words
  const WORDS_PX = 116;
  const COLUMNS = 3;
  const WIDE_PX = 150; // of an arrow with its words: from here on all digits
  const PAGES_PX = 62; // beside the longest bar
  const MIB_PX = 150;
  const ROOMY_PX = 480; // of a panel: from here on bars say MiB, too
  const WIDEST = 60;
  const NARROWEST = 16;
  const LEAST = 2;
  const HEAD_PX = 4;
  const PAGES_PER_MIB = 256;

  const isList = (item) => item.style === "list";
  const round = (x) => Math.floor(x + 0.5);

  function drawLists(binder, group) {
    const panels = [];
    for (const i of group) {
      const run = binder.runs[i];
      note(binder, run);
      const most = binder.theme.limits.panels;
      if (run.memcgs.length > most) {
        const text = `the first ${most} of ${run.memcgs.length} containers`;
        binder.notes.push(binder.name(run, text));
      }
      for (const [panel, memcg] of wanted(binder.spec, run, most)) {
        const drawn = listPanel(binder, i, panel, memcg);
        if (drawn) panels.push(drawn);
      }
    }
    return panels;
  }

  /** The machine, then its first containers. */
  function wanted({ panels: [machine, ...ofEach] }, run, most) {
    const each = run.memcgs.slice(0, most)
      .flatMap((name) => ofEach.map((panel) => [panel, name]));
    return [[machine, ""], ...each];
  }

  /** Which interval it is: once, where it is that of every run. */
  function note(binder, run) {
    const { begin, end } = spanOf(run, binder);
    const text = `pages that moved from ${seconds(begin)} to ${seconds(end)} s`;
    const alike = binder.runs.filter((one) => one.times.length)
      .map((one) => spanOf(one, binder))
      .every((span) => span.begin === begin && span.end === end);
    const said = alike ? text : binder.name(run, text);
    if (!binder.notes.includes(said)) binder.notes.push(said);
  }

  /** Height on a page of a width, px: every row the same. */
  function listsHeight(spec, runs, theme, width) {
    const inner = width - theme.margin_left - theme.margin_right;
    let rows = 0;
    let panels = 0;
    for (const run of runs) {
      for (const [panel, memcg] of wanted(spec, run, theme.limits.panels)) {
        const found = rowsOf(itemsOf(panel, run, memcg), across(inner)).length;
        rows += found;
        panels += found ? 1 : 0;
      }
    }
    return Math.max(spec.height,
      MORE_PX + ROW_PX * rows + PANEL_MORE_PX * Math.max(0, panels - 1));
  }

  const seconds = (t) => (round(t * 1000) / 1000).toFixed(3).replace(/\.?0+$/, "");

  /** The interval of the playhead: a sample's, or of so many as a point of a rate stands for. */
  function spanOf({ times }, { view, theme }) {
    const n = times.length;
    const at = view.at === null || view.at === undefined ? view.end : view.at;
    const first = n > 1 ? Math.max(0, 2 * times[0] - times[1]) : 0;
    const begin = (k) => (k ? times[k - 1] : first);
    const high = Math.min(charts.bisect(times, at - 1e-9, false), n - 1);
    const last = times[n - 1] - begin(n - 1);
    const whole = last > 0 ? round((view.end - view.begin) / last) : 1;
    const step = charts.niceGroup(charts.stride(whole, theme.limits.rates));
    const low = Math.max(0, high + 1 - step);
    const length = (k) => times[k] - begin(k);
    return { low, high, begin: begin(low), end: times[high], step, length };
  }

  /** Bars and arrows of which the run has a column: neighbours with one label are one. */
  function itemsOf(panel, run, memcg) {
    const items = [];
    for (const line of panel.lines) {
      const column = line.column.replace("{memcg}", memcg);
      const values = run.columns[column];
      if (!values || (line.skip_zero && !values.some((x) => x > 0))) continue;
      const last = items[items.length - 1];
      const part = { values, color: line.color };
      if (last && last.label === line.label) last.parts.push(part);
      else items.push({ label: line.label, style: line.style, parts: [part] });
    }
    return items;
  }

  const across = (width) =>
    Math.max(1, Math.min(COLUMNS, Math.floor((width - LABEL_PX) / ITEM_PX)));

  /** A list has a row of its own, arrows share them; the first row has room for a name. */
  function rowsOf(items, most) {
    const rows = [];
    for (const item of items) {
      const last = rows[rows.length - 1];
      const shares = last && !isList(item) && !isList(last[0]) && last.length < most;
      if (shares) last.push(item);
      else rows.push([item]);
    }
    if (rows.length && isList(rows[0][0])) rows.unshift([]);
    return rows;
  }

  function listPanel(binder, i, panel, memcg) {
    const run = binder.runs[i];
    const span = spanOf(run, binder);
    const { width } = binder.view;
    const items = itemsOf(panel, run, memcg);
    const most = across(width);
    const rows = rowsOf(items, most);
    if (!rows.length) return null;
    const drawn = charts.newPanel(binder.name(run, panel.label.replace("{memcg}", memcg)));
    drawn.range = [rows.length - 0.5, -0.5];
    drawn.weight = rows.length;
    const { longest, widest } = scalesOf(binder, panel, memcg);
    const each = (width - LABEL_PX) / most;
    const texts = rows.flatMap((row, y) => row.map((item, k) => {
      if (isList(item)) return bar(binder, drawn, item, span.high, y, longest);
      const x = LABEL_PX + (y ? k * each : NAME_PX);
      const place = { x, y, each: Math.min(each, width - x) };
      return arrow(binder, drawn, item, span, place, widest);
    }));
    drawn.spoken = texts.map(([, , words, , name]) => `${name}${words}`);
    drawn.traces.push(wordsTrace(i, drawn.label, texts));
    return drawn;
  }

  /** The longest bar (MiB) and the widest arrow (pages) of this panel in any run at any time. */
  function scalesOf(binder, panel, memcg) {
    const scales = { longest: 0, widest: 0 };
    for (const run of binder.runs) {
      for (const item of itemsOf(panel, run, memcg)) {
        const [name, span] = isList(item) ? ["longest"] : ["widest", spanOf(run, binder)];
        scales[name] = Math.max(scales[name], mostOf(run, item, span));
      }
    }
    return scales;
  }

  /** MiB of a list, or pages that an arrow moved in any interval as long as `span`. */
  function mostOf(run, { parts }, span) {
    const n = run.times.length;
    const total = (k) => parts.reduce((sum, { values }) => sum + values[k], 0);
    let most = -Infinity;
    if (!span) {
      for (let k = 0; k < n; k++) most = Math.max(most, total(k));
      return most;
    }
    const step = Math.min(span.step, n);
    const sums = new Float64Array(n + 1);
    for (let k = 0; k < n; k++) sums[k + 1] = sums[k] + total(k) * span.length(k);
    for (let k = step; k <= n; k++) most = Math.max(most, Math.abs(sums[k] - sums[k - step]));
    return most;
  }

  /** [x, y, words, colour, what it is the length of] */
  function bar(binder, drawn, item, k, y, longest) {
    const { theme, view: { width } } = binder;
    const roomy = width >= ROOMY_PX;
    const room = width - LABEL_PX - (roomy ? MIB_PX : PAGES_PX);
    drawn.labels.push([item.label, LABEL_PX - 6, y]);
    let x = LABEL_PX;
    let pages = 0;
    for (const { values, color } of item.parts) {
      pages += round(values[k] * PAGES_PER_MIB);
      const wide = longest > 0 ? (room * values[k]) / longest : 0;
      rect(drawn, [x, x + wide], [y - 0.36, y + 0.36], theme.colors[color]);
      x += wide;
    }
    let words = charts.thousands(pages);
    if (roomy) {
      const tenths = Math.floor((10 * pages + PAGES_PER_MIB / 2) / PAGES_PER_MIB);
      words += ` pages, ${charts.thousands(Math.floor(tenths / 10))}.${tenths % 10} MiB`;
    }
    return [x + 4, y, words, pages ? theme.ink : theme.muted, `${item.label} `];
  }

  /** The pages of each part that is not switched off, and who moved them into the legend. */
  function movedOf(binder, { parts }, span) {
    const { theme } = binder;
    return parts.flatMap(({ values, color }) => {
      const style = theme.issuers.find(({ name }) => name === color);
      if (style && values.some((x) => x > 0)) {
        binder.enter(style.label, style.color, "mark", "solid");
      }
      if (style && binder.hidden.has(style.label)) return [];
      let sum = 0;
      for (let k = span.low; k <= span.high; k++) sum += values[k] * span.length(k);
      return [[round(sum), theme.colors[color]]];
    });
  }

  function arrow(binder, drawn, item, span, { x, y, each }, widest) {
    const { theme } = binder;
    const parts = movedOf(binder, item, span);
    const pages = parts.reduce((sum, [n]) => sum + n, 0);
    const slot = Math.min(WIDEST, Math.max(NARROWEST, each - WORDS_PX - 2 * HEAD_PX));
    const wide = pages ? Math.max(LEAST, slot * Math.sqrt(Math.abs(pages) / widest)) : 0;
    const middle = x + HEAD_PX + slot / 2;
    const mark = item.style === "mark";
    const up = (item.style === "up") !== (pages < 0);
    const ends = mark ? [y - 0.3, y + 0.3] : up ? [y - 0.1, y + 0.46] : [y - 0.46, y + 0.1];
    const there = parts.filter(([n]) => n);
    let at = middle - wide / 2;
    for (const [n, color] of there) {
      const part = (wide * n) / pages;
      rect(drawn, [at, at + part], ends, color);
      at += part;
    }
    if (pages && !mark) {
      const color = there.length === 1 ? there[0][1] : theme.muted;
      head(drawn, middle, wide / 2 + HEAD_PX, y, up ? -1 : 1, color);
    }
    const number = charts.numberText(Math.abs(pages), each >= WIDE_PX ? 99 : 0);
    const words = `${item.label} ${pages < 0 ? "−" : ""}${number}`;
    return [x + slot + 2 * HEAD_PX + 6, y, words, pages ? theme.ink : theme.muted, ""];
  }

  function rect(drawn, [x0, x1], [y0, y1], fillcolor) {
    drawn.boxes.push({ x0, x1, y0, y1, fillcolor, line: { width: 0 } });
  }

  function head(drawn, x, half, y, way, fillcolor) {
    const [base, tip] = [(y + 0.1 * way).toFixed(5), (y + 0.46 * way).toFixed(5)];
    const [left, right] = [(x - half).toFixed(5), (x + half).toFixed(5)];
    const path = `M${left},${base}L${right},${base}L${x.toFixed(5)},${tip}Z`;
    drawn.boxes.push({ path, fillcolor, line: { width: 0 } });
  }

  function wordsTrace(i, label, texts) {
    return {
      type: "scatter", mode: "text", name: label, meta: { run: i, group: label, line: false },
      x: texts.map(([x]) => x), y: texts.map(([, y]) => y),
      text: texts.map(([, , words]) => words), textposition: "middle right",
      textfont: { size: 10.5, color: texts.map(([, , , color]) => color) },
      hoverinfo: "skip", showlegend: false,
    };
  }

  /** What the panels say, for those who do not see them. */
  const spoken = (bound) => bound.panels
    .map(({ label, spoken: said }) => `${label}: ${(said || []).join(", ")}`).join(". ");

  (charts.DRAW = charts.DRAW || {}).lists = drawLists;
  Object.assign(charts, { listsHeight, spoken });
})(typeof window === "object" ? window : globalThis);
