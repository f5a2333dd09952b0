/* Draws charts as the page does, from frames: an order on stdin, figures on stdout, as JSON. */
"use strict";

const fs = require("fs");

const order = JSON.parse(fs.readFileSync(0, "utf8"));
const DRAWN = ["lines", "events", "matrix", "lists", "layout"];
for (const name of ["bind", "scale", "axes", "bands", ...DRAWN]) {
  require(`${order.assets}/chart-${name}.js`);
}
require(`${order.assets}/density.js`);
require(`${order.assets}/marks.js`);
const { charts } = globalThis.reclaimLab;
const { RunBuffer } = require(`${order.assets}/frames.js`);

const runs = order.runs.map(({ label, messages }) => {
  const run = new RunBuffer("key", label, {});
  for (const message of messages) {
    const bytes = Buffer.from(message, "base64");
    run.append(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }
  return run;
});

const plain = (key, value) => {
  if (value instanceof Float64Array) return Array.from(value);
  return Number.isNaN(value) ? null : value;
};
const { theme, figures } = order.specs;
const drawn = figures.map((spec) => charts.exportFigure(spec, runs, theme, order.options));
process.stdout.write(JSON.stringify(drawn, plain));
