/* Tables of numbers and of recordings: made here, since each Dash component slows the page. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const $ = (id) => document.getElementById(id);
  const dash = () => root.dash_clientside;

  function tableOf(heads, bodyRows, className) {
    const made = lab.make("table", "", { class: className });
    const head = document.createElement("tr");
    head.append(...heads.map((text) => lab.make("th", text, { scope: "col" })));
    const [top, body] = [document.createElement("thead"), document.createElement("tbody")];
    top.append(head);
    body.append(...bodyRows);
    made.append(top, body);
    return made;
  }

  function table(data) {
    const nothing = dash().no_update;
    const place = $("compare-numbers");
    if (!data) {
      place.replaceChildren(
        lab.make("p", "The table of numbers comes when the run is done.", { class: "empty" }));
      return nothing;
    }
    const made = data.tables.map((one) => {
      const scroll = lab.make("div", "", { class: "scroll-x", tabindex: 0, role: "region",
        "aria-label": one.heads[0] });
      scroll.append(tableOf(one.heads, one.rows.map(numbersRow), "table numbers-table"));
      return scroll;
    });
    if (data.note) made.push(lab.make("p", data.note, { class: "quiet" }));
    place.replaceChildren(copyButtons(data), ...made);
    if (data.verdict) {
      place.prepend(lab.make("p", data.verdict, { class: "verdict", id: "compare-verdict" }));
    }
    return nothing;
  }

  function copyButtons(data) {
    const row = lab.make("p", "", { class: "copy-row" });
    const said = lab.make("span", "", { class: "copied", role: "status" });
    for (const [label, text] of [["Copy as Markdown", data.markdown],
      ["Copy as plain text (mail)", data.plain]]) {
      const button = lab.make("button", label, { class: "button", type: "button" });
      button.addEventListener("click", () => copyText(`${text}\n${location.href}\n`, said));
      row.append(button);
    }
    row.append(said);
    return row;
  }

  /* Without a clipboard (plain http) the text is shown, ready to be taken. */
  function copyText(text, said) {
    const byHand = () => {
      const field = lab.make("textarea", text, { class: "copy-text", rows: 12,
        "aria-label": "Text to copy", readonly: "" });
      said.parentElement.after(field);
      field.select();
      said.textContent = "press Ctrl+C";
    };
    if (!navigator.clipboard) return byHand();
    navigator.clipboard.writeText(text).then(() => { said.textContent = "copied"; }, byHand);
  }

  function numbersRow(row) {
    const made = document.createElement("tr");
    const cells = row.cells.map((text) => lab.make("td", text, { class: "num" }));
    row.marks.forEach((mark, k) => {
      if (!mark) return;
      const sign = mark === "better" ? "▲" : "▼";
      cells[k].append(" ", lab.make("span", `${sign} ${mark}`, { class: `mark mark-${mark}` }));
    });
    const title = lab.make("th", row.title, { scope: "row", title: row.formula });
    made.append(title, ...cells, lab.make("td", row.unit, { class: "unit" }));
    return made;
  }

  function listRecordings(recordings) {
    if (!recordings || !recordings.length) return;
    const heads = ["Recording", "Kernel", "Variant", "Open"];
    const body = recordings.map((one) => {
      const made = document.createElement("tr");
      const name = lab.make("th", one.title, { scope: "row" });
      name.append(lab.make("code", one.name));
      const links = lab.make("td", "", { class: "links" });
      links.append(lab.make("a", "open", { href: one.open, "aria-label": `open ${one.name}` }));
      if (one.beside) {
        const label = `${one.name} beside the simulation`;
        links.append(
          lab.make("a", "beside the simulation", { href: one.beside, "aria-label": label }));
      }
      made.append(name, lab.make("td", one.kernel), lab.make("td", one.variant), links);
      return made;
    });
    $("recorded-list").replaceChildren(tableOf(heads, body, "table"));
  }

  lab.listRecordings = listRecordings;
  root.dash_clientside = root.dash_clientside || {};
  root.dash_clientside.lab = Object.assign(root.dash_clientside.lab || {}, { table });
})(window);
