/* Where a scenario changes something on the way: lines through the time charts
 * (dashboard/figures/interventions.py), and one row of words above them, a press goes there.
 */
(function (root) {
  "use strict";

  const ROWS = 3;
  const ROW_PX = 12;
  const LEFT_HALF = 0.7;

  /** [{t, text}] in order of time; the run is named where not every run has the mark. */
  function marksOf(runs, view) {
    const whose = new Map();
    for (const run of runs) {
      for (const { t, text } of run.about.marks || []) {
        if (t < view.begin || t > view.end) continue;
        const key = `${t} ${text}`;
        if (!whose.has(key)) whose.set(key, { t, text, labels: [] });
        whose.get(key).labels.push(run.label);
      }
    }
    return [...whose.values()].map(({ t, text, labels }) =>
      ({ t, text: labels.length >= runs.length ? text : `${labels.join("")}: ${text}` }))
      .sort((a, b) => a.t - b.t);
  }

  const lines = (runs, theme, view) => marksOf(runs, view).map(({ t }) => ({
    type: "line", xref: "x", yref: "paper", x0: t, x1: t, y0: 0, y1: 1,
    line: { color: theme.ink, width: 1, dash: "4px,3px" }, layer: "above",
  }));

  const words = (runs, theme, view, escaped) => marksOf(runs, view).map(({ t, text }, i) => {
    const left = (t - view.begin) / (view.end - view.begin) < LEFT_HALF;
    return {
      text: escaped(text), xref: "x", yref: "paper", x: t, y: 1,
      xanchor: left ? "left" : "right", yanchor: "top", xshift: left ? 2 : -2,
      yshift: -1 - ROW_PX * (i % ROWS), showarrow: false,
      font: { size: 9.5, color: theme.ink }, bgcolor: theme.background, opacity: 0.85,
      borderpad: 1,
    };
  });

  const lab = (root.reclaimLab = root.reclaimLab || {});
  lab.marks = { marksOf, lines, words };
  if (!root.document) return;

  // ---- the row of words

  const GAP = 4;
  const STRIP_ROW = 18;

  function draw() {
    const strip = document.querySelector("[data-marks]");
    const theme = lab.theme();
    if (!strip || !theme) return;
    const { duration, zoom } = lab.clock.state;
    const [begin, end] = zoom || [0, duration];
    const found = end > begin ? marksOf(lab.runs(), { begin, end }) : [];
    const width = strip.clientWidth - theme.margin_left - theme.margin_right;
    const key = JSON.stringify([found, begin, end, width]);
    if (strip.dataset.key === key) return;
    const focused = strip.contains(document.activeElement)
      ? document.activeElement.textContent : null;
    strip.dataset.key = key;
    strip.hidden = !found.length;
    strip.replaceChildren(...found.map(button));
    if (found.length) place([...strip.children], found, { strip, theme, begin, end });
    const again = [...strip.children].find((one) => one.textContent === focused);
    if (again) again.focus();
  }

  function button({ t, text }) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "mark-flag";
    made.textContent = text;
    made.title = `${text} at ${t.toFixed(3)} s: go there`;
    made.addEventListener("click", () => lab.player.seek(t));
    return made;
  }

  /** Beside its line, left of it where the row ends; in the first row that has room. */
  function place(buttons, found, { strip, theme, begin, end }) {
    const full = strip.clientWidth;
    const width = full - theme.margin_left - theme.margin_right;
    const taken = [];
    buttons.forEach((one, i) => {
      const at = theme.margin_left + ((found[i].t - begin) / (end - begin)) * width;
      const own = one.offsetWidth;
      const x = Math.max(0, at + own > full ? at - own : at);
      one.classList.toggle("is-left", x < at);
      let row = taken.findIndex((edge) => edge + GAP <= x);
      if (row < 0) row = taken.push(0) - 1;
      taken[row] = x + own;
      one.style.transform = `translate(${x.toFixed(1)}px, ${row * STRIP_ROW}px)`;
    });
    strip.style.height = `${taken.length * STRIP_ROW}px`;
  }

  for (const name of ["rl:status", "rl:zoom", "rl:tab", "rl:player"]) {
    document.addEventListener(name, draw);
  }
  root.addEventListener("resize", draw);
})(typeof window === "object" ? window : globalThis);
