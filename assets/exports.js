/* A chart out of the page: PNG and SVG drawn by the browser, CSV, and a table to read or hear. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const TABLE_ROWS = 200;
  const WIDTH = 900;
  const HEIGHT_MORE = 150; // above the height on the page: title, legend, caption
  const STALL_KINDS = ["direct reclaim", "memcg reclaim", "balance_dirty_pages", "unknown"];

  const number = (x) => (Number.isNaN(x) ? "" : String(Math.round(x * 1e6) / 1e6));

  /** Header and rows of what a chart shows: {columns, rows: iterator, total}. */
  function dataOf(spec, runs, theme, zoom) {
    const [begin, end] = zoom || [0, Infinity];
    const make = { series: seriesData, events: eventData, table: lengthData }[spec.kind];
    if (spec.draw === "matrix") return victimData(runs, theme);
    return make(spec, runs, theme, begin, end);
  }

  function seriesData(spec, runs, theme, begin, end) {
    const parts = runs.map((run, i) => {
      const columns = ["", ...run.memcgs].flatMap((name) => spec.panels.flatMap((panel) =>
        panel.lines.filter((line) => line.style !== "level")
          .map((line) => line.column.replace("{memcg}", name))));
      const there = [...new Set(columns)].filter((column) => column in run.columns);
      return { run, i, columns: there };
    });
    const many = runs.length > 1;
    const head = ["t_s"];
    for (const { run, columns } of parts) {
      for (const column of columns) {
        head.push(`${many ? `${run.label}.` : ""}${column} (${run.units[column] || ""})`);
      }
    }
    // Runs with other sample times: their values at the first run's times would be invented.
    const rows = [];
    const times = [...new Set(parts.flatMap(({ run }) => [...run.times]))].sort((a, b) => a - b);
    const at = parts.map(() => 0);
    for (const t of times) {
      const row = [number(t)];
      parts.forEach(({ run, columns }, p) => {
        const here = run.times[at[p]] === t;
        for (const column of columns) row.push(here ? number(run.columns[column][at[p]]) : "");
        if (here) at[p] += 1;
      });
      if (t >= begin && t <= end) rows.push(row);
    }
    return { columns: head, rows };
  }

  function eventData(spec, runs, theme, begin, end) {
    const issuers = Object.fromEntries(theme.issuers.map((s) => [s.code, s.label]));
    const io = spec.family === "io";
    const columns = io
      ? ["t_done_s", "offset_gib", "kib", "issuer", "direction", "wait_ms", "task"]
      : ["t_begin_s", "t_end_s", "ms", "task", "kind", "priority", "scanned", "reclaimed"];
    const rows = [];
    for (const run of runs) {
      const e = run.events[spec.family];
      for (let k = 0; e && k < e.t.length; k++) {
        if (e.t[k] < begin || e.t[k] > end) continue;
        const row = io
          ? [number(e.t[k]), number(e.offset[k]), number(e.size[k] / 2), issuers[e.issuer[k]] || "",
            e.write[k] === 1 ? "write" : "read", number(e.wait_us[k] / 1e3),
            run.taskName(e.task[k])]
          : [number(e.begin[k]), number(e.t[k]), number(e.length[k] * 1e3),
            run.taskName(e.task[k]), STALL_KINDS[e.kind[k]] || "", String(e.priority[k]),
            String(e.scanned[k]), String(e.reclaimed[k])];
        rows.push(runs.length > 1 ? [run.label, ...row] : row);
      }
    }
    return { columns: runs.length > 1 ? ["run", ...columns] : columns, rows };
  }

  function lengthData(spec, runs) {
    const rows = [];
    const percents = [50, 90, 99, 99.9, 100];
    for (const run of runs) {
      const e = run.events.stalls;
      STALL_KINDS.forEach((kind, code) => {
        const lengths = [];
        for (let k = 0; e && k < e.t.length; k++) if (e.kind[k] === code) lengths.push(e.length[k]);
        if (!lengths.length) return;
        lengths.sort((a, b) => a - b);
        const at = (p) => lengths[Math.max(0, Math.ceil((p * lengths.length) / 100) - 1)];
        const row = [kind, String(lengths.length), ...percents.map((p) => number(at(p) * 1e3))];
        rows.push(runs.length > 1 ? [run.label, ...row] : row);
      });
    }
    const columns = ["kind", "stalls", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "longest ms"];
    return { columns: runs.length > 1 ? ["run", ...columns] : columns, rows };
  }

  function victimData(runs, theme) {
    const issuers = Object.fromEntries(theme.issuers.map((s) => [s.code, s.label]));
    const rows = [];
    for (const run of runs) {
      const cells = run.events.victims || { issuer: [] };
      const name = (memcg) => (memcg < 0 ? "others" : (run.about.memcgs || [])[memcg] || "");
      cells.issuer.forEach((issuer, k) => {
        const row = [issuers[issuer] || "", name(cells.group[k]), name(cells.owner[k]),
          String(cells.reclaimed[k]), String(cells.written[k])];
        rows.push(runs.length > 1 ? [run.label, ...row] : row);
      });
    }
    const columns = ["by", "working for", "owner", "reclaimed pages", "written pages"];
    return { columns: runs.length > 1 ? ["run", ...columns] : columns, rows };
  }

  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

  function csvOf(spec, runs, theme, zoom, caption) {
    const { columns, rows } = dataOf(spec, runs, theme, zoom);
    const lines = [columns, ...rows].map((row) => row.map(quoted).join(","));
    return `# ${spec.title}. ${caption.replace(/\s+/g, " ")}\n${lines.join("\n")}\n`;
  }

  function save(name, href) {
    const link = document.createElement("a");
    link.href = href;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
  }

  function fileName(spec, runs, kind) {
    const of = runs.map((run) => run.about.digest || run.key).join("-");
    return `${spec.name}-${of}.${kind}`;
  }

  async function image(spec, runs, theme, options) {
    const { zoom, at, hidden, url, kind } = options;
    const height = options.height + HEIGHT_MORE;
    const figure = lab.charts.exportFigure(spec, runs, theme,
      { width: WIDTH, height, zoom, at, hidden, url });
    const asked = { format: kind, width: WIDTH, height, scale: kind === "png" ? 2 : 1 };
    return root.Plotly.toImage({ ...figure, config: { staticPlot: true } }, asked);
  }

  async function run(action, spec, runs, theme, options) {
    if (action === "csv") {
      const caption = lab.charts.captionOf(runs, options.url);
      const text = csvOf(spec, runs, theme, options.zoom, caption);
      const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      save(fileName(spec, runs, "csv"), href);
      setTimeout(() => URL.revokeObjectURL(href), 10000);
      return;
    }
    const href = await image(spec, runs, theme, { ...options, kind: action });
    save(fileName(spec, runs, action), href);
  }

  // ---- the table

  function cell(name, text, scope) {
    const made = document.createElement(name);
    made.textContent = text;
    if (scope) made.scope = scope;
    return made;
  }

  function rowOf(name, texts) {
    const row = document.createElement("tr");
    row.append(...texts.map((text) => cell(name, text, name === "th" ? "col" : "")));
    return row;
  }

  /** A table of what the chart shows, at most TABLE_ROWS rows spread evenly. */
  function tableOf(spec, runs, theme, zoom) {
    const { columns, rows } = dataOf(spec, runs, theme, zoom);
    const step = Math.max(1, Math.ceil(rows.length / TABLE_ROWS));
    const shown = rows.filter((_, k) => k % step === 0);
    const table = document.createElement("table");
    const caption = document.createElement("caption");
    const part = step > 1 ? `${shown.length} of ${rows.length} rows, one in ${step}` : "";
    caption.textContent = [spec.title, part || `${rows.length} rows`].join(": ");
    const head = document.createElement("thead");
    head.append(rowOf("th", columns));
    const body = document.createElement("tbody");
    body.append(...shown.map((row) => rowOf("td", row)));
    table.append(caption, head, body);
    return table;
  }

  lab.exports = { run, tableOf, csvOf, image, dataOf };
})(typeof window === "object" ? window : globalThis);
