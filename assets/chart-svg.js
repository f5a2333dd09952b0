/* A chart of one moment on the page: what layoutOf has made of it, drawn by ourselves: plotly.js
 * takes a hundred ms for what has to be drawn ten times a second. Elements stay and are moved.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const SVG = "http://www.w3.org/2000/svg";
  const LABEL_DOWN_PX = 9; // of a panel's name, from the panel's upper edge to its middle

  /** [name, attributes, text] of everything that is to be seen. */
  function partsOf({ bound, data, layout }, theme) {
    const { l: left, t: top, b: below } = layout.margin;
    const inner = layout.height - top - below;
    const axisOf = (ref) => layout[`yaxis${ref.slice(1)}`];
    const yOf = (ref) => {
      const { domain: [low, high], range: [from, to] } = axisOf(ref);
      return (y) => top + inner * (1 - low - ((y - from) / (to - from)) * (high - low));
    };
    const text = (x, y, said, more) =>
      ["text", { x, y, "font-size": 10.5, "dominant-baseline": "central", ...more }, said];
    const boxes = layout.shapes.map((shape) => boxOf(shape, left, yOf(shape.yref)));
    const names = bound.panels.flatMap((panel, i) => {
      const ref = `y${i ? i + 1 : ""}`;
      const [low, high] = axisOf(ref).domain;
      const labels = panel.labels.map(([said, x, y]) =>
        text(left + x, yOf(ref)(y), said, { fill: theme.ink, "text-anchor": "end" }));
      const head = text(left + 4, top + inner * (1 - high) + LABEL_DOWN_PX, panel.label,
        { fill: theme.ink, "font-weight": "bold" });
      const none = text(layout.width / 2, top + inner * (1 - (low + high) / 2), panel.empty,
        { fill: theme.muted, "text-anchor": "middle", "font-size": 13 });
      return [...labels, head, ...(panel.empty ? [none] : [])];
    });
    const words = data.filter(({ text: said }) => said).flatMap((trace) => trace.x.map((x, k) =>
      text(left + x, yOf(trace.yaxis)(trace.y[k]), trace.text[k],
        { fill: trace.textfont.color[k] })));
    return [...boxes, ...names, ...words];
  }

  function boxOf({ path, x0, x1, y0, y1, fillcolor: fill }, left, yOf) {
    if (!path) {
      const [high, low] = [yOf(y0), yOf(y1)].sort((a, b) => a - b);
      return ["rect", { x: left + x0, y: high, width: x1 - x0, height: low - high, fill }];
    }
    const d = path.replace(/(-?[\d.]+),(-?[\d.]+)/g,
      (_, x, y) => `${(left + Number(x)).toFixed(2)},${yOf(Number(y)).toFixed(2)}`);
    return ["path", { d, fill }];
  }

  function drawMoment(canvas, figure, theme) {
    const { width, height } = figure.layout;
    let svg = canvas.querySelector("svg");
    if (!svg) {
      svg = document.createElementNS(SVG, "svg");
      canvas.replaceChildren(svg);
    }
    change(svg, { width, height, "font-family": theme.font });
    const there = { rect: [], path: [], text: [] };
    for (const child of [...svg.children]) there[child.localName].push(child);
    for (const [name, attributes, said] of partsOf(figure, theme)) {
      const made = there[name].shift() || document.createElementNS(SVG, name);
      change(made, attributes);
      if (said !== undefined && made.textContent !== said) made.textContent = said;
      if (!made.parentNode) svg.append(made);
    }
    for (const left of Object.values(there).flat()) left.remove();
  }

  function change(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      const text = typeof value === "number" ? String(Math.round(value * 100) / 100) : value;
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
    for (const { name } of [...element.attributes]) {
      if (!(name in attributes)) element.removeAttribute(name);
    }
  }

  lab.drawMoment = drawMoment;
})(window);
