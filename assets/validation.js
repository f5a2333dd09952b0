/* The scoreboard of the model against real kernels: fetched and drawn when its tab is opened. */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const LOG2_SPAN = 3; // of the strip, each side
  let asked = false;

  const place = () => document.querySelector("[data-validation]");

  function make(name, words, attributes) {
    const made = document.createElement(name);
    made.textContent = words;
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  function number(x) {
    if (x === null || x === undefined) return "–";
    if (Math.abs(x) >= 1000) return lab.charts.thousands(Math.round(x));
    return String(Number(x.toPrecision(3)));
  }

  function range(values) {
    if (!values) return "–";
    if (values.runs < 2) return number(values.mid);
    return `${number(values.mid)} (${number(values.low)} … ${number(values.high)})`;
  }

  const factor = (log2) => `${(2 ** log2).toFixed(2)} ×`;

  /** A mark on a strip of factors of two; beyond its ends it stands at the end, as an arrow. */
  function strip(log2) {
    const cell = make("td", "", { class: "strip-cell" });
    if (log2 === null || !Number.isFinite(log2)) {
      cell.textContent = "–";
      return cell;
    }
    const at = Math.max(-LOG2_SPAN, Math.min(LOG2_SPAN, log2));
    const box = make("span", "", { class: "strip", "aria-hidden": "true" });
    const mark = make("span", log2 > LOG2_SPAN ? "▸" : log2 < -LOG2_SPAN ? "◂" : "",
      { class: at === log2 ? "strip-mark" : "strip-mark is-beyond" });
    mark.style.left = `${(50 * (at / LOG2_SPAN + 1)).toFixed(1)}%`;
    box.append(mark);
    cell.append(box, make("span", factor(log2), { class: "strip-value" }));
    return cell;
  }

  function verdict(words) {
    const good = words.startsWith("ok");
    const bad = words === "outside" || words.startsWith("wrong");
    const sign = good ? "✓ " : bad ? "✗ " : "";
    const kind = good ? "mark mark-better" : bad ? "mark mark-worse" : "quiet";
    const cell = make("td", "");
    cell.append(make("span", sign + (words || "no direction"), { class: kind }));
    return cell;
  }

  function table(label, heads, rows) {
    const scroll = make("div", "", { class: "scroll-x", tabindex: 0, role: "region",
      "aria-label": label });
    const made = make("table", "", { class: "table validation-table" });
    const head = made.createTHead().insertRow();
    heads.forEach((text, i) => {
      const aligned = rows[0] && rows[0].cells[i].classList.contains("num") ? "num" : "";
      head.append(make("th", text, { scope: "col", class: aligned }));
    });
    made.createTBody().append(...rows);
    scroll.append(made);
    return scroll;
  }

  function row(name, cells) {
    const made = document.createElement("tr");
    made.append(make("th", name, { scope: "row" }), ...cells.map((cell) =>
      (cell instanceof Node ? cell : make("td", cell, { class: "num" }))));
    return made;
  }

  const groups = (rows, key) => Map.groupBy ? Map.groupBy(rows, key) : rows.reduce((found, one) => {
    if (!found.has(key(one))) found.set(key(one), []);
    found.get(key(one)).push(one);
    return found;
  }, new Map());

  /** Which model, which seeds, how to make it again. */
  function source(part, version) {
    const box = make("div", "", { class: "validation-source" });
    if (part.model_version !== version) {
      box.append(make("p", `These numbers are of model version ${part.model_version}; this page `
        + `runs version ${version}. They may differ: run the command below again.`,
      { class: "notice" }));
    }
    const seeds = `${part.seeds} simulated run${part.seeds === 1 ? "" : "s"} of each`;
    const line = make("p", `Model version ${part.model_version}, ${seeds}. `, { class: "quiet" });
    line.append(make("code", part.command));
    box.append(line);
    return box;
  }

  // ---- recorded

  const RECORDED = {
    recorded: "Recorded runs of 2.6.36, without (v0) and with patches 5 and 6 (v7)",
    "linux-6.1": "Recorded runs of Linux 6.1: without a limit (S1), in a container of cgroup v1 "
      + "(S4), of v2 (S5X)",
  };

  function recorded(title, part, version) {
    const { score } = part;
    const signs = score.signs ? `; ${score.signs_ok} of ${score.signs} recorded changes have their `
      + "sign" : "";
    const made = [make("h3", title),
      make("p", `${score.rows_ok} of ${score.rows} scored rows agree${signs}.`,
        { class: "validation-score" }),
      source(part, version)];
    for (const name of part.missing || []) {
      made.push(make("p", `No recorded run of ${name}.`, { class: "quiet" }));
    }
    for (const [name, rows] of groups(part.rows, (one) => `${one.workload} ${one.variant}`)) {
      const [first] = rows;
      const runs = (values) => (values ? values.runs : 0);
      const most = Math.max(...rows.map((one) => runs(one.recorded)));
      const right = rows.filter((one) => one.verdict === "ok").length;
      const scored = rows.filter((one) => ["ok", "outside", "wrong sign"].includes(one.verdict));
      const fold = document.createElement("details");
      const said = scored.length ? `${right} of ${scored.length} agree` : "not scored";
      const many = `${most} recorded run${most === 1 ? "" : "s"}`;
      fold.append(make("summary", `${name}: ${said}, ${many}`));
      const body = rows.map((one) => row(one.name, [make("td", one.unit), range(one.recorded),
        range(one.simulated), strip(one.ratio === null ? null : Math.log2(one.ratio)),
        verdict(one.verdict), one.sign ? verdict(one.sign) : make("td", "")]));
      fold.append(table(name, [first.workload, "unit", "recorded", "simulated",
        "simulated / recorded", "verdict", "change from v0"], body));
      fold.open = scored.length > 0 && right < scored.length;
      made.push(fold);
    }
    return made;
  }

  // ---- published

  function published(part, version) {
    const { score } = part;
    const far = score.log2_median === null ? "" : ` The median row is ${factor(score.log2_median)}`
      + " off.";
    const made = [make("h3", "Tables published with the series"),
      make("p", `${score.directions_ok} of ${score.directions} published changes have their `
        + `direction.${far}`, { class: "validation-score" }), source(part, version)];
    for (const [name, rows] of groups(part.rows, (one) => one.table)) {
      const about = part.tables[name];
      const fold = document.createElement("details");
      const answered = rows.filter((one) => !one.missing);
      const right = answered.filter((one) => one.direction === "ok").length;
      const directed = answered.filter((one) => one.direction).length;
      fold.append(make("summary", `${about.title}: ${answered.length
        ? `${right} of ${directed} directions` : "not answered"}`));
      fold.append(make("p", `${about.source} ${about.message_id}`, { class: "quiet" }));
      if (part.scale[name]) {
        fold.append(make("p", `Scale: ${part.scale[name]}`, { class: "quiet" }));
      }
      for (const [column, some] of groups(answered, (one) => one.column)) {
        const body = some.map((one) => row(one.name, [number(one.published), number(one.simulated),
          strip(one.log2), verdict(one.direction)]));
        fold.append(table(`${name} ${column}`, [column, "published ratio", "simulated ratio",
          "simulated / published", "direction"], body));
      }
      for (const [why, some] of groups(rows.filter((one) => one.missing), (one) => one.missing)) {
        const names = [...new Set(some.map((one) => one.name))];
        fold.append(make("p", `Missing, for ${why}: ${names.join(", ")}.`, { class: "quiet" }));
      }
      fold.open = directed > right;
      made.push(fold);
    }
    return made;
  }

  // ---- the panel

  async function show() {
    if (asked || !place()) return;
    asked = true;
    const answer = await fetch("/api/validation");
    if (!answer.ok) {
      asked = false;
      place().replaceChildren(make("p", `The server answered ${answer.status}.`));
      return;
    }
    const { model_version: version, parts } = await answer.json();
    const made = [
      ...Object.keys(RECORDED).filter((name) => parts[name])
        .flatMap((name) => recorded(RECORDED[name], parts[name], version)),
      ...(parts.published ? published(parts.published, version) : []),
    ];
    const missing = [...Object.keys(RECORDED), "published"].filter((name) => !parts[name]);
    for (const name of missing) {
      made.push(make("p", `The ${name} runs have not been scored with this copy.`,
        { class: "empty" }));
    }
    place().replaceChildren(...made);
  }

  document.addEventListener("rl:tab", (event) => event.detail.tab === "validation" && show());
})(window);
