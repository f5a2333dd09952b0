/* Very many events as a picture: the same cells and bytes as dashboard/figures/density.py, and the
 * charts that are made of it. After chart-bind.js, to whose kinds of charts it adds its own.
 */
(function (root) {
  "use strict";

  const { charts } = root.reclaimLab;
  const CELL_PX = 3;
  const HEAT_PX = 5;
  const LEVELS = 8; // 1, 2-3, 4-7, ... and 128 or more events in a cell
  const FAINTEST = 150; // of 255
  const STORED_MAX = 65535;

  /** Cells over [x0, x1, y0, y1], highest y first: 0 = nothing, else 1 + class * LEVELS + level. */
  function densityCells(x, y, code, [x0, x1, y0, y1], [wide, high], classes) {
    const counts = Array.from({ length: classes }, () => new Uint32Array(wide * high));
    const place = (value, low, top, n) =>
      Math.min(n - 1, Math.max(0, Math.floor(((value - low) / Math.max(top - low, 1e-12)) * n)));
    for (let k = 0; k < x.length; k++) {
      const row = high - 1 - place(y[k], y0, y1, high);
      counts[code[k] % classes][row * wide + place(x[k], x0, x1, wide)] += 1;
    }
    const cells = new Uint8Array(wide * high);
    for (let cell = 0; cell < cells.length; cell++) {
      let total = 0;
      let most = 0;
      for (let c = 0; c < classes; c++) {
        total += counts[c][cell];
        if (counts[c][cell] > counts[most][cell]) most = c;
      }
      if (!total) continue;
      const level = Math.min(LEVELS, 32 - Math.clz32(total)) - 1;
      cells[cell] = 1 + most * LEVELS + level;
    }
    return { cells, wide, high };
  }

  function palette(colors) {
    const entries = [[0, 0, 0, 0]];
    for (const color of colors) {
      const rgb = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
      for (let level = 0; level < LEVELS; level++) {
        entries.push([...rgb, FAINTEST + Math.floor(((255 - FAINTEST) * level) / (LEVELS - 1))]);
      }
    }
    return entries;
  }

  const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });

  function crc32(bytes) {
    let c = 0xffffffff;
    for (const byte of bytes) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
    return ~c >>> 0;
  }

  function adler32(bytes) {
    let [a, b] = [1, 0];
    for (const byte of bytes) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
    return ((b << 16) | a) >>> 0;
  }

  const big = (n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

  function chunk(name, data) {
    const body = Uint8Array.from([...name].map((c) => c.charCodeAt(0)).concat(Array.from(data)));
    return [...big(data.length), ...body, ...big(crc32(body))];
  }

  /** A zlib stream of stored blocks (RFC 1950, 1951). */
  function stored(data) {
    const out = [0x78, 1];
    for (let at = 0; at < data.length; at += STORED_MAX) {
      const part = data.subarray(at, at + STORED_MAX);
      const n = part.length;
      out.push(at + STORED_MAX >= data.length ? 1 : 0, n & 255, n >> 8, ~n & 255, (~n >> 8) & 255);
      for (const byte of part) out.push(byte);
    }
    return [...out, ...big(adler32(data))];
  }

  /** Cells as a PNG, in a data: URI. */
  function picture({ cells, wide, high }, colors) {
    const entries = palette(colors);
    const rows = new Uint8Array(high * (wide + 1)); // each row begins with its filter: none
    for (let r = 0; r < high; r++) {
      rows.set(cells.subarray(r * wide, (r + 1) * wide), r * (wide + 1) + 1);
    }
    const bytes = [
      [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10],
      chunk("IHDR", [...big(wide), ...big(high), 8, 3, 0, 0, 0]),
      chunk("PLTE", entries.flatMap((entry) => entry.slice(0, 3))),
      chunk("tRNS", entries.map((entry) => entry[3])),
      chunk("IDAT", stored(rows)),
      chunk("IEND", []),
    ].flat();
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) {
      text += String.fromCharCode(...bytes.slice(at, at + 8192));
    }
    return `data:image/png;base64,${btoa(text)}`;
  }

  // ---- charts (marks.py, heat.py)

  /** Issuers of writes, and reads, whoever asked for them. */
  function requestClasses(theme, io) {
    const place = new Map(theme.issuers.map((style, k) => [style.code, k]));
    const reads = theme.issuers.length;
    return {
      codeOf: (k) => (io.write[k] === 1 ? place.get(io.issuer[k]) : reads),
      classes: [...theme.issuers, { label: "reads", color: theme.colors.muted }],
    };
  }

  function sizeOf({ spec, theme, runs, view }, cell) {
    const panels = charts.panelCount(spec, theme.limits, runs.length, 1);
    return [view.width, view.height / panels].map((px) => Math.max(1, Math.floor(px / cell)));
  }

  function placed(cells, classes, view, [low, high]) {
    return {
      source: picture(cells, classes.map(({ color }) => color)), x: view.begin, y: high,
      sizex: view.end - view.begin, sizey: high - low,
    };
  }

  /** A picture instead of marks; reads, whoever asked for them, have a colour of their own. */
  function requests(binder, drawn, i, inside) {
    const { view, theme, hidden } = binder;
    const run = binder.runs[i];
    const { io } = run.events;
    const { codeOf, classes } = requestClasses(theme, io);
    const nameOf = (code) => classes[code].label;
    const [low, high] = drawn.range;
    const names = new Set(inside.map((k) => nameOf(codeOf(k))));
    const shown = inside.filter((k) => !hidden.has(nameOf(codeOf(k))));
    const heights = shown.map((k) => drawn.place(io.offset[k]));
    const cells = densityCells(shown.map((k) => io.t[k]), heights, shown.map(codeOf),
      [view.begin, view.end, low, high], sizeOf(binder, CELL_PX), classes.length);
    drawn.picture = placed(cells, classes, view, drawn.range);
    charts.intoLegend(binder, names);
    if (names.has("reads")) binder.enter("reads", theme.colors.muted, "mark", "solid");
    const all = charts.thousands(inside.length);
    binder.notes.push(binder.name(run,
      `density of ${all} requests, not single ones: zoom in for those`));
  }

  function drawHeat(binder, group) {
    return group.map((i) => heatPanel(binder, i));
  }

  function heatPanel(binder, i) {
    const { spec, view, hidden } = binder;
    const run = binder.runs[i];
    const { t, ms, code, classes } = lengthsOf(binder, run);
    const y = spec.scale === "log" ? ms.map(Math.log10) : ms;
    const { low, high, ticks } = heatAxis(binder);
    const drawn = charts.newPanel(binder.many ? run.label : "");
    Object.assign(drawn, { range: [low, high], ticks });
    const inside = [];
    for (let k = 0; k < t.length; k++) if (t[k] >= view.begin && t[k] <= view.end) inside.push(k);
    const there = inside.filter((k) => y[k] >= low);
    const shown = there.filter((k) => !hidden.has(classes[code[k]].label));
    const cells = densityCells(shown.map((k) => t[k]), shown.map((k) => y[k]),
      shown.map((k) => code[k]), [view.begin, view.end, low, high], sizeOf(binder, HEAT_PX),
      classes.length);
    drawn.picture = placed(cells, classes, view, drawn.range);
    const present = new Set(there.map((k) => code[k]));
    classes.forEach(({ label, color }, k) => {
      if (present.has(k)) binder.enter(label, color, "mark", "solid");
    });
    const below = inside.length - there.length;
    if (below) {
      binder.notes.push(binder.name(run, `${charts.thousands(below)} of `
        + `${charts.thousands(inside.length)} are shorter than the axis`));
    }
    return drawn;
  }

  /** Ends and ticks, in ms or in decades of them; the same for all runs. */
  function heatAxis(binder) {
    const { spec, runs } = binder;
    if (spec.scale === "log") {
      const [low, high] = spec.lengths.map(Math.log10);
      const ticks = charts.logLengths(spec.lengths).map(([ms, text]) => [Math.log10(ms), text]);
      return { low, high, ticks };
    }
    const longest = runs.filter((run) => run.events[spec.family])
      .map((run) => charts.highest(lengthsOf(binder, run).ms));
    const [high, ticks] = charts.linearLengths(Math.max(0, ...longest));
    return { low: 0, high, ticks };
  }

  /** Ends in s, lengths in ms, class of each event, and the classes. */
  function lengthsOf({ spec, theme }, run) {
    const events = run.events[spec.family];
    const all = Array.from(events.t.keys());
    if (spec.family === "stalls") {
      const classes = spec.panels[0].lines
        .map((kind) => ({ label: kind.label, color: theme.colors[kind.color] }));
      const ms = all.map((k) => events.length[k] * 1e3);
      return { t: events.t, ms, code: events.kind, classes };
    }
    const { codeOf, classes } = requestClasses(theme, events);
    const known = all.filter((k) => events.wait_us[k] >= 0);
    return {
      t: known.map((k) => events.t[k]), classes, code: known.map(codeOf),
      ms: known.map((k) => events.wait_us[k] / 1e3),
    };
  }

  charts.DRAW.heat = drawHeat;
  root.reclaimLab.density = { densityCells, picture, requests };
})(typeof window === "object" ? window : globalThis);
