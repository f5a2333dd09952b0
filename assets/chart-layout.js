/* What was bound as a figure for plotly.js: on the page, and as an image
 * (dashboard/figures/fill.py). Pure.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const PANEL_GAP = 16;
  const CAPTION_LINE = 13;
  const CAPTION_TOP = 26;

  const escapeText = (text) =>
    String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  const short = (name) => (name.length <= 9 ? name : `${name.slice(0, 8)}…`);

  function axis(theme) {
    return {
      gridcolor: theme.grid, gridwidth: 1, linecolor: theme.axis, zeroline: false, ticks: "",
      fixedrange: true, automargin: false, tickfont: { size: 10, color: theme.muted },
    };
  }

  const ticksOf = (ticks) =>
    ({ tickvals: ticks.map(([at]) => at), ticktext: ticks.map(([, text]) => text) });

  function xAxis(spec, bound, theme, view) {
    const panels = bound.panels.length;
    const made = { ...axis(theme), anchor: `y${panels > 1 ? panels : ""}`, showline: true };
    if (spec.x === "ms") {
      const log = spec.scale === "log" ? { type: "log" } : {};
      return { ...made, ...log, range: bound.x.range, ...ticksOf(bound.x.ticks) };
    }
    if (spec.x === "none") {
      const bare = { showgrid: false, showline: false, showticklabels: false };
      return { ...made, range: [0, view.width], ...bare };
    }
    return {
      ...made, range: [view.begin, view.end], nticks: Math.max(3, Math.floor(view.width / 80)),
      ticksuffix: " s", showticksuffix: "last",
    };
  }

  function yAxis(spec, panel, theme, domain) {
    const made = { ...axis(theme), domain, range: panel.range, anchor: "x" };
    if (panel.rows.length) {
      return {
        ...made, showgrid: false, tickvals: panel.rows.map((_, k) => k),
        ticktext: panel.rows.map((name) => escapeText(short(name))),
      };
    }
    if (panel.ticks.length) {
      return { ...made, ...(panel.floor > 0 ? { type: "log" } : {}), ...ticksOf(panel.ticks) };
    }
    if (panel.empty || spec.x === "none") {
      const bare = spec.x === "none" ? { showline: false } : {};
      return { ...made, showgrid: false, showticklabels: false, ...bare };
    }
    return { ...made, tick0: panel.range[0], dtick: panel.step, tickformat: spec.tick_format };
  }

  /** All marks of one colour as one path, in the units of the axes. */
  function shapeOf(trace, yref) {
    const { x, y, line: { color, width, dash } } = trace;
    let path = "";
    let begun = false;
    for (let k = 0; k < x.length; k++) {
      const there = x[k] === x[k];
      if (there) path += `${begun ? "L" : "M"}${x[k].toFixed(6)},${y[k].toFixed(5)}`;
      begun = there;
    }
    return {
      type: "path", path, xref: "x", yref, line: { color, width, dash },
      fillcolor: "rgba(0,0,0,0)", layer: "above",
    };
  }

  function rowLabel([text, x, y], yref, theme) {
    return {
      text: escapeText(text), xref: "x", yref, x, y, xanchor: "right", yanchor: "middle",
      showarrow: false, font: { size: 10.5, color: theme.ink },
    };
  }

  function message(text, y, theme) {
    return {
      text: wrap(text, 90).map(escapeText).join("<br>"), xref: "paper", yref: "paper", x: 0.5, y,
      xanchor: "center", yanchor: "middle", showarrow: false,
      font: { size: 13, color: theme.muted },
    };
  }

  function panelLabel(text, y, theme) {
    return {
      text: `<b>${escapeText(text)}</b>`, xref: "paper", yref: "paper", x: 0, y, xanchor: "left",
      yanchor: "top", xshift: 4, yshift: -1, showarrow: false,
      font: { size: 10.5, color: theme.ink }, bgcolor: theme.background, opacity: 0.85,
      borderpad: 1,
    };
  }

  function layoutOf(spec, bound, theme, view, innerHeight) {
    const layout = {
      paper_bgcolor: theme.background, plot_bgcolor: theme.background,
      font: { family: theme.font, size: theme.font_size, color: theme.ink },
      hovermode: false, dragmode: false, annotations: [], images: [], shapes: [],
    };
    if (bound.empty) {
      layout.xaxis = { visible: false, range: [0, 1], fixedrange: true };
      layout.yaxis = { visible: false, range: [0, 1], fixedrange: true };
      layout.annotations.push(message(bound.empty, 0.5, theme));
      return layout;
    }
    const n = bound.panels.length;
    const gap = PANEL_GAP / Math.max(1, innerHeight);
    const weights = bound.panels.reduce((sum, panel) => sum + panel.weight, 0);
    const each = (1 - gap * (n - 1)) / weights;
    let low = 1 + gap;
    layout.xaxis = xAxis(spec, bound, theme, view);
    bound.panels.forEach((panel, i) => {
      const high = low - gap;
      low = i === n - 1 ? 0 : high - each * panel.weight;
      const yref = `y${i ? i + 1 : ""}`;
      layout[`yaxis${i ? i + 1 : ""}`] = yAxis(spec, panel, theme, [low, high]);
      layout.shapes.push(...panel.traces.filter((trace) => trace.meta.shape)
        .map((trace) => shapeOf(trace, yref)));
      layout.shapes.push(...panel.boxes.map((box) =>
        ({ ...box, type: box.path ? "path" : "rect", xref: "x", yref, layer: "below" })));
      layout.annotations.push(...panel.labels.map((label) => rowLabel(label, yref, theme)));
      if (panel.picture) {
        layout.images.push({
          ...panel.picture, xref: "x", yref, xanchor: "left",
          yanchor: "top", sizing: "stretch", layer: "above",
        });
      }
      if (panel.label) layout.annotations.push(panelLabel(panel.label, high, theme));
      if (panel.empty) layout.annotations.push(message(panel.empty, (low + high) / 2, theme));
    });
    return layout;
  }

  function tracesOf(bound) {
    return bound.panels.flatMap((panel, i) => {
      const at = { xaxis: "x", yaxis: `y${i ? i + 1 : ""}` };
      const lines = panel.traces.filter((trace) => !trace.meta.shape);
      if (!lines.length) {
        const nothing = { type: "scatter", x: [], y: [], meta: {}, showlegend: false };
        return [{ ...nothing, hoverinfo: "skip", ...at }];
      }
      return lines.map((trace) => {
        const made = { ...trace, ...at };
        if (panel.floor > 0) made.y = made.y.map((value) => Math.max(value, panel.floor));
        if (trace.stackgroup) made.stackgroup = `${trace.stackgroup}.${i}`;
        return made;
      });
    });
  }

  function legendTrace(entry) {
    const trace = {
      type: "scatter", name: escapeText(entry.label), x: [null], y: [null], showlegend: true,
      hoverinfo: "skip",
    };
    if (entry.symbol === "line" || entry.symbol === "run") {
      const line = { color: entry.color, width: 1.6, dash: entry.dash };
      return { ...trace, mode: "lines", line };
    }
    const symbol = entry.symbol === "open" ? "square-open" : "square";
    const size = entry.symbol === "area" ? 9 : 6;
    return { ...trace, mode: "markers", marker: { color: entry.color, symbol, size } };
  }

  function wrap(text, most) {
    const lines = [""];
    for (let word of text.split(/\s+/).filter(Boolean)) {
      while (word.length > most) {
        const last = lines[lines.length - 1];
        const room = most - last.length - (last ? 1 : 0);
        if (room < 12) {
          lines.push("");
          continue;
        }
        lines[lines.length - 1] += (last ? " " : "") + word.slice(0, room);
        word = word.slice(room);
        lines.push("");
      }
      if (lines[lines.length - 1].length + 1 + word.length > most && lines[lines.length - 1]) {
        lines.push("");
      }
      lines[lines.length - 1] += (lines[lines.length - 1] ? " " : "") + word;
    }
    return lines.filter(Boolean);
  }

  function captionOf(runs, url) {
    const parts = runs.map((run) => {
      const { about } = run;
      const words = [String(about.title || about.source || "run")];
      if (about.digest) words.push(`scenario ${about.digest}`);
      if (about.seed !== undefined) words.push(`seed ${about.seed}`);
      if (about.model_version) words.push(`model ${about.model_version}`);
      return runs.length > 1 ? `${run.label}: ${words.join(", ")}` : words.join(", ");
    });
    return [...parts, ...(url ? [url] : [])].join(". ");
  }

  const wholeView = (runs, zoom) => ({
    begin: zoom ? zoom[0] : 0,
    end: zoom ? zoom[1] : Math.max(...runs.map((run) => run.duration_s)),
  });

  /** For the page: no title, no legend (the page has its own), tick labels only where asked. */
  function pageFigure(spec, runs, theme, options) {
    const { width, height, zoom, at, hidden, tickLabels } = options;
    const margin = {
      l: theme.margin_left, r: theme.margin_right, t: 6, pad: 0,
      b: spec.x === "ms" || (tickLabels && spec.x === "time") ? 22 : 6,
    };
    const inner = height - margin.t - margin.b;
    const view = {
      ...wholeView(runs, zoom), width: Math.max(50, width - margin.l - margin.r), height: inner,
      at,
    };
    const bound = charts.bind(spec, runs, theme, view, hidden);
    const layout = layoutOf(spec, bound, theme, view, inner);
    Object.assign(layout, { width, height, margin, showlegend: false });
    if (spec.x === "time" && !bound.empty) {
      layout.shapes.push(...lab.marks.lines(runs, theme, view));
    }
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    if (!tickLabels && spec.x === "time") layout.xaxis.showticklabels = false;
    return { bound, data: tracesOf(bound), layout };
  }

  /** For an image: the figure that dashboard.figures.fill makes. */
  function exportFigure(spec, runs, theme, options) {
    const { width, height, zoom, at, hidden, url } = options;
    const caption = options.caption === undefined ? captionOf(runs, url) : options.caption;
    const view = {
      ...wholeView(runs, zoom), width: width - theme.margin_left - theme.margin_right,
      height: height - 90, at,
    };
    const bound = charts.bind(spec, runs, theme, view, hidden);
    const most = Math.max(20, Math.floor((width - 24) / 6));
    const notes = [...bound.notes, charts.averaged(bound)].filter(Boolean);
    const lines = wrap([...notes, caption].join(". "), most);
    const entries = bound.empty
      ? [] : bound.legend.filter((entry) => !hidden || !hidden.has(entry.label));
    const used = entries.reduce((sum, entry) => sum + 44 + 6 * entry.label.length, 0);
    const top = 34 + 19 * Math.ceil(used / Math.max(1, view.width));
    const bottom = CAPTION_TOP + 8 + CAPTION_LINE * lines.length;
    const layout = layoutOf(spec, bound, theme, view, height - top - bottom);
    Object.assign(layout, {
      width, height,
      margin: { l: theme.margin_left, r: theme.margin_right, t: top, b: bottom, pad: 0 },
      title: {
        text: `<b>${escapeText(spec.title)}</b>`, x: 0, xref: "container", xanchor: "left", y: 1,
        yref: "container", yanchor: "top", pad: { l: 12, t: 10 },
        font: { size: 14, color: theme.ink },
      },
      legend: {
        orientation: "h", traceorder: "normal", x: 0, xanchor: "left", y: 1, yanchor: "bottom",
        font: { size: 10, color: theme.ink }, itemclick: false, itemdoubleclick: false,
        bgcolor: "rgba(0,0,0,0)",
      },
    });
    if (spec.x === "time" && !bound.empty) {
      const { marks } = root.reclaimLab;
      layout.shapes.push(...marks.lines(runs, theme, view));
      layout.annotations.push(...marks.words(runs, theme, view, escapeText));
    }
    layout.annotations.push({
      text: lines.map(escapeText).join("<br>"), xref: "paper", yref: "paper", x: 0, y: 0,
      xanchor: "left", yanchor: "top", xshift: 12 - theme.margin_left, yshift: -CAPTION_TOP,
      align: "left", showarrow: false, font: { size: 9.5, color: theme.muted },
    });
    return { data: [...tracesOf(bound), ...entries.map(legendTrace)], layout };
  }

  Object.assign(charts, { pageFigure, exportFigure, captionOf, wrap, PANEL_GAP });
})(typeof window === "object" ? window : globalThis);
