/* Lists of the form: rows and buttons write the text control, the link's own grammar. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const ROWS_MS = 60;
  const CONTROL = "control";
  const dash = () => root.dash_clientside;

  const NEW_ITEM = {
    memcgs: (n) => `g${n}.64`,
    workloads: () => "seqw.root",
    interventions: () => `${Math.min(lab.inject.atMs(), lastMs())}.stall.disk.2000`,
  };

  /* Rows were drawn or changed. Drawing comes with a target: wait for it before comparing. */
  function rows() {
    const list = dash().callback_context.inputs_list[0] || [];
    if (list.length) setTimeout(() => rowsSettled(list), ROWS_MS);
    return dash().no_update;
  }

  function rowsSettled(list) {
    if (!lab.form.state.target) return;
    const of = list[0].id.room.replace("cell-", "");
    const items = [];
    for (const cell of list) {
      const item = (items[cell.id.row] = items[cell.id.row] || {});
      item[cell.id.field] = String(cell.value ?? "").trim();
    }
    if (of === "interventions") items.forEach(mendChange);
    const text = items.map((item) => itemText(of, item)).join("~");
    if (text !== lab.form.state.target.rows[of]) setList(of, text);
  }

  /* Another kind of change needs somebody of its own, and a value to begin with. */
  function mendChange(item, row) {
    const { target } = lab.form.state;
    const before = ((target.rows.interventions || "").split("~")[row] || "").split(".");
    const known = target.timeline[item.what] || {};
    if (!(item.whose in known)) item.whose = Object.keys(known)[0] || item.whose;
    if (item.what === before[1] && item.whose === before[2]) return;
    const { now, lo, hi } = known[item.whose] || { now: 0, lo: 0, hi: 1 };
    const switched = item.what === "patch" || item.what === "answer";
    item.value = String(switched ? 1 - now : Math.min(Math.max(now, lo), hi));
  }

  const lastMs = () => Math.max(0, Number(lab.page.shown("duration_ms")) - 1);

  /* As rows_text of the server has it: the target says which letter stands before which field. */
  function itemText(of, item) {
    const fields = lab.form.state.target.cells[of];
    return fields.map(([letter, field]) => letter + item[field]).join(".");
  }

  function itemsOf(of) {
    const text = lab.page.shown(of) || "";
    const { target } = lab.form.state;
    const repeated = /\.x\d/.test(text) && target && target.rows[of];
    return (repeated || text).split("~").filter(Boolean);
  }

  function setList(of, text) {
    dash().set_props({ room: CONTROL, path: of }, { value: text });
  }

  function addItem(of) {
    const items = itemsOf(of);
    const names = new Set(items.map((item) => item.split(".")[0]));
    let number = items.length + 1;
    while (names.has(`g${number}`)) number += 1;
    setList(of, [...items, NEW_ITEM[of](number)].join("~"));
  }

  function removeItem(of, row) {
    setList(of, itemsOf(of).filter((_item, i) => i !== row).join("~"));
  }

  lab.lists = { addItem, removeItem };
  lab.page = Object.assign(lab.page || {}, { items: itemsOf, setList, lastMs });
  root.dash_clientside = root.dash_clientside || {};
  root.dash_clientside.lab = Object.assign(root.dash_clientside.lab || {}, { rows });
})(window);
