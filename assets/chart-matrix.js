/* Who took whose pages, as dashboard/figures/matrix.py draws it: a row for each context, a column
 * for each owner, a number in each cell. Pure.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const LABEL_PX = 96;
  const COLUMN_PX = 120;
  const NARROW_PX = 60;
  const CHARACTER_PX = 6.2;
  const ROW_PX = 19; // on the page
  const SINCE_NOTE = "counted from the beginning of the run";
  const FRAME_NOTE = "framed: taken from a container by reclaim that did not work for it";
  const THREADS = [0, 3, 6]; // kswapd, flusher, journal
  const FROM_ZONES = [0, 1]; // kswapd, direct reclaim
  const FAINTEST = 8; // percent of opacity
  const DEEPEST = 52;
  const SIZES = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

  const inOrder = (memcgs) => [...new Set(memcgs)].sort((a, b) => (a < 0) - (b < 0) || a - b);

  function drawMatrix(binder, group) {
    const owned = binder.runs.flatMap((run) => Array.from(run.events.victims?.owner || []));
    const owners = inOrder(owned);
    const panels = [];
    if (!binder.notes.includes(SINCE_NOTE)) binder.notes.push(SINCE_NOTE);
    for (const i of group) {
      for (const panel of binder.spec.panels) {
        const cells = cellsOf(binder.runs[i], panel.lines[0].column, binder.hidden, binder.theme);
        if (cells.size) {
          const label = binder.panelName(binder.runs[i], panel.label);
          panels.push(matrixPanel(binder, i, label, cells, owners));
        }
      }
    }
    return panels;
  }

  /** "issuer,group,owner" to [issuer, group, owner, pages], without zeros. */
  function cellsOf(run, what, hidden, theme) {
    const rows = run.events.victims;
    const found = new Map();
    rows.issuer.forEach((issuer, k) => {
      const style = theme.issuers.find((one) => one.code === issuer);
      if (rows[what][k] > 0 && style && !hidden.has(style.label)) {
        const key = [issuer, rows.group[k], rows.owner[k]];
        found.set(key.join(), [...key, rows[what][k]]);
      }
    });
    return found;
  }

  function contextsOf(cells, theme) {
    const all = [...cells.values()];
    return theme.issuers.flatMap((style) =>
      inOrder(all.filter(([code]) => code === style.code).map(([, group]) => group))
        .map((group) => ({ style, group })));
  }

  function matrixPanel(binder, i, label, cells, owners) {
    const run = binder.runs[i];
    const { theme, view } = binder;
    const contexts = contextsOf(cells, theme);
    const column = Math.min(COLUMN_PX, (view.width - LABEL_PX) / owners.length);
    const drawn = charts.newPanel(label);
    drawn.range = [contexts.length - 0.5, -1.5];
    drawn.weight = contexts.length + 1;
    const x = owners.map((_, k) => LABEL_PX + (k + 0.5) * column);
    const marks = owners.map((owner, k) => [x[k], -1, fit(nameOf(run, owner), column)]);
    const top = Math.max(...[...cells.values()].map(([, , , n]) => n));
    contexts.forEach(({ style, group }, row) => {
      drawn.labels.push([contextName(run, style, group), LABEL_PX - 6, row]);
      binder.enter(style.label, style.color, "mark", "solid");
      owners.forEach((owner, k) => {
        const [, , , n] = cells.get([style.code, group, owner].join()) || [0, 0, 0, 0];
        marks.push([x[k], row, numberText(n, column)]);
        if (!n) return;
        const foreign = FROM_ZONES.includes(style.code) && owner !== 0 && owner !== group;
        if (foreign && !binder.notes.includes(FRAME_NOTE)) binder.notes.push(FRAME_NOTE);
        const level = FAINTEST + Math.floor((DEEPEST - FAINTEST) * Math.sqrt(n / top));
        drawn.boxes.push({
          x0: x[k] - column / 2 + 1, x1: x[k] + column / 2 - 1, y0: row - 0.44, y1: row + 0.44,
          fillcolor: tint(style.color, level), line: { width: foreign ? 1.2 : 0, color: theme.ink },
        });
      });
    });
    drawn.traces.push(numbersTrace(theme, i, label, marks));
    return drawn;
  }

  function numbersTrace(theme, i, label, marks) {
    const color = marks.map(([, y, text]) => (y < 0 || text === "0" ? theme.muted : theme.ink));
    return {
      type: "scatter", mode: "text", name: label, meta: { run: i, group: label, line: false },
      x: marks.map(([x]) => x), y: marks.map(([, y]) => y), text: marks.map(([, , text]) => text),
      textposition: "middle center", textfont: { size: 10.5, color }, hoverinfo: "skip",
      showlegend: false,
    };
  }

  function nameOf(run, memcg) {
    if (memcg < 0) return "others";
    return (run.about.memcgs || [])[memcg] || `memcg ${memcg}`;
  }

  /** Who, and whose memcg the task is in; a kernel thread that works for all has none. */
  function contextName(run, style, group) {
    if (group === 0 && THREADS.includes(style.code)) return style.label;
    return `${style.label} (${fit(nameOf(run, group), 60)})`;
  }

  function fit(name, px) {
    const most = Math.max(4, Math.floor(px / CHARACTER_PX));
    return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
  }

  /** All digits, or in a narrow column at most four characters: 1.2k, 12k, 1.2M. */
  function numberText(n, px) {
    if (px >= NARROW_PX) return charts.thousands(n);
    for (const [size, sign] of SIZES) {
      if (n < size) continue;
      const tenths = Math.floor((10 * n + size / 2) / size);
      const whole = Math.floor(tenths / 10);
      return tenths < 100 ? `${whole}.${tenths % 10}${sign}` : `${whole}${sign}`;
    }
    return String(n);
  }

  function tint(color, percent) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},0.${String(percent).padStart(2, "0")})`;
  }

  /** Height on the page, px: every row the same. */
  function matrixHeight(spec, runs, theme, hidden) {
    let rows = 0;
    let panels = 0;
    for (const run of runs) {
      if (charts.missing(spec, run)) {
        rows += 2;
        panels += 1;
        continue;
      }
      for (const panel of spec.panels) {
        const contexts = contextsOf(cellsOf(run, panel.lines[0].column, hidden, theme), theme);
        rows += contexts.length ? contexts.length + 1 : 0;
        panels += contexts.length ? 1 : 0;
      }
    }
    return Math.max(spec.height, 28 + ROW_PX * rows + charts.PANEL_GAP * Math.max(0, panels - 1));
  }

  (charts.DRAW = charts.DRAW || {}).matrix = drawMatrix;
  Object.assign(charts, { matrixHeight, numberText });
})(typeof window === "object" ? window : globalThis);
