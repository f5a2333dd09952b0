/* What all charts of the page share: runs, specs, theme, and which chart is drawn next: each at
 * most twice a second, one per task, only while in sight.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const DRAW_MS = 500;
  const INPUT_REST_MS = 120;

  const board = (lab.board = {
    runs: [], charts: new Map(), specs: {}, theme: null, themeName: "", link: "",
    off: new Set(), // issuers that the page's legend has switched off
    scales: new Map(), // charts whose axis has been switched: "log" or "linear"
    signature: "", abort: null, loads: 0, cursor: null, lastInput: 0, drawing: false, ready: false,
    DRAW_MS,
  });

  const running = () => board.runs.some((run) => !run.ended);

  const trouble = (message) => lab.fire("rl:error", { key: "", run: "", message, lost: false });

  /** One chart per task, then yield. */
  function schedule() {
    if (board.drawing || !board.ready) return;
    board.drawing = true;
    drawNext();
  }

  async function drawNext() {
    const rest = board.lastInput + INPUT_REST_MS - performance.now();
    let next = null;
    let soonest = Infinity;
    for (const chart of board.charts.values()) {
      const due = chart.due();
      if (due < soonest) [next, soonest] = [chart, due];
    }
    if (!next) {
      board.drawing = false;
      return;
    }
    const delay = Math.max(soonest, next.urgent ? 0 : rest);
    if (delay > 0) {
      setTimeout(drawNext, Math.min(delay, DRAW_MS));
      return;
    }
    try {
      await next.draw();
    } catch (error) {
      next.say("This chart could not be drawn");
      trouble(`${next.name}: ${error.message}`);
      console.error(error);
    }
    setTimeout(drawNext, 0);
  }

  function allNeed(urgent) {
    for (const chart of board.charts.values()) chart.needs(urgent);
    schedule();
  }

  async function specsOf(theme) {
    const response = await fetch(`/api/figures?theme=${theme}`);
    if (!response.ok) throw new Error(`figures: the server answered ${response.status}`);
    return response.json();
  }

  const cachedSpecs = new Map();
  async function setTheme(name) {
    const theme = name === "dark" ? "dark" : "light";
    if (theme === board.themeName && board.theme) return;
    board.themeName = theme;
    if (!cachedSpecs.has(theme)) cachedSpecs.set(theme, specsOf(theme));
    const specs = await cachedSpecs.get(theme);
    if (board.themeName !== theme) return;
    board.theme = specs.theme;
    board.specs = Object.fromEntries(specs.figures.map((spec) => [spec.name, spec]));
    for (const chart of board.charts.values()) chart.paint();
    if (!board.ready) return;
    lab.timeAxis.draw();
    allNeed(true);
  }

  Object.assign(board, { running, trouble, schedule, allNeed, setTheme });
})(window);
